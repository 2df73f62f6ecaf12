//! Which of many patterns match at a place: one walk of one automaton, which is built while it is
//! used and stays for the next text.
//!
//! The walk is anchored. An automaton that looks for all patterns at all places at once has a
//! state for every mixture of matches that began at different places, so that on varied text it
//! is built anew for nearly every byte.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind, PatternID};

use crate::scan::syntax;

/// A megabyte of mixed documents needs a third of it.
const CACHE: usize = 32 << 20;
/// How far ahead it is decided which patterns match at a place. Every pattern has matched
/// something by then; what goes on after it (an address, a key) is found by the pattern alone.
const REACH: usize = 512;

type Make = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

pub(crate) struct Which {
    automaton: DFA,
    /// One for each thread that searches.
    caches: Pool<Cache, Make>,
}

impl Which {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, String> {
        let nfa = thompson::Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(64 << 20));
        let automaton = DFA::builder()
            .configure(Config::new().match_kind(MatchKind::All).cache_capacity(CACHE))
            .thompson(nfa)
            .syntax(syntax())
            .build_many(patterns)
            .map_err(|error| error.to_string())?;
        let own = automaton.clone();
        let make: Make = Box::new(move || own.create_cache());
        Ok(Self { automaton, caches: Pool::new(make) })
    }

    /// For many places of one text.
    pub(crate) fn on<'a>(&'a self, text: &'a [u8]) -> Walk<'a> {
        Walk { automaton: &self.automaton, cache: self.caches.get(), text }
    }
}

pub(crate) struct Walk<'a> {
    automaton: &'a DFA,
    cache: PoolGuard<'a, Cache, Make>,
    text: &'a [u8],
}

impl Walk<'_> {
    /// The patterns that match at `place`, in order.
    pub(crate) fn at(&mut self, place: usize, matching: &mut Vec<usize>) {
        matching.clear();
        match self.walk(place, matching) {
            Some(()) => {
                matching.sort_unstable();
                matching.dedup();
            }
            // It cannot say. The patterns themselves can.
            None => *matching = (0..self.automaton.pattern_len()).collect(),
        }
    }

    fn walk(&mut self, place: usize, matching: &mut Vec<usize>) -> Option<()> {
        let before = place.checked_sub(1).and_then(|before| self.text.get(before)).copied();
        let start = start::Config::new().anchored(Anchored::Yes).look_behind(before);
        let mut state = self.automaton.start_state(&mut self.cache, &start).ok()?;
        let ahead = self.text.get(place..).unwrap_or_default();
        for byte in ahead.iter().take(REACH + 1) {
            state = self.automaton.next_state(&mut self.cache, state, *byte).ok()?;
            if state.is_match() {
                // A match shows one byte behind its end.
                self.add(state, matching);
            } else if state.is_dead() {
                return Some(());
            }
        }
        if ahead.len() <= REACH {
            state = self.automaton.next_eoi_state(&mut self.cache, state).ok()?;
            if state.is_match() {
                self.add(state, matching);
            }
        }
        Some(())
    }

    fn add(&self, state: LazyStateID, matching: &mut Vec<usize>) {
        let count = self.automaton.match_len(&self.cache, state);
        let patterns = (0..count).map(|at| self.automaton.match_pattern(&self.cache, state, at));
        matching.extend(patterns.map(|pattern: PatternID| pattern.as_usize()));
    }
}
