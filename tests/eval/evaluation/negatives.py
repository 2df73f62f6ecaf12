"""Texts in which next to nothing is personal: source code, logs, prose about things.

What is found there is not always wrong: comments name people, manuals name countries. The rates
are what an honest reader of code has to live with, and `budget.toml` keeps them from growing.
"""

import pathlib
import random
import sysconfig

from .score import ROOT

CASES = pathlib.Path(__file__).resolve().parents[1] / "cases"
#: Of this repository: everything but what holds examples of personal data.
OURS = ["libs", "services", "proto"]
NOT_OURS = ["libs/detection", "libs/documents", "libs/pii", "libs/scan", "libs/tagger", "libs/transform", "libs/validators", "services/signet/src/tour", "services/anonymizer", "services/response", "/tests/", "tests.rs", "/benches/"]
#: Of Python's standard library: modules without lists of names, places or dates of their own.
STANDARD = ["argparse.py", "ast.py", "asyncio", "collections", "concurrent", "contextlib.py", "csv.py", "dataclasses.py", "functools.py", "heapq.py", "html", "http", "importlib", "inspect.py", "json", "logging", "pathlib.py", "pickle.py", "shutil.py", "socket.py", "subprocess.py", "tarfile.py", "threading.py", "tokenize.py", "typing.py", "unittest", "urllib", "xml", "zipfile.py"]
#: A text is cut into such pieces, as a tool would be given them.
PIECE = 4_000
LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"]
LINES = [
    "{level} worker-{n} claimed job {hex} attempt={small} queue=default",
    "{level} [main] c.e.store.PageCache - evicted {n} pages in {small}ms, hit ratio 0.{n}",
    "{level} request id={hex} method=GET path=/v1/items/{n} status=20{small} bytes={n} took={small}ms",
    "kernel: [{n}.{n}] eth0: link becomes ready, mtu {n}",
    "{level} raft: node {small} became leader at term {n}, last index {n}",
    "thread 'tokio-{small}' panicked at src/store/page.rs:{n}:{small}: index out of bounds",
    "{level} gc pause {small}ms heap {n}MB -> {n}MB (max {n}MB)",
    "{level} migration {n}_add_index.sql applied, checksum {hex}",
    "  at Object.<anonymous> (/srv/app/dist/server.js:{n}:{small})",
    "{level} consumer group=billing partition={small} offset={n} lag={n}",
    "systemd[1]: Started cache-{small}.service.",
    "{level} retry {small}/5 after connection reset by peer, backoff {n}ms",
    "{level} build {hex} finished: 4{n} passed, {small} failed, 0 skipped",
    "nginx: worker process {n} exited with code {small}",
]


def pieces(name, texts):
    """[(id, text)]"""
    whole = [text[at : at + PIECE] for text in texts for at in range(0, len(text), PIECE)]
    return [(f"{name}-{number}", text) for number, text in enumerate(whole) if text.strip()]


def read(files, most):
    """The beginnings of files from all over, as many as fit."""
    every = max(len(files) * PIECE // most, 1)
    return [path.read_text(encoding="utf-8", errors="replace")[:PIECE] for path in files[::every]]


def repository(_most):
    """All of it: any sample would change with every file that comes or goes."""
    files = sorted(path for folder in OURS for path in (ROOT / folder).rglob("*") if path.suffix in (".rs", ".proto", ".sql"))
    ours = [path for path in files if not any(part in str(path) for part in NOT_OURS)]
    return read(ours, PIECE * len(files))


def standard_library(most):
    base = pathlib.Path(sysconfig.get_paths()["stdlib"])
    files = []
    for name in STANDARD:
        path = base / name
        files += sorted(one for one in path.rglob("*.py") if "test" not in one.name) if path.is_dir() else [path]
    return read(files, most)


def logs(most):
    rng, lines, size = random.Random("logs"), [], 0
    while size < most:
        hexadecimal = "".join(rng.choice("0123456789abcdef") for _ in range(rng.choice([8, 16, 32])))
        line = rng.choice(LINES)
        for slot, value in (("level", rng.choice(LEVELS)), ("hex", hexadecimal)):
            line = line.replace(f"{{{slot}}}", value)
        while "{n}" in line or "{small}" in line:
            line = line.replace("{n}", str(rng.randint(10, 99_999)), 1).replace("{small}", str(rng.randint(0, 9)), 1)
        lines.append(line)
        size += len(line) + 1
    return ["\n".join(lines)]


def prose(_most):
    """A paragraph a line, of our own writing, in several languages."""
    return [text for text in (CASES / "prose.txt").read_text(encoding="utf-8").splitlines() if text]


def corpora(most):
    """{name: [(id, text)]} with about `most` characters each."""
    sources = {"repository": repository, "python": standard_library, "logs": logs, "prose": prose}
    return {name: pieces(name, source(most)) for name, source in sources.items()}
