//! How findings came about. Costs a second search, so only who asks for it pays.

use std::ops::Range;

use crate::context::AFTER;
use crate::engine::Engine;
use crate::entity::Finding;
use crate::normalize;
use crate::recognizer::Recognizer;
use crate::repetition::REPETITION;
use crate::scan::Candidate;

/// How a finding came about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The pattern that matched; none where words are known: names, places.
    pub pattern: Option<String>,
    /// The name of the check that the match has passed.
    pub validator: Option<String>,
    /// A word near it that speaks for it.
    pub context: Option<String>,
    /// What counted, and the score after it.
    pub steps: Vec<(&'static str, f32)>,
}

impl Engine {
    /// An explanation for each finding. The findings are those of this text; what the engine has
    /// not found itself is said to be `given`.
    pub fn explain(&self, text: &str, findings: &[Finding]) -> Vec<Explanation> {
        let view = normalize::view(text);
        let mut made: Vec<(Range<usize>, Candidate)> = self
            .scanner()
            .find(&view.text, self.catalogue())
            .into_iter()
            .map(|candidate| (view.original(&candidate.range), candidate))
            .collect();
        made.sort_by_key(|(range, _)| range.start);
        findings
            .iter()
            .map(|finding| {
                let from = made.partition_point(|(range, _)| range.start < finding.range.start);
                let mut inside =
                    made[from..].iter().take_while(|(range, _)| range.start < finding.range.end);
                match inside.find(|(_, candidate)| self.is_of(candidate, finding)) {
                    Some((_, candidate)) => self.of_pattern(&view.text, candidate),
                    None => self.of_words(finding),
                }
            })
            .collect()
    }

    fn is_of(&self, candidate: &Candidate, finding: &Finding) -> bool {
        let recognizer = &self.catalogue().recognizers[candidate.recognizer];
        recognizer.name == finding.recognizer && candidate.score == finding.score
    }

    fn of_pattern(&self, text: &str, candidate: &Candidate) -> Explanation {
        let recognizer = &self.catalogue().recognizers[candidate.recognizer];
        let pattern = &self.catalogue().patterns[candidate.pattern];
        let mut steps = vec![("pattern", candidate.base)];
        let mut context = None;
        if candidate.score > candidate.base {
            context = word(text, &candidate.range, recognizer);
            steps.push(("context", candidate.score));
        }
        Explanation {
            pattern: Some(pattern.regex.clone()),
            validator: pattern.check.clone(),
            context,
            steps,
        }
    }

    fn of_words(&self, finding: &Finding) -> Explanation {
        let recognizers = &self.catalogue().recognizers;
        let known = |recognizer: &Recognizer| recognizer.name == finding.recognizer;
        let mut patterns = self.catalogue().patterns.iter();
        let step = if &*finding.recognizer == REPETITION {
            REPETITION
        } else if patterns.any(|pattern| known(&recognizers[pattern.recognizer])) {
            // A pattern that matched what was written there in another form.
            "disguised"
        } else if recognizers.iter().any(known) {
            "words"
        } else {
            "given"
        };
        Explanation { steps: vec![(step, finding.score)], ..Explanation::default() }
    }
}

/// The context word that stands next to a match.
fn word(text: &str, range: &Range<usize>, recognizer: &Recognizer) -> Option<String> {
    let from = text.floor_char_boundary(range.start.saturating_sub(recognizer.context_distance));
    let to = text.ceil_char_boundary((range.end + AFTER).min(text.len()));
    let (before, after) =
        (text[from..range.start].to_lowercase(), text[range.end..to].to_lowercase());
    let last = recognizer.context.iter().filter_map(|word| Some((before.rfind(word)?, word)));
    let first = recognizer.context.iter().filter_map(|word| Some((after.find(word)?, word)));
    let nearest = last.max_by_key(|(at, _)| *at).or_else(|| first.min_by_key(|(at, _)| *at));
    nearest.map(|(_, word)| word.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Options;

    #[test]
    fn a_finding_says_how_it_came_about() {
        let engine = Engine::standard().unwrap();
        let text = "Dear Anna Weber, card 4111 1111 1111 1111, born 04.05.1961.";
        let findings = engine.detect(text, &Options::default());
        let explained = engine.explain(text, &findings);
        assert_eq!(explained.len(), findings.len());
        for (finding, explanation) in findings.iter().zip(&explained) {
            let last = explanation.steps.last().unwrap();
            assert_eq!(last.1, finding.score, "{finding:?} {explanation:?}");
        }
        let of = |entity: &str| {
            let place = findings.iter().position(|finding| finding.entity.as_str() == entity);
            &explained[place.unwrap()]
        };
        let card = of("CREDIT_CARD");
        assert!(card.pattern.is_some() && card.validator.is_some(), "{card:?}");
        let birth = of("DATE_OF_BIRTH");
        assert!(birth.pattern.is_some(), "{birth:?}");
        assert_eq!(of("PERSON").steps[0].0, "words");
    }
}
