"""Scores: a finding is right if it touches a label of its type; what is not covered has leaked.

A type counts as its family (`libs/pii/recognizers/types.toml` names parents), so that a town found
as a part of an address is not held against anybody. Findings of other detectors may overlap: the
surest, then the longest, stays.
"""

import collections
import dataclasses
import pathlib
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[3]
TYPES = ROOT / "libs/pii/recognizers/types.toml"


def families():
    """The family of each type of ours: its outermost parent."""
    known = {one["name"]: one.get("parent") for one in tomllib.loads(TYPES.read_text())["type"]}

    def root(name):
        return root(known[name]) if known.get(name) else name

    return {name: root(name) for name in known}


@dataclasses.dataclass
class Count:
    #: labels, and those of them that a finding of their family touches
    labels: int = 0
    found: int = 0
    #: findings, and those of them that touch a label of their family
    findings: int = 0
    right: int = 0
    #: letters and digits in labels, and those of them that no finding covers
    characters: int = 0
    uncovered: int = 0

    def __iadd__(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    @property
    def precision(self):
        return self.right / self.findings if self.findings else 1.0

    @property
    def recall(self):
        return self.found / self.labels if self.labels else 1.0

    def f(self, beta):
        weight = beta * beta
        below = weight * self.precision + self.recall
        return (1 + weight) * self.precision * self.recall / below if below else 0.0

    @property
    def leaked(self):
        return self.uncovered / self.characters if self.characters else 0.0


class Calibration:
    """What scores are worth: how often findings of about the same score are right."""

    def __init__(self):
        #: tenth of the score -> [findings, right, sum of their scores]
        self.tenths = collections.defaultdict(lambda: [0, 0, 0.0])

    def add(self, score, right, weight=1):
        tenth = self.tenths[min(int(score * 10 + 1e-6), 9)]
        tenth[0] += weight
        tenth[1] += weight * right
        tenth[2] += weight * score

    def with_wrong(self, scores, weight):
        """The same with more findings, none of which is right."""
        both = Calibration()
        for tenth, counts in self.tenths.items():
            both.tenths[tenth] = list(counts)
        for score in scores:
            both.add(score, False, weight)
        return both

    @property
    def error(self):
        """How far scores are from the share of right ones, a finding (expected calibration error)."""
        findings = sum(all for all, _, _ in self.tenths.values())
        return sum(abs(right - scores) for _, right, scores in self.tenths.values()) / max(findings, 1)


def without_overlaps(spans):
    kept = []
    for span in sorted(spans, key=lambda one: (-one.score, one.start - one.end)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: one.start)


def touch(a, b):
    return a.start < b.end and b.start < a.end


class Card:
    """Counts over everything that was added, by type, language, kind and score."""

    def __init__(self):
        self.family = families()
        self.all = Count()
        self.types = collections.defaultdict(Count)
        self.languages = collections.defaultdict(Count)
        self.kinds = collections.defaultdict(Count)
        self.calibration = Calibration()
        self.texts = 0
        self.characters = 0

    def same(self, a, b):
        return self.family.get(a.type, a.type) == self.family.get(b.type, b.type)

    def add(self, example, findings):
        findings = without_overlaps(findings)
        self.texts += 1
        self.characters += len(example.text)
        total = Count()
        for label in example.spans:
            touching = [one for one in findings if touch(one, label)]
            covered = {at for one in touching for at in range(max(one.start, label.start), min(one.end, label.end))}
            marks = [at for at in range(label.start, label.end) if example.text[at].isalnum()]
            found = any(self.same(one, label) for one in touching)
            count = Count(labels=1, found=found, characters=len(marks), uncovered=sum(at not in covered for at in marks))
            self.types[label.type] += count
            total += count
        for one in findings:
            right = any(touch(one, label) and self.same(one, label) for label in example.spans)
            count = Count(findings=1, right=right)
            self.types[one.type] += count
            total += count
            self.calibration.add(one.score, right)
        self.languages[example.language] += total
        self.kinds[example.kind] += total
        self.all += total


def card(examples, findings):
    """`findings` by the example's id."""
    result = Card()
    for example in examples:
        result.add(example, findings[example.id])
    return result
