//! The features of a token: what is hashed into the model, in use and in training alike.

use crate::block::{Block, Case};
use crate::context::NONE;
use crate::gazetteer::Class;
use crate::token::Shape;

/// Stands for what is beyond either end of the text.
const EDGE: u64 = 0x45_44_47_45;

/// Collects the features of one token. Each template has a number of its own.
struct Out<'a> {
    features: &'a mut Vec<u64>,
}

impl Out<'_> {
    fn put(&mut self, template: u64, value: u64) {
        self.features.push(mix(template.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value));
    }

    fn two(&mut self, template: u64, a: u64, b: u64) {
        self.put(template, mix(a).wrapping_add(b));
    }

    fn three(&mut self, template: u64, a: u64, b: u64, c: u64) {
        self.two(template, mix(a).wrapping_add(b), c);
    }
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let value = (value ^ (value >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 32)
}

/// The features of the token at `index`.
pub fn features(block: &Block<'_>, index: usize, features: &mut Vec<u64>) {
    features.clear();
    let out = &mut Out { features };
    itself(block, index, out);
    around(block, index, out);
    surroundings(block, index, out);
    if block.runs[index].length > 0 {
        run(block, index, out);
    }
    line(block, index, out);
}

fn key(block: &Block<'_>, index: Option<usize>) -> u64 {
    index.and_then(|index| block.words.get(index)).map_or(EDGE, |word| word.key)
}

fn class(block: &Block<'_>, index: Option<usize>) -> u64 {
    index
        .and_then(|index| block.words.get(index))
        .map_or(EDGE, |word| u64::from(word.class.without(Class::HEAD).0))
}

/// How a token is written, by what that says in its line.
fn written(block: &Block<'_>, index: usize) -> u64 {
    let (token, context) = (&block.tokens[index], &block.contexts[index]);
    // In small letters throughout, or all in capitals, letters say nothing.
    let shape = match (context.case, token.shape) {
        (Case::Capitals, Shape::Upper) => 20,
        (Case::Small, Shape::Lower) => 21,
        (Case::Title, Shape::Capital) => 22,
        (_, shape) => shape as u64,
    };
    shape << 1 | u64::from(token.glued)
}

fn shape(block: &Block<'_>, index: Option<usize>) -> u64 {
    index.filter(|index| *index < block.len()).map_or(EDGE, |index| written(block, index))
}

fn itself(block: &Block<'_>, index: usize, out: &mut Out<'_>) {
    let (word, context) = (&block.words[index], &block.contexts[index]);
    let (written, case) = (written(block, index), context.case as u64);
    let class = u64::from(word.class.without(Class::HEAD).0);
    out.put(1, word.key);
    out.two(2, word.key, written);
    for (at, (prefix, suffix)) in (0_u64..).zip(word.prefixes.iter().zip(&word.suffixes)) {
        if *prefix != 0 {
            out.two(3 + at, *prefix, u64::from(block.tokens[index].shape.is_capital()));
            out.two(6 + at, *suffix, written);
        }
    }
    out.two(9, word.pattern, case);
    out.two(10, written, u64::from(context.opens) << 2 | case);
    out.two(11, class, written);
    let opens = u64::from(context.opens);
    let elsewhere = u64::from(block.small.contains(&word.key)) << 1
        | u64::from(block.named.contains(&word.key));
    out.three(12, written, elsewhere, opens);
    for bit in 0..16_u64 {
        if class >> bit & 1 != 0 {
            out.two(13, bit, written);
        }
    }
    let phrase = u64::from(word.phrase.class.0) << 2 | u64::from(word.phrase.at);
    if phrase != 0 {
        out.two(14, phrase, written);
    }
    out.two(15, u64::from(word.length.min(12)), written);
    out.two(16, u64::from(context.quoted), written);
    out.three(17, class, elsewhere, opens);
}

/// The tokens next to it, marks and all.
fn around(block: &Block<'_>, index: usize, out: &mut Out<'_>) {
    let back = |by: usize| index.checked_sub(by);
    let (here, own) = (written(block, index), class(block, Some(index)));
    let case = block.contexts[index].case as u64;
    let (before, second) = (key(block, back(1)), key(block, back(2)));
    let (behind, next) = (key(block, Some(index + 1)), key(block, Some(index + 2)));
    out.put(20, before);
    out.put(21, behind);
    out.two(22, second, here);
    out.two(23, next, here);
    out.two(24, before, here);
    out.two(25, behind, here);
    out.three(26, second, before, here);
    out.three(27, behind, next, here);
    out.three(28, before, behind, here);
    out.two(29, before, own);
    out.two(30, behind, own);
    let (left, right) = (class(block, back(1)), class(block, Some(index + 1)));
    out.three(31, left, case, shape(block, back(1)));
    out.three(32, right, case, shape(block, Some(index + 1)));
    out.three(33, left, own, here);
    out.three(34, own, right, here);
    out.three(35, mix(left).wrapping_add(own), right, here);
    out.three(36, shape(block, back(1)), here, shape(block, Some(index + 1)));
    out.three(37, mix(shape(block, back(2))).wrapping_add(shape(block, back(1))), here, own);
    out.three(38, here, shape(block, Some(index + 1)), shape(block, Some(index + 2)));
    out.three(39, class(block, back(2)), left, own);
    out.three(40, own, right, class(block, Some(index + 2)));
    out.two(41, block.words[index].key, before);
    out.two(42, block.words[index].key, behind);
}

/// The words around it, marks passed over.
fn surroundings(block: &Block<'_>, index: usize, out: &mut Out<'_>) {
    let context = &block.contexts[index];
    let here = written(block, index);
    let [first, second, third] = context.before;
    out.two(50, first, here);
    out.three(51, first, second, here);
    out.two(52, second, here);
    out.two(53, third, here);
    out.three(54, mix(first).wrapping_add(second), third, here);
    let [first, second, third] = context.behind;
    out.two(55, first, here);
    out.three(56, first, second, here);
    out.two(57, second, here);
    out.two(58, third, here);
    out.three(59, context.before[0], first, here);
}

/// The run of capitals that it stands in, and what stands around that.
fn run(block: &Block<'_>, index: usize, out: &mut Out<'_>) {
    let run = &block.runs[index];
    let (first, end) = (run.first as usize, run.end as usize);
    let left = key(block, first.checked_sub(1));
    let right = key(block, Some(end));
    let from_end = run.length.saturating_sub(run.at + 1).min(3);
    let place = u64::from(run.at.min(3)) << 4 | u64::from(from_end);
    let here = written(block, index);
    let class = u64::from(block.words[index].class.without(Class::HEAD).0);
    let (head, tail) = (u64::from(run.head.0), u64::from(run.tail.0));
    let telling = Class(Class::LEGAL.0 | Class::ORG_PART.0 | Class::TITLE.0 | Class::REGION.0);
    let any = u64::from(run.any.only(telling).0);
    out.three(60, left, place, here);
    out.three(61, right, place, here);
    out.three(62, left, right, place);
    out.three(63, place, any, here);
    out.three(64, head, tail, place);
    out.three(65, any, class, place);
    out.three(66, u64::from(run.length.min(6)), place, here);
    let (before, behind) = (block.contexts[first].before, block.contexts[end - 1].behind);
    out.three(67, before[0], before[1], here);
    out.two(68, before[1], u64::from(run.length.min(4)));
    out.two(69, before[2], u64::from(run.length.min(4)));
    out.three(70, behind[0], behind[1], here);
    out.three(71, left, head, place);
    out.three(72, right, tail, place);
    out.three(73, left, u64::from(run.length.min(4)), u64::from(run.any.0));
    let (last, next) = (block.words[end - 1].key, key(block, Some(end + 1)));
    out.two(74, last, place);
    out.two(75, block.words[first].key, place);
    out.three(76, right, next, place);
    out.three(77, before[0], behind[0], u64::from(run.length.min(4)));
}

/// The line it stands in: its label, the line above it, its place.
fn line(block: &Block<'_>, index: usize, out: &mut Out<'_>) {
    let context = &block.contexts[index];
    let here = written(block, index);
    let class = u64::from(block.words[index].class.without(Class::HEAD).0);
    if context.label != NONE {
        let far = u64::from(context.labelled.min(3));
        out.three(80, context.label, far, here);
        out.two(81, context.label, class);
        out.two(82, context.label, u64::from(context.line_words.min(8)));
    }
    let (length, at) = (u64::from(context.line_words.min(7)), u64::from(context.line_at.min(7)));
    out.three(83, length, at, here);
    if length < 6 {
        out.three(84, context.above, length, here);
        out.three(85, mix(context.above_mark).wrapping_add(context.above), at, here);
        out.three(86, context.above_mark, length << 3 | at, class);
    }
    out.two(87, context.case as u64, u64::from(context.line_at == 0));
}
