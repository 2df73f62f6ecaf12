//! Overlapping findings become one each, and nothing that any of them covered is left bare.

use crate::entity::{EntityType, Finding};

/// How much surer a narrow finding must be to name a wider one.
const CLEARLY: f32 = 0.3;

/// Sorted by position, without overlaps. Where findings overlap, the best one gives the type
/// and the union gives the span. `refines(a, b)` says that type `a` is a child of type `b`.
pub(crate) fn resolve(
    mut findings: Vec<Finding>,
    refines: impl Fn(&EntityType, &EntityType) -> bool,
) -> Vec<Finding> {
    findings.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
    let mut resolved: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match resolved.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                let whole = last.range.start..last.range.end.max(finding.range.end);
                if stands_above(&finding, last, &refines) {
                    *last = finding;
                }
                last.range = whole;
            }
            _ => resolved.push(finding),
        }
    }
    resolved
}

fn stands_above(
    other: &Finding,
    kept: &Finding,
    refines: &impl Fn(&EntityType, &EntityType) -> bool,
) -> bool {
    if other.range == kept.range {
        return refines(&other.entity, &kept.entity)
            || (other.score > kept.score && !refines(&kept.entity, &other.entity));
    }
    if other.range.len() > kept.range.len() {
        other.score + CLEARLY >= kept.score
    } else {
        other.score > kept.score + CLEARLY
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn finding(entity: &str, range: std::ops::Range<usize>, score: f32) -> Finding {
        Finding { entity: EntityType::new(entity), range, score, recognizer: Arc::from("test") }
    }

    fn resolved(findings: Vec<Finding>) -> Vec<(String, std::ops::Range<usize>)> {
        let refines =
            |a: &EntityType, b: &EntityType| a.as_str() == "BIRTH" && b.as_str() == "DATE";
        resolve(findings, refines).into_iter().map(|f| (f.entity.to_string(), f.range)).collect()
    }

    #[test]
    fn the_union_is_covered_under_the_better_name() {
        let found = resolved(vec![
            finding("A", 0..6, 0.9),
            finding("B", 4..12, 0.5),
            finding("C", 20..22, 0.5),
        ]);
        assert_eq!(found, [("A".to_owned(), 0..12), ("C".to_owned(), 20..22)]);
        let found = resolved(vec![finding("ORG", 0..10, 0.6), finding("PERSON", 2..5, 0.8)]);
        assert_eq!(found, [("ORG".to_owned(), 0..10)]);
    }

    #[test]
    fn a_child_names_the_same_span() {
        let either = [finding("DATE", 0..4, 1.0), finding("BIRTH", 0..4, 0.7)];
        assert_eq!(resolved(either.to_vec()), [("BIRTH".to_owned(), 0..4)]);
        assert_eq!(resolved(either.into_iter().rev().collect()), [("BIRTH".to_owned(), 0..4)]);
    }
}
