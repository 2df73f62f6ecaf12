"""`signet detect --jsonl` on many texts."""

import json
import os
import pathlib
import subprocess

from .example import Span
from .score import ROOT


def binary():
    """SIGNET, or what `cargo build` has made."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(os.environ.get("SIGNET", target / "debug/signet"))
    assert path.is_file(), f"{path} is missing: run `cargo build --package signet`"
    return path


def detect(examples):
    """The findings of each, by its id."""
    lines = "".join(json.dumps({"id": one.id, "text": one.text, "language": one.language}) + "\n" for one in examples)
    told = [binary(), "detect", "--jsonl", "-"]
    done = subprocess.run(told, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [one.id for one in examples], "an answer for each, in order"
    return {
        answer["id"]: [Span(span["type"], span["start"], span["end"], span["score"]) for span in answer["spans"]]
        for answer in answers
    }
