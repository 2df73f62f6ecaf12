//! The weights: a hash table from features to eight numbers, one for each tag but `OUTSIDE`.

use crate::model::ModelError;
use crate::varint;

/// Tags that have weights; those of `OUTSIDE` are nought, and all others relative to it.
pub const TAG_WEIGHTS: usize = 8;
/// A feature stands in one of so many places from where its hash says.
const PROBES: usize = 8;
/// The most bits of a place: 2²² rows are 40 MB, far more than a model of ours has.
const MOST_BITS: u32 = 22;

/// Weights in steps of `step`; the sixteen other bits of the hash tell features apart.
pub struct Table {
    bits: u32,
    step: f32,
    /// 0 is an empty place.
    checks: Vec<u16>,
    rows: Vec<[i8; TAG_WEIGHTS]>,
}

impl Table {
    /// Rows with the most weight first, so that those that find no place matter least.
    pub fn new(bits: u32, rows: &[(u64, [f32; TAG_WEIGHTS])]) -> Self {
        let bits = bits.clamp(4, MOST_BITS);
        let size = (1 << bits) + PROBES;
        let most = rows.iter().flat_map(|row| row.1).fold(0.0_f32, |most, one| most.max(one.abs()));
        let step = if most > 0.0 { most / 127.0 } else { 1.0 };
        let mut table =
            Self { bits, step, checks: vec![0; size], rows: vec![[0; TAG_WEIGHTS]; size] };
        for (hash, weights) in rows {
            let (place, check) = table.place(*hash);
            let free = (place..place + PROBES).find(|at| matches!(table.checks[*at], 0));
            if let Some(at) = free.filter(|_| table.row(*hash).is_none()) {
                table.checks[at] = check;
                table.rows[at] = weights.map(|weight| (weight / step).round() as i8);
            }
        }
        table
    }

    fn place(&self, hash: u64) -> (usize, u16) {
        let place = (hash >> (64 - self.bits)) as usize;
        (place, (hash as u16).max(1))
    }

    fn row(&self, hash: u64) -> Option<&[i8; TAG_WEIGHTS]> {
        let (place, check) = self.place(hash);
        let checks = self.checks.get(place..place + PROBES)?;
        let at = checks.iter().position(|one| *one == check)?;
        self.rows.get(place + at)
    }

    /// Adds up the weights of features, by tag; the first is `OUTSIDE`.
    pub fn sum(&self, features: &[u64]) -> [f32; TAG_WEIGHTS + 1] {
        let mut sums = [0_i32; TAG_WEIGHTS];
        for feature in features {
            if let Some(row) = self.row(*feature) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += i32::from(*weight);
                }
            }
        }
        std::array::from_fn(|tag| match tag {
            0 => 0.0,
            tag => sums[tag - 1] as f32 * self.step,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.bits as u8);
        out.extend(self.step.to_le_bytes());
        let used: Vec<usize> = (0..self.checks.len()).filter(|at| self.checks[*at] != 0).collect();
        varint::write(out, used.len() as u32);
        let mut last = 0;
        for at in used {
            varint::write(out, (at - last) as u32);
            last = at;
            out.extend(self.checks[at].to_le_bytes());
            let row = &self.rows[at];
            let mask = (0..TAG_WEIGHTS).fold(0, |mask, tag| mask | u8::from(row[tag] != 0) << tag);
            out.push(mask);
            out.extend(row.iter().filter(|weight| **weight != 0).map(|weight| *weight as u8));
        }
    }

    pub(crate) fn read(bytes: &mut &[u8]) -> Result<Self, ModelError> {
        let bits = u32::from(take::<1>(bytes)?[0]);
        let step = f32::from_le_bytes(take(bytes)?);
        if !(4..=MOST_BITS).contains(&bits) || !step.is_finite() {
            return Err(ModelError::Damaged);
        }
        let size = (1 << bits) + PROBES;
        let count = varint::read(bytes).ok_or(ModelError::Damaged)?;
        let mut table =
            Self { bits, step, checks: vec![0; size], rows: vec![[0; TAG_WEIGHTS]; size] };
        let mut at = 0_usize;
        for _ in 0..count {
            at += varint::read(bytes).ok_or(ModelError::Damaged)? as usize;
            let check = u16::from_le_bytes(take(bytes)?);
            let mask = take::<1>(bytes)?[0];
            let mut row = [0; TAG_WEIGHTS];
            for (tag, weight) in row.iter_mut().enumerate() {
                if mask >> tag & 1 != 0 {
                    *weight = take::<1>(bytes)?[0] as i8;
                }
            }
            *table.checks.get_mut(at).ok_or(ModelError::Damaged)? = check;
            table.rows[at] = row;
        }
        Ok(table)
    }
}

/// The next bytes of the file.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], ModelError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(ModelError::Damaged)?;
    *bytes = rest;
    Ok(*head)
}
