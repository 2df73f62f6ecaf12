"""Texts whose personal data is known."""

import dataclasses
import json
import re

MARK = re.compile(r"\[\[([A-Z_]+)\|(.*?)\]\]", re.S)


@dataclasses.dataclass(frozen=True)
class Span:
    type: str
    start: int
    end: int
    score: float = 1.0


@dataclasses.dataclass(frozen=True)
class Example:
    id: str
    language: str
    #: prose, form, mail, caps, lower, … : what the text looks like
    kind: str
    text: str
    spans: tuple

    def as_json(self):
        """What may be given to `signet detect --jsonl`, which passes over the labels."""
        spans = [{"type": span.type, "start": span.start, "end": span.end} for span in self.spans]
        fields = {"id": self.id, "language": self.language, "kind": self.kind, "text": self.text, "spans": spans}
        return json.dumps(fields, ensure_ascii=False)


def of_marked(id, language, kind, marked):
    """`Call [[PERSON|Anna]]` is the text `Call Anna` with one label."""
    text, spans, at = [], [], 0
    length = 0
    for found in MARK.finditer(marked):
        before = marked[at : found.start()]
        length += len(before)
        text += [before, found[2]]
        spans.append(Span(found[1], length, length + len(found[2])))
        length += len(found[2])
        at = found.end()
    text.append(marked[at:])
    joined = "".join(text)
    assert "[[" not in joined and "]]" not in joined, f"{id}: a label is not closed"
    return Example(id, language, kind, joined, tuple(spans))


def in_case(example, kind, change):
    """The same text in another case, where that moves nothing; else nothing."""
    text = change(example.text)
    if len(text) != len(example.text):
        return None
    return dataclasses.replace(example, id=f"{example.id}-{kind}", kind=kind, text=text)


def read_marked(path):
    """Lines `{"id","language","kind","marked"}`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.strip()]
    return [of_marked(one["id"], one["language"], one["kind"], one["marked"]) for one in records]


def write(path, examples):
    path.write_text("".join(example.as_json() + "\n" for example in examples), encoding="utf-8")
