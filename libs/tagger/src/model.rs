//! The model: its file, and what it finds.

use std::ops::Range;

use crate::block::{Block, pieces};
use crate::chain::{Lattice, Scores, Tag, Transitions, viterbi};
use crate::feature::features;
use crate::gazetteer::{Class, Gazetteer};
use crate::table::{Table, take};
use crate::{token, varint};

/// What a file begins with; the last is the version of features and form.
const MAGIC: &[u8; 8] = b"SGNTNER1";
const EMBEDDED: &[u8] = include_bytes!("../model/names.bin");

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ModelError {
    #[error("this is no model of this version")]
    Unknown,
    #[error("the model is damaged")]
    Damaged,
}

/// What a name is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Person,
    Place,
    Organization,
    Street,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Person, Self::Place, Self::Organization, Self::Street];
}

#[derive(Clone, PartialEq, Debug)]
pub struct Entity {
    pub kind: Kind,
    /// Bytes; both ends are character boundaries.
    pub range: Range<usize>,
    /// How often a name found like this one is right, 0 to 1.
    pub score: f32,
}

/// What a probability of the chain is worth: its share of right ones on texts kept apart, for
/// each tenth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Calibration(pub [f32; 11]);

impl Calibration {
    /// Between two tenths on a straight line.
    pub fn of(&self, probability: f32) -> f32 {
        let tenth = probability.clamp(0.0, 1.0) * 10.0;
        let below = (tenth as usize).min(9);
        let part = tenth - below as f32;
        self.0[below] * (1.0 - part) + self.0[below + 1] * part
    }
}

pub struct Tagger {
    pub table: Table,
    pub transitions: Transitions,
    pub gazetteer: Gazetteer,
    pub calibration: [Calibration; 4],
    /// What is taken from `OUTSIDE`: a name overlooked is worse than a word found for nothing.
    pub caution: f32,
}

impl Tagger {
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_bytes(EMBEDDED)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.caution.to_le_bytes());
        self.transitions.0.iter().flatten().for_each(|cost| out.extend(cost.to_le_bytes()));
        for calibration in &self.calibration {
            calibration.0.iter().for_each(|share| out.extend(share.to_le_bytes()));
        }
        self.table.write(&mut out);
        let entries = self.gazetteer.entries();
        varint::write(&mut out, entries.len() as u32);
        let mut last = 0;
        for (key, class) in entries {
            varint::write(&mut out, key - last);
            varint::write(&mut out, u32::from(class.0));
            last = key;
        }
        out
    }

    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, ModelError> {
        let bytes = &mut bytes;
        if take::<8>(bytes).ok().as_ref() != Some(MAGIC) {
            return Err(ModelError::Unknown);
        }
        let caution = number(bytes)?;
        let mut transitions = Transitions::default();
        for cost in transitions.0.iter_mut().flatten() {
            *cost = number(bytes)?;
        }
        let mut calibration = [Calibration([0.0; 11]); 4];
        for share in calibration.iter_mut().flat_map(|one| &mut one.0) {
            *share = number(bytes)?;
        }
        let table = Table::read(bytes)?;
        let count = varint::read(bytes).ok_or(ModelError::Damaged)? as usize;
        let mut entries = Vec::with_capacity(count.min(bytes.len()));
        let mut key = 0_u32;
        for _ in 0..count {
            let step = varint::read(bytes).ok_or(ModelError::Damaged)?;
            key = key.checked_add(step).ok_or(ModelError::Damaged)?;
            let class = varint::read(bytes).and_then(|class| u16::try_from(class).ok());
            entries.push((key, Class(class.ok_or(ModelError::Damaged)?)));
        }
        if !bytes.is_empty() {
            return Err(ModelError::Damaged);
        }
        let gazetteer = Gazetteer::of_entries(entries.into_iter());
        Ok(Self { table, transitions, gazetteer, calibration, caution })
    }

    /// Every name in a text, in order, without overlaps. Linear.
    pub fn find(&self, text: &str) -> Vec<Entity> {
        let mut found = Vec::new();
        let mut buffer = Vec::with_capacity(128);
        for piece in pieces(text) {
            let block = Block::new(&text[piece.clone()], &self.gazetteer);
            let scores = self.scores(&block, &mut buffer);
            found.extend(self.decode(&block, &scores).into_iter().map(|mut entity| {
                entity.range = entity.range.start + piece.start..entity.range.end + piece.start;
                entity
            }));
        }
        found
    }

    pub fn scores(&self, block: &Block<'_>, buffer: &mut Vec<u64>) -> Vec<Scores> {
        let mut scores = Vec::with_capacity(block.len());
        for index in 0..block.len() {
            // A line break is never a part of a name, a mark seldom; but both are in the chain.
            features(block, index, buffer);
            let mut sums = self.table.sum(buffer);
            sums[0] -= self.caution;
            scores.push(sums);
        }
        scores
    }

    pub fn decode(&self, block: &Block<'_>, scores: &[Scores]) -> Vec<Entity> {
        let path = viterbi(scores, &self.transitions);
        if path.iter().all(|tag| *tag == Tag::OUTSIDE) {
            return Vec::new();
        }
        let lattice = Lattice::new(scores, &self.transitions);
        let mut found = Vec::new();
        let mut index = 0;
        while index < path.len() {
            let Some(kind) = path[index].kind() else {
                index += 1;
                continue;
            };
            let last = end(&path, index);
            let sure = (index..=last).map(|at| {
                let row = lattice.likely(at);
                row[usize::from(Tag::begin(kind).0)] + row[usize::from(Tag::inside(kind).0)]
            });
            let score = self.calibration[kind].of(sure.fold(1.0, f32::min));
            found.extend(tidy(block, index, last).map(|range| Entity {
                kind: Kind::ALL[kind],
                range,
                score,
            }));
            index = last + 1;
        }
        found
    }
}

/// The last token of the name that begins here.
fn end(path: &[Tag], first: usize) -> usize {
    let inside = path[first].kind().map(Tag::inside);
    let more = path[first + 1..].iter().take_while(|tag| Some(**tag) == inside).count();
    first + more
}

/// The span without line breaks and marks at its ends.
fn tidy(block: &Block<'_>, mut first: usize, mut last: usize) -> Option<Range<usize>> {
    let bare = |index: usize| block.tokens[index].shape as u8 >= token::Shape::Mark as u8;
    while first < last && bare(first) {
        first += 1;
    }
    // The stop of `Inc.` and `Jr.` may stay; a line break may not.
    while last > first && bare(last) {
        last -= 1;
    }
    (!bare(first)).then(|| block.tokens[first].start..block.tokens[last].end)
}

fn number(bytes: &mut &[u8]) -> Result<f32, ModelError> {
    let number = f32::from_le_bytes(take(bytes)?);
    if number.is_finite() { Ok(number) } else { Err(ModelError::Damaged) }
}
