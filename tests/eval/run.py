"""`make eval`: makes the sets, searches them, prints the score cards and writes the page.

--write FOLDER keeps the labelled sets as JSONL, for other detectors.
"""

import argparse
import pathlib
import sys

from evaluation import detector, example, measure, report
from evaluation.score import ROOT

COUNT = 300
NEGATIVE = 400_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT, help="texts a language and set")
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs/privacy-scores.md")
    parser.add_argument("--write", type=pathlib.Path, help="a folder for the labelled sets")
    arguments = parser.parse_args()
    sets = measure.sets(arguments.count)
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        for name, examples in sets.items():
            example.write(arguments.write / f"{name}.jsonl", examples)
    print(f"signet: {detector.binary()}")
    cards = {name: measure.card(examples) for name, examples in sets.items()}
    for name, card in cards.items():
        print(f"\n== {name}: {card.texts} texts\n{report.text(card)}")
    rates = measure.rates(NEGATIVE)
    print(f"\n== where nothing is personal\n{report.aligned(*report.false_positives(rates))}")
    known = measure.calibration(cards["held-back"], rates)
    print(f"\n== what a score is worth: expected calibration error {known.error:.3f}")
    print(f"{report.aligned(*report.calibration(known))}\n\n{report.plot(known)}")
    arguments.page.write_text(report.page(cards, rates, known), encoding="utf-8")
    print(f"\nwritten: {arguments.page}")


if __name__ == "__main__":
    sys.exit(main())
