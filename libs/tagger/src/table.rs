//! The weights: a hash table from features to eight numbers, one for each tag but `OUTSIDE`.

use crate::model::ModelError;
use crate::varint;

/// Tags that have weights; those of `OUTSIDE` are nought, and all others relative to it.
pub const TAG_WEIGHTS: usize = 8;
/// A feature stands in one of so many places from where its hash says.
const PROBES: usize = 8;
/// What a weight of eight bits is more than it is, so that it is never below nought.
const BIAS: u8 = 128;
/// A row whose weights are nought.
const NOUGHT: u64 = u64::from_le_bytes([BIAS; TAG_WEIGHTS]);
/// Features that are looked up at once. 255 times as many is a number of sixteen bits.
const TOGETHER: usize = 128;
/// The most bits of a place: 2²² rows are 40 MB, far more than a model of ours has.
const MOST_BITS: u32 = 22;

/// Weights in steps of `step`; the sixteen other bits of the hash tell features apart.
pub struct Table {
    bits: u32,
    step: f32,
    /// Of two bytes each, the lower first, so that those of a feature's places are read as one
    /// number. 0 is an empty place.
    checks: Vec<u8>,
    /// One more than there are places: the last is nought, for features that have none.
    /// Eight weights each, with `BIAS`, so that they add up as one number does.
    rows: Vec<u64>,
}

impl Table {
    /// Rows with the most weight first, so that those that find no place matter least.
    pub fn new(bits: u32, rows: &[(u64, [f32; TAG_WEIGHTS])]) -> Self {
        let bits = bits.clamp(4, MOST_BITS);
        let most = rows.iter().flat_map(|row| row.1).fold(0.0_f32, |most, one| most.max(one.abs()));
        let step = if most > 0.0 { most / 127.0 } else { 1.0 };
        let mut table = Self::empty(bits, step);
        for (hash, weights) in rows {
            let (place, check) = table.place(*hash);
            let free = (place..place + PROBES).find(|at| table.check(*at) == 0);
            if let Some(at) = free.filter(|_| table.row(*hash) == table.none()) {
                table.set(at, check, weights.map(|weight| (weight / step).round() as i8));
            }
        }
        table
    }

    fn empty(bits: u32, step: f32) -> Self {
        let size = (1 << bits) + PROBES;
        Self { bits, step, checks: vec![0; 2 * size], rows: vec![NOUGHT; size + 1] }
    }

    /// The row of features that have none.
    fn none(&self) -> usize {
        self.rows.len() - 1
    }

    fn check(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.checks[2 * at], self.checks[2 * at + 1]])
    }

    fn set(&mut self, at: usize, check: u16, row: [i8; TAG_WEIGHTS]) {
        self.checks[2 * at..2 * at + 2].copy_from_slice(&check.to_le_bytes());
        self.rows[at] = u64::from_le_bytes(row.map(|weight| weight.cast_unsigned() ^ BIAS));
    }

    fn place(&self, hash: u64) -> (usize, u16) {
        let place = (hash >> (64 - self.bits)) as usize;
        (place, (hash as u16).max(1))
    }

    /// Where the row of a feature is. Without a branch: which of its places a feature has, if
    /// any, nobody can foresee.
    fn row(&self, hash: u64) -> usize {
        /// A one in each of eight numbers, and the highest bit of each.
        const ONES: u128 = u128::MAX / 0xffff;
        const TOPS: u128 = ONES << 15;
        let (place, check) = self.place(hash);
        let Some(checks) = self.checks.get(2 * place..).and_then(|rest| rest.first_chunk()) else {
            return self.none();
        };
        // The lowest of the eight that is nought.
        let apart = u128::from_le_bytes(*checks) ^ (ONES * u128::from(check));
        let equal = apart.wrapping_sub(ONES) & !apart & TOPS;
        let at = place + (equal.trailing_zeros() / 16) as usize;
        if equal == 0 { self.none() } else { at }
    }

    /// Adds up the weights of features, by tag; the first is `OUTSIDE`.
    pub fn sum(&self, features: &[u64]) -> [f32; TAG_WEIGHTS + 1] {
        let mut sums = [0_i32; TAG_WEIGHTS];
        let mut rows = [0; TOGETHER];
        for some in features.chunks(TOGETHER) {
            // First all places, then all rows: the memory is asked for many of them at once.
            for (row, feature) in rows.iter_mut().zip(some) {
                *row = self.row(*feature);
            }
            // Every second weight has the bits of its neighbour to grow into.
            const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
            let (mut even, mut odd) = (0, 0);
            for row in rows.iter().take(some.len()).filter_map(|row| self.rows.get(*row)) {
                even += row & EVEN;
                odd += row >> 8 & EVEN;
            }
            let bias = some.len() as i32 * i32::from(BIAS);
            for (tag, sum) in sums.iter_mut().enumerate() {
                let weights = if tag % 2 == 0 { even } else { odd };
                *sum += (weights >> (16 * (tag / 2)) & 0xffff) as i32 - bias;
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
        let used: Vec<usize> = (0..self.none()).filter(|at| self.check(*at) != 0).collect();
        varint::write(out, used.len() as u32);
        let mut last = 0;
        for at in used {
            varint::write(out, (at - last) as u32);
            last = at;
            out.extend(self.check(at).to_le_bytes());
            let row = self.rows[at].to_le_bytes().map(|weight| (weight ^ BIAS).cast_signed());
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
        let count = varint::read(bytes).ok_or(ModelError::Damaged)?;
        let mut table = Self::empty(bits, step);
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
            if at >= table.none() {
                return Err(ModelError::Damaged);
            }
            table.set(at, check, row);
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
