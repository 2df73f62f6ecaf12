"""The sets, and what `signet` makes of them."""

import collections
import dataclasses
import pathlib

from . import detector, example, generate, negatives, score, values

CASES = pathlib.Path(__file__).resolve().parents[1] / "cases"
#: Seeds of the two generated sets. The held-back one is looked at as a whole, never line by line.
SEED, HELD_BACK_SEED = 20261121, 7


def hard_cases():
    return example.read_marked(CASES / "hard.jsonl")


def generated(source, count, seed):
    return [text for language in values.LOCALES for text in generate.generated(source, language, count, seed)]


def sets(count):
    return {
        "held-back": generated(values.Mimesis, count, HELD_BACK_SEED),
        "generated": generated(values.Faker, count, SEED),
        "hard": hard_cases(),
    }


def card(examples):
    return score.card(examples, detector.detect(examples))


@dataclasses.dataclass
class Rate:
    """What was found where nothing is personal."""

    characters: int
    #: findings by type
    counts: collections.Counter
    #: the scores of all of them but links, which are right wherever they stand
    scores: list

    @property
    def rate(self):
        return 10_000 * sum(self.counts.values()) / self.characters


def rates(most):
    """{corpus: Rate}"""
    found = {}
    for name, texts in negatives.corpora(most).items():
        examples = [example.Example(id, "en", name, text, ()) for id, text in texts]
        spans = [span for spans in detector.detect(examples).values() for span in spans]
        counts = collections.Counter(span.type for span in spans)
        scores = [span.score for span in spans if span.type != "URL"]
        found[name] = Rate(sum(len(text) for _, text in texts), counts, scores)
    return found


def calibration(card, rates):
    """What a score is worth where half of the text holds labels and half has nothing personal."""
    empty = sum(rate.characters for rate in rates.values())
    wrong = [score for rate in rates.values() for score in rate.scores]
    return card.calibration.with_wrong(wrong, card.characters / empty)
