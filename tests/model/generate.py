"""`make model`, first half: writes the texts that the model learns from, and its word lists.

Names stand between U+0001 with a letter for their kind (P, L, O, S) and U+0002; texts end with
U+0003. Always the same from the same packages: the seed is fixed.
"""

import argparse
import hashlib
import pathlib
import random
import re

import gazetteer
import grammar
import natural
import values

HERE = pathlib.Path(__file__).parent
#: Texts of each language, in thousands at full size.
SHARES = {"en": 66, "de": 15, "fr": 9, "es": 9, "it": 9, "nl": 6, "pt": 6, "pl": 6, "sv": 6, "tr": 6}
#: What the sections are worth among the texts of a language.
KINDS = {"prose": 62, "nothing": 13, "mail": 9, "form": 11, "chat": 3, "log": 2}
#: One template in so many is kept for calibration and seen in no training text.
HELD = 12
MARKED = re.compile("\x01([PLOS])([^\x02]*)\x02")


def is_held(template):
    return hashlib.sha256(template.encode()).digest()[0] % HELD == 0


def lower(text):
    return change(text, str.lower)


def change(text, how):
    """The text in another case, its marks as they are."""
    parts = re.split("(\x01[PLOS]|\x02)", text)
    return "".join(part if part[:1] in "\x01\x02" else how(part) for part in parts)


def title(text):
    return re.sub(r"\b[a-zà-ÿ]", lambda found: found[0].upper(), text)


def small_errors(rng, text):
    """As people type: no full stop, no capital, two blanks."""
    chance = rng.random()
    if chance < 0.3:
        text = text.rstrip(".!?")
    elif chance < 0.4 and not text.startswith("\x01"):
        text = text[:1].lower() + text[1:]
    elif chance < 0.45:
        text = text.replace(", ", ",", 1)
    return text


class Writer:
    def __init__(self, language, rng):
        self.rng, self.language = rng, language
        self.grammar = grammar.Grammar(HERE / "texts" / f"{language}.txt")
        self.values = values.Values(language, rng)
        self.definitions = natural.definitions() if language == "en" else []
        self.translations = [] if language == "en" else natural.translations(language)

    def templates(self, kind, held):
        known = self.grammar.templates.get(kind, [])
        return [template for template in known if is_held(template) == held or kind not in grammar.BY_LINE] or known

    def one(self, kind, held):
        template = self.rng.choice(self.templates(kind, held))
        text = self.grammar.expand(template, self.values, self.rng).strip()
        return re.sub(r" +([.,!?])", r"\1", re.sub("  +", " ", text)) if kind in grammar.BY_LINE else text

    def first_capital(self, text):
        if text[:1] == "\x01" or self.rng.random() < 0.08:
            return text
        return text[:1].upper() + text[1:]

    def text(self, held):
        rng = self.rng
        kind = rng.choices(list(KINDS), KINDS.values())[0]
        if kind not in self.grammar.templates:
            kind = "prose"
        if kind == "nothing" and self.translations and rng.random() < 0.5:
            lines = [rng.choice(self.translations) for _ in range(rng.randint(1, 3))]
            text = rng.choice([" ", "\n"]).join(lines)
        elif kind in grammar.BY_LINE:
            # One sentence, or a paragraph of a few, some with nothing to find.
            count = 1 if rng.random() < 0.7 else rng.randint(2, 5)
            lines = [self.first_capital(self.one(kind if at == 0 or rng.random() < 0.6 else "nothing", held)) for at in range(count)]
            if self.definitions and rng.random() < 0.15:
                lines.insert(rng.randint(0, len(lines)), natural.sentence(rng, rng.choice(self.definitions)))
            elif self.translations and rng.random() < 0.15:
                lines.insert(rng.randint(0, len(lines)), rng.choice(self.translations))
            text = rng.choice([" ", " ", " ", "\n", "\n\n"]).join(lines)
            text = small_errors(rng, text) if rng.random() < 0.3 else text
            if rng.random() < 0.03:
                text = rng.choice(['"', "- ", "* ", "> ", "1. ", "• ", "(", "Note: ", "Re: ", "Q: ", "PS: "]) + text
        else:
            text = self.one(kind, held)
        return self.recased(text, kind)

    def recased(self, text, kind):
        chance = self.rng.random()
        if kind == "log":
            return text.lower() if chance < 0.15 else text
        if chance < 0.07:
            return change(text, str.upper)
        if chance < 0.19:
            return lower(text)
        if chance < 0.21 and kind in grammar.BY_LINE:
            return change(text, title)
        return text


def negatives(rng, count):
    """Texts without names: definitions, code, words with capitals where no name is."""
    definitions, pieces = natural.definitions(), natural.code()
    texts = []
    for _ in range(count):
        chance = rng.random()
        if chance < 0.45:
            sentences = [natural.sentence(rng, rng.choice(definitions)) for _ in range(rng.randint(1, 3))]
            text = " ".join(sentences)
            if rng.random() < 0.08:
                text = text.upper()
            elif rng.random() < 0.12:
                text = title(text[:60].rsplit(" ", 1)[0])
            elif rng.random() < 0.1:
                text = text.lower()
        else:
            text = rng.choice(pieces)
        texts.append(text)
    return texts


def write(path, texts):
    path.write_text("".join(text + "\x03\n" for text in texts), encoding="utf-8")
    print(f"{path}: {len(texts)} texts, {sum(map(len, texts))} characters")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--languages", default=",".join(SHARES))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    texts, held = [], []
    for language in arguments.languages.split(","):
        writer = Writer(language, random.Random(f"{arguments.seed}/{language}"))
        count = int(SHARES[language] * 1000 * arguments.scale)
        texts += [writer.text(held=False) for _ in range(count)]
        held += [writer.text(held=True) for _ in range(count // 20)]
    rng = random.Random(f"{arguments.seed}/nothing")
    texts += negatives(rng, int(14_000 * arguments.scale))
    held += negatives(rng, int(1_000 * arguments.scale))
    write(arguments.out / "texts", texts)
    write(arguments.out / "held", held)
    gazetteer.write(arguments.out / "lists")


if __name__ == "__main__":
    main()
