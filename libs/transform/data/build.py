#!/usr/bin/env python3
"""Builds names.txt: first names with their gender, and last names, by locale, for surrogates.

Needs the PyPI packages `faker` (MIT) and `names` (US Census 1990, public domain). Sources and licences: docs/data-sources.md.

    python3 build.py            # writes beside this script

A line is a group: locale, what it holds (`f`, `m` or `last`), and the names, sorted.
"""

import importlib
import re
from pathlib import Path

import names as census_names

HERE = Path(__file__).parent
LOCALES = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "it": "it_IT", "nl": "nl_NL"}
PARTS = {"f": "first_names_female", "m": "first_names_male", "last": "last_names"}
# One word, so that a part of a name stands for a part of a name.
NAME = re.compile(r"^[A-ZÀ-Þ][a-zß-ÿ]{2,11}$")
MOST = 2_500
# Of American first names, those that so many per cent of people have.
FREQUENT = 80.0
# A name that both women and men have tells the gender when one has it so many times as often.
CLEARLY = 10


def names(locale, attribute):
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    return {name for name in getattr(provider, attribute) if NAME.match(name)}


def census():
    """American first names -> their share of women and of men."""
    shares = {}
    for at, part in enumerate(("female.first", "male.first")):
        path = Path(census_names.__file__).parent / f"dist.{part}"
        for line in path.read_text().splitlines():
            name, share, cumulative = line.split()[:3]
            if float(cumulative) <= FREQUENT and NAME.match(name.title()):
                shares.setdefault(name.title(), [0.0, 0.0])[at] = float(share)
    return shares


def american(part):
    at = 0 if part == "f" else 1
    return {name for name, share in census().items() if share[at] > CLEARLY * share[1 - at]}


def thinned(found):
    """At most MOST of them, spread over the alphabet."""
    found = sorted(found)
    step = max(1, -(-len(found) // MOST))
    return found[::step]


def main():
    lines = []
    for code, locale in LOCALES.items():
        both = names(locale, PARTS["f"]) & names(locale, PARTS["m"])
        for part, attribute in PARTS.items():
            # A name of either gender tells none.
            found = names(locale, attribute) - both
            if code == "en" and part != "last":
                # What the counts say goes before what a list says.
                other = american("m" if part == "f" else "f")
                found = (found - other) | american(part)
            found = thinned(found)
            lines.append(" ".join([code, part, *found]))
            print(code, part, len(found))
    (HERE / "names.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
