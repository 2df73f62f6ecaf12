"""The generated sets: every template of a language filled again and again, from a fixed seed."""

import random
import re

from . import example, templates, values

SLOT = re.compile(r"\{([A-Z]+)(?:=([^}]*))?\}")
#: Every so many texts of prose is written again in capitals, or in small letters.
CAPITALS, SMALL = 8, 12


def filled(id, language, kind, template, source):
    text, spans, at = "", [], 0
    for slot in SLOT.finditer(template):
        text += template[at : slot.start()]
        type, value = source.fill(slot[1])
        value = slot[2] or value
        spans.append(example.Span(type, len(text), len(text) + len(value)))
        text += value
        at = slot.end()
    return example.Example(id, language, kind, text + template[at:], tuple(spans))


def generated(source, language, count, seed):
    """`count` texts and some of them in another case. The same for the same arguments."""
    known = templates.templates(language)
    order = random.Random(f"{seed}/{language}/order")
    supply = values.Values(source, language, seed)
    texts = []
    while len(texts) < count:
        round = list(known)
        order.shuffle(round)
        for kind, template in round[: count - len(texts)]:
            id = f"{language}-{source.name}-{seed}-{len(texts):05}"
            texts.append(filled(id, language, kind, template, supply))
    prose = [text for text in texts if text.kind == "prose"]
    capitals = [example.in_case(text, "caps", str.upper) for text in prose[::CAPITALS]]
    small = [example.in_case(text, "lower", str.lower) for text in prose[::SMALL]]
    return texts + [text for text in capitals + small if text]
