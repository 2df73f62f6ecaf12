//! How good the model is on texts kept apart, and what its probabilities are worth there.

use std::fmt::Write;

use tagger::{Calibration, Entity, Kind, Tagger};

use crate::data::Known;

#[derive(Clone, Copy, Default)]
struct Count {
    known: f64,
    found: f64,
    findings: f64,
    right: f64,
}

fn touches(entity: &Entity, kind: usize, range: &std::ops::Range<usize>) -> bool {
    Kind::ALL[kind] == entity.kind
        && entity.range.start < range.end
        && range.start < entity.range.end
}

fn is_right(entity: &Entity, known: &Known) -> bool {
    known.names.iter().any(|(kind, range)| touches(entity, *kind, range))
}

/// Precision and recall of each kind: a finding is right if it touches a name of its kind.
pub(crate) fn report(tagger: &Tagger, held: &[Known]) -> String {
    let mut counts = [Count::default(); 4];
    for known in held {
        let found = tagger.find(&known.text);
        for (kind, range) in &known.names {
            counts[*kind].known += 1.0;
            counts[*kind].found += f64::from(found.iter().any(|one| touches(one, *kind, range)));
        }
        for entity in &found {
            let kind = Kind::ALL.iter().position(|kind| *kind == entity.kind).unwrap_or_default();
            counts[kind].findings += 1.0;
            counts[kind].right += f64::from(is_right(entity, known));
        }
    }
    let mut lines = String::new();
    for (kind, count) in Kind::ALL.iter().zip(counts) {
        let precision = count.right / count.findings.max(1.0);
        let recall = count.found / count.known.max(1.0);
        let f1 = 2.0 * precision * recall / (precision + recall).max(1e-9);
        let _ = writeln!(
            lines,
            "{kind:?}: {} names, precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}",
            count.known
        );
    }
    lines
}

/// The share of right findings by tenth of probability; it never falls as probability grows.
pub(crate) fn calibration(tagger: &Tagger, held: &[Known]) -> [Calibration; 4] {
    // Findings that were not made keep a tenth with few of them near the straight line.
    const DOUBT: f32 = 40.0;
    let mut counts = [[(0.0_f32, 0.0_f32); 11]; 4];
    for known in held {
        for entity in tagger.find(&known.text) {
            let kind = Kind::ALL.iter().position(|kind| *kind == entity.kind).unwrap_or_default();
            let near = (entity.score * 10.0).round() as usize;
            let count = &mut counts[kind][near.min(10)];
            count.0 += 1.0;
            count.1 += f32::from(u8::from(is_right(&entity, known)));
        }
    }
    counts.map(|tenths| {
        let mut least = 0.0_f32;
        Calibration(std::array::from_fn(|tenth| {
            let (all, right) = tenths[tenth];
            let share = (right + DOUBT * tenth as f32 / 10.0) / (all + DOUBT);
            least = least.max(share.min(0.99));
            least
        }))
    })
}
