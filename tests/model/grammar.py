"""Templates: a file of sections, definitions and choices, read once and expanded at random.

`@name = one | other` defines what `<name>` may be; `(one|other|)` chooses on the spot;
`{SLOT}` is filled by `values`. `== kind` begins a section; in all but `prose` and `nothing` a
template has several lines, and `---` parts them.
"""

import pathlib
import re

TOKEN = re.compile(r"<([a-z]+)>|\{([A-Z0-9]+)\}")
CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
BY_LINE = ("prose", "nothing")


class Grammar:
    def __init__(self, path: pathlib.Path):
        self.names, self.templates = {}, {}
        kind, block = None, []
        for line in [*path.read_text(encoding="utf-8").splitlines(), "== end"]:
            if line.startswith("@"):
                name, _, forms = line[1:].partition("=")
                self.names.setdefault(name.strip(), []).extend(split(forms))
            elif line.startswith("== ") or (line == "---" and kind not in BY_LINE):
                self.add(kind, "\n".join(block))
                block = []
                kind = line[3:].strip() if line.startswith("== ") else kind
            elif kind in BY_LINE:
                if line.strip() and not line.startswith("# "):
                    self.add(kind, line)
            elif kind:
                block.append(line)

    def add(self, kind, template):
        if template.strip():
            self.templates.setdefault(kind, []).append(template.strip("\n"))

    def expand(self, template, values, rng, depth=0):
        """The text of a template, with its names marked."""
        while found := CHOICE.search(template):
            template = template[: found.start()] + rng.choice(found[1].split("|")) + template[found.end() :]

        def put(found):
            if found[2]:
                return values.fill(found[2])
            if found[1] not in self.names:
                return found[0]
            return self.expand(rng.choice(self.names[found[1]]), values, rng, depth + 1)

        return TOKEN.sub(put, template)


def split(forms):
    """At the bars that stand in no brackets."""
    parts, depth, at = [], 0, 0
    for index, c in enumerate(forms):
        depth += (c == "(") - (c == ")")
        if c == "|" and depth == 0:
            parts.append(forms[at:index])
            at = index + 1
    return [part.strip() for part in [*parts, forms[at:]]]
