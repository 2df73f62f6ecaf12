"""Texts in which next to nothing is personal: definitions of WordNet, manuals and code of packages.

Names in them are not marked, so lines that are likely to hold some are left out.
"""

import os
import pathlib
import re
import sysconfig
import tomllib

NAMED = re.compile(r"copyright|author|contribut|maintain|written by|thanks|@|licen[sc]e|\bdr\.|\bmr\.", re.I)
#: Packages whose source code is read: those of requirements.txt, so that it is always the same.
SOURCES = ["django", "wagtail", "oscar", "allauth", "sphinx", "babel"]
#: Crates whose source code is read, in the versions of Cargo.lock. MIT or Apache-2.0, most of them both.
CRATES = ["chrono", "clap_builder", "h2", "hyper", "prost", "regex-automata", "rustls", "serde_json", "tokio", "toml", "tonic", "tracing", "url", "uuid"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Folders of translations, where a language has several.
CODES = {"pt": ["pt", "pt_BR"], "es": ["es", "es_MX"], "nl": ["nl", "nl_NL"], "pl": ["pl"], "tr": ["tr", "tr_TR"], "sv": ["sv", "sv_SE"]}


def definitions():
    """Sentences and definitions of WordNet without a capital: nothing in them has a name."""
    found = []
    for part in ["noun", "verb", "adj", "adv"]:
        for row in pathlib.Path(f"/usr/share/wordnet/data.{part}").read_text(encoding="latin-1").splitlines():
            if row.startswith(" ") or "|" not in row:
                continue
            gloss = row.split("|", 1)[1].strip()
            for piece in gloss.split(";"):
                text = piece.strip().strip('"').strip()
                if len(text) > 20 and not re.search(r"[A-Z]|--|\d", text.replace("I ", "").replace("I'", "")):
                    found.append(text)
    return found


def translations(language):
    """What the translators of Django and other free programs wrote: sentences about programs, with
    the capitals that a language has."""
    import babel.messages.pofile as pofile

    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    found = {}
    for name in SOURCES[:-1]:
        folders = [f"locale{folder}/{code}/LC_MESSAGES" for folder in ["", "s"] for code in CODES.get(language, [language])]
        for path in sorted(path for folder in folders for path in (packages / name).rglob(f"{folder}/*.po")):
            with path.open("rb") as file:
                for message in pofile.read_po(file):
                    for text in (message.string if isinstance(message.string, tuple) else (message.string,)):
                        text = re.sub(r"<[^>]*>|%\(\w+\)[sd]|%[sd]|\{[^}]*\}", "7", text).strip()
                        if len(text) > 8 and not NAMED.search(text):
                            found.setdefault(text)
    return list(found)


def code():
    """Pieces of source code with what is written about it."""
    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    kinds = ("*.py", "*.js", "*.html", "*.css")
    files = [path for name in SOURCES for kind in kinds for path in sorted((packages / name).rglob(kind))]
    files += [path for folder in crates() for path in sorted(folder.rglob("*.rs"))]
    pieces = []
    for path in files:
        if path.stat().st_size > 60_000 or "locale" in path.parts or path.name.endswith(".min.js"):
            continue
        lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if not NAMED.search(line) and len(line) < 200]
        for at in range(0, len(lines), 12):
            piece = "\n".join(lines[at : at + 12]).strip()
            if len(piece) > 60 and piece.isascii():
                pieces.append(piece)
    return pieces


def crates():
    """The folders of `CRATES` in cargo's cache."""
    cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]:
        if package["name"] in CRATES:
            found = sorted((cargo / "registry/src").glob(f"*/{package['name']}-{package['version']}"))
            if not found:
                raise SystemExit(f"{package['name']} {package['version']} is missing: cargo fetch")
            yield found[0]


def sentence(rng, text):
    """A definition written as a sentence is."""
    chance = rng.random()
    if chance < 0.65:
        text = text[0].upper() + text[1:]
    if chance < 0.5:
        text += rng.choice([".", ".", ".", "!", "?", ":"])
    return text

