"""The sets, and what `signet` makes of them."""

import collections
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


def rates(most):
    """{corpus: (characters, findings by type)}"""
    found = {}
    for name, texts in negatives.corpora(most).items():
        examples = [example.Example(id, "en", name, text, ()) for id, text in texts]
        counts = collections.Counter(span.type for spans in detector.detect(examples).values() for span in spans)
        found[name] = (sum(len(text) for _, text in texts), counts)
    return found
