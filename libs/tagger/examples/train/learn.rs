//! Stochastic gradient descent on the likelihood of the tags, with AdaGrad's steps
//! (Duchi, Hazan and Singer, 2011). One thread, one order: the result is always the same.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use tagger::feature::features;
use tagger::{
    Block, Calibration, Class, Fnv, Gazetteer, Lattice, Scores, Shape, TAG_WEIGHTS, Table, Tag,
    Tagger, Transitions, Word, viterbi,
};

use crate::data::{Known, tags};

const RATE: f32 = 0.12;
/// Weights that say little shrink to nothing.
const SHRINK: f32 = 0.000_15;
/// Of the texts, in hundredths: those whose names are in no list, and whose names are unknown words.
const UNLISTED: u64 = 35;
const UNKNOWN: u64 = 35;

type Row = [f32; TAG_WEIGHTS];
type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Fnv>>;

pub(crate) struct Learner {
    gazetteer: Gazetteer,
    places: ByHash<u32>,
    weights: Vec<Row>,
    /// Sums of squares of the gradients.
    squares: Vec<Row>,
    transitions: Transitions,
    transition_squares: [[f32; Tag::COUNT]; Tag::COUNT],
    random: Random,
}

impl Learner {
    /// Knows the features that `least` tokens or more have.
    pub(crate) fn new(gazetteer: Gazetteer, texts: &[Known], least: u32) -> Self {
        let mut counts: ByHash<u32> = ByHash::default();
        let mut random = Random(7);
        let mut buffer = Vec::new();
        for known in texts {
            let block = hidden(known, &gazetteer, &mut random);
            for index in 0..block.len() {
                features(&block, index, &mut buffer);
                for feature in &buffer {
                    *counts.entry(*feature).or_default() += 1;
                }
            }
        }
        let mut kept: Vec<u64> =
            counts.iter().filter(|one| *one.1 >= least).map(|one| *one.0).collect();
        kept.sort_unstable();
        let places: ByHash<u32> = kept.iter().zip(0..).map(|(hash, at)| (*hash, at)).collect();
        Self {
            gazetteer,
            weights: vec![[0.0; TAG_WEIGHTS]; places.len()],
            squares: vec![[0.0; TAG_WEIGHTS]; places.len()],
            places,
            transitions: Transitions::default(),
            transition_squares: Default::default(),
            random: Random(11),
        }
    }

    pub(crate) fn features(&self) -> usize {
        self.places.len()
    }

    /// Goes through all texts once, in an order of chance; the share of tags that were wrong.
    pub(crate) fn epoch(&mut self, texts: &[Known], number: usize) -> f64 {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, self.random.below(at as u64 + 1) as usize);
        }
        let rate = RATE / (1.0 + 0.3 * number as f32);
        let (mut wrong, mut all) = (0, 0);
        let mut buffer = Vec::new();
        for at in order {
            let block = hidden(&texts[at], &self.gazetteer, &mut self.random);
            let gold = tags(&block, &texts[at]);
            let mut rows: Vec<Vec<u32>> = Vec::with_capacity(block.len());
            for index in 0..block.len() {
                features(&block, index, &mut buffer);
                rows.push(
                    buffer.iter().filter_map(|hash| self.places.get(hash)).copied().collect(),
                );
            }
            let scores: Vec<Scores> = rows.iter().map(|row| self.score(row)).collect();
            let path = viterbi(&scores, &self.transitions);
            wrong += path.iter().zip(&gold).filter(|(one, other)| one != other).count();
            all += path.len();
            self.learn(&rows, &scores, &gold, rate);
        }
        wrong as f64 / f64::from(u32::try_from(all.max(1)).unwrap_or(u32::MAX))
    }

    fn score(&self, row: &[u32]) -> Scores {
        let mut scores = [0.0; Tag::COUNT];
        for at in row {
            for (score, weight) in scores[1..].iter_mut().zip(&self.weights[*at as usize]) {
                *score += weight;
            }
        }
        scores
    }

    fn learn(&mut self, rows: &[Vec<u32>], scores: &[Scores], gold: &[Tag], rate: f32) {
        let lattice = Lattice::new(scores, &self.transitions);
        for (index, row) in rows.iter().enumerate() {
            let mut gradient = lattice.likely(index);
            gradient[usize::from(gold[index].0)] -= 1.0;
            // What is sure already needs no step.
            if gradient.iter().all(|part| part.abs() < 0.002) {
                continue;
            }
            for at in row {
                let (weights, squares) =
                    (&mut self.weights[*at as usize], &mut self.squares[*at as usize]);
                for ((weight, square), part) in weights.iter_mut().zip(squares).zip(&gradient[1..])
                {
                    *square += part * part;
                    let step = rate / (square.sqrt() + 0.1);
                    let moved = *weight - step * part;
                    *weight = moved.signum() * (moved.abs() - step * SHRINK).max(0.0);
                }
            }
        }
        for index in 0..rows.len().saturating_sub(1) {
            let mut gradient = lattice.pairs(index);
            gradient[usize::from(gold[index].0)][usize::from(gold[index + 1].0)] -= 1.0;
            let costs = self.transitions.0.iter_mut().flatten();
            let squares = self.transition_squares.iter_mut().flatten();
            for ((cost, square), part) in costs.zip(squares).zip(gradient.iter().flatten()) {
                if *cost > -1000.0 {
                    *square += part * part;
                    *cost -= 0.1 * part / (square.sqrt() + 1.0);
                }
            }
        }
    }

    /// The model of the rows with the most weight.
    pub(crate) fn tagger(self, most: usize) -> Tagger {
        let mut rows: Vec<(u64, Row)> =
            self.places.iter().map(|(hash, at)| (*hash, self.weights[*at as usize])).collect();
        let weight = |row: &Row| row.iter().fold(0.0_f32, |most, one| most.max(one.abs()));
        rows.sort_unstable_by(|a, b| weight(&b.1).total_cmp(&weight(&a.1)).then(a.0.cmp(&b.0)));
        rows.truncate(most);
        rows.retain(|row| weight(&row.1) > 0.02);
        Tagger {
            table: Table::new(19, &rows),
            transitions: self.transitions,
            gazetteer: self.gazetteer,
            calibration: [Calibration(std::array::from_fn(|tenth| tenth as f32 / 10.0)); 4],
            caution: 0.0,
        }
    }
}

/// The text as the model sees it: often with its names in no list, or with words never seen, so
/// that what stands around and how they are written must do.
fn hidden<'t>(known: &'t Known, gazetteer: &Gazetteer, random: &mut Random) -> Block<'t> {
    let block = Block::new(&known.text, gazetteer);
    let (unlisted, unknown) = (random.below(100) < UNLISTED, random.below(100) < UNKNOWN);
    if !unlisted && !unknown {
        return block;
    }
    let gold = tags(&block, known);
    let mut words = block.words;
    for ((word, tag), token) in words.iter_mut().zip(&gold).zip(&block.tokens) {
        if *tag == Tag::OUTSIDE {
            // Not every capital is a name, in German least of all.
            let noun = token.shape == Shape::Capital && !word.class.has(CLOSED);
            if unknown && noun && random.below(10) < 3 {
                unseen(word, random);
            }
            continue;
        }
        if !token.shape.is_word() {
            continue;
        }
        let part = word.class.has(Class(
            Class::ORG_PART.0 | Class::LEGAL.0 | Class::TITLE.0 | Class::FUNCTION.0 | Class::WORD.0,
        ));
        if unlisted && random.below(10) < 8 {
            word.class = word.class.without(Class::NAMES);
            word.phrase = Default::default();
        }
        if unknown && !part && random.below(10) < 8 {
            unseen(word, random);
        }
    }
    Block::with_words(&known.text, block.tokens, words)
}

/// Words that every text has: they are always known.
const CLOSED: Class =
    Class(Class::FUNCTION.0 | Class::CALENDAR.0 | Class::TITLE.0 | Class::LEGAL.0 | Class::NAMES.0);

/// Takes from a word what only this word has.
fn unseen(word: &mut Word, random: &mut Random) {
    word.key = random.next();
    word.prefixes = [0; 3];
    word.suffixes = [0; 3];
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }
}
