"""`signet detect` without a mesh: lines for tools, a view for a terminal, a report for a browser."""

import html.parser
import json
import os
import pty
import select
import subprocess
import time

import pytest

from support.process import ROOT, binary

LETTER = ROOT / "examples/discharge-letter.txt"


@pytest.fixture
def detect(tmp_path):
    """Runs it where there is nothing: no profile, and an edge that nobody could reach."""

    def run(*arguments, given=None, **variables):
        env = {"HOME": str(tmp_path / "nobody"), "SIGNET_URL": "https://127.0.0.1:1", **variables}
        told = [binary("signet"), "detect", *map(str, arguments)]
        given = given.encode() if isinstance(given, str) else given
        return subprocess.run(told, input=given, capture_output=True, env=env, cwd=tmp_path, timeout=120)

    return run


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def answers(done):
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def test_lines_are_answered_in_code_points(detect, tmp_path):
    texts = ["😀 Zoë: write to anna.weber@mail.example", "nothing here", "Tel. +49 761 5550-120 — ok"]
    given = lines(*({"id": number, "text": text, "language": "de"} for number, text in enumerate(texts)))
    (tmp_path / "in.jsonl").write_text(given)
    found = answers(detect("--jsonl", "in.jsonl"))
    assert [answer["id"] for answer in found] == [0, 1, 2]
    cut = {(span["type"], texts[answer["id"]][span["start"] : span["end"]]) for answer in found for span in answer["spans"]}
    assert {("EMAIL_ADDRESS", "anna.weber@mail.example"), ("PHONE_NUMBER", "+49 761 5550-120")} <= cut
    assert all(set(span) == {"type", "start", "end", "score"} for answer in found for span in answer["spans"])
    assert not (tmp_path / "nobody").exists() and not (tmp_path / ".signet").exists(), "no profile is made"
    assert answers(detect("--jsonl", "-", given=given)) == found

    for unit, encoding, width in [("bytes", "utf-8", 1), ("utf-16", "utf-16-le", 2)]:
        for answer in answers(detect("--jsonl", "-", "--offsets", unit, "--threads", 1, given=given)):
            text = texts[answer["id"]]
            for span, other in zip(answer["spans"], found[answer["id"]]["spans"], strict=True):
                cut = text.encode(encoding)[span["start"] * width : span["end"] * width].decode(encoding)
                assert cut == text[other["start"] : other["end"]]


def test_ids_come_back_as_they_were(detect):
    ids = ['"a\\u00e9"', "12345678901234567890123", "-1.50e-7", '""']
    done = detect("--jsonl", "-", given="".join(f'{{"text":"x","id":{one},"label":[]}}\r\n' for one in ids))
    assert done.stdout.decode() == "".join(f'{{"id":{one},"spans":[]}}\n' for one in ids)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (b'{"id":1}', b"field `text` is missing"),
        (b'{"id":[],"text":"Ellen"}', b"field `id` must be a string or a number"),
        (b'{"id":1,"text":"Ellen"', b"not JSON: column 22"),
        (b'{"id":1,"text":"Ellen \xff"}', b"byte 23 is not UTF-8"),
        (b'["Ellen"]', b"not a JSON object"),
    ],
)
def test_the_first_wrong_line_ends_it(detect, wrong, said):
    good = lines(*({"id": number, "text": "x"} for number in range(500))).encode()
    done = detect("--jsonl", "-", given=good + wrong + b"\n" + good)
    assert done.returncode == 1
    assert b"line 501: " + said in done.stderr
    assert b"Ellen" not in done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == list(range(500))


def test_wrong_arguments_are_named(detect, tmp_path):
    (tmp_path / "x").write_text("x")
    for arguments, said in [
        (("--jsonl", "absent"), b"absent: "),
        (("--jsonl", "x", "--type", "PERSONS"), b"there is no type PERSONS"),
        (("--jsonl", "x", "--html", "y"), b"cannot be used with"),
        (("--local", "x", "--min-score", "2"), b"--min-score: must be 0 to 1"),
        (("--local", "x", "--offsets", "characters"), b"code-points"),
    ]:
        done = detect(*arguments)
        assert done.returncode != 0 and said in done.stderr, (arguments, done.stderr)


def test_a_line_of_many_megabytes_and_a_caller_line_by_line(detect):
    long = "x " * (4 << 20) + "anna.weber@mail.example"
    given = lines({"id": "long", "text": long}, {"id": "next", "text": "x"})
    first, second = answers(detect("--jsonl", "-", "--type", "EMAIL_ADDRESS", given=given))
    assert [span["end"] for span in first["spans"]] == [len(long)] and second["id"] == "next"

    told = [binary("signet"), "detect", "--jsonl", "-"]
    with subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for number in range(3):
            process.stdin.write(lines({"id": number, "text": "x"}).encode())
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 60)
            assert ready and json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_text_is_shown_as_a_table_or_json(detect):
    table = detect("--local", LETTER)
    assert table.returncode == 0 and table.stdout.startswith(b"TYPE ")
    assert b"Eleanor Hartmann" in table.stdout and b"\x1b" not in table.stdout
    rows = json.loads(detect("--local", "-", "--json", given=LETTER.read_bytes()).stdout)
    text = LETTER.read_bytes()
    assert {"PERSON", "IBAN_CODE", "DATE_OF_BIRTH"} <= {row["type"] for row in rows}
    assert all(text[row["start"] : row["end"]].decode() == row["text"] for row in rows)


def test_documents_are_searched_by_their_values(detect, tmp_path):
    def found(name, text, *more):
        (tmp_path / name).write_text(text, newline="")
        rows = json.loads(detect("--local", name, "--json", *more).stdout)
        written = text.encode()
        return [(row["type"], written[row["start"] : row["end"]].decode()) for row in rows]

    user = '{"user": {"eMail": "zo\\u00eb@example.org", "taxNote": "none"}, "ibanNumber": "DE89370400440532013000"}'
    expected = [("EMAIL_ADDRESS", "zo\\u00eb@example.org"), ("IBAN_CODE", "DE89370400440532013000")]
    assert found("user.json", user) == expected
    assert found("users.dat", f"{user}\n\n{user}\n", "--format", "ndjson") == 2 * expected
    rows = [f'{number};"DE89 3704 0044 0532 0130 00"' for number in range(5)]
    table = found("accounts.csv", "\r\n".join(["id;iban", *rows, "5;mistyped"]))
    assert [kind for kind, _ in table] == ["IBAN_CODE"] * 6 and table[5][1] == "mistyped"

    for name, text, line in [("a.json", '{\n"a": }', 2), ("b.csv", 'a,b\n"c', 2), ("c.jsonl", "{}\n{", 2)]:
        (tmp_path / name).write_text(text)
        done = detect("--local", name)
        assert done.returncode == 1 and not done.stdout
        assert f"{name}: line {line}: ".encode() in done.stderr
    assert detect("--local", "a.json", "--format", "text").returncode == 0


def test_colours_are_for_terminals(detect):
    always = detect("--local", LETTER, "--color", "always", NO_COLOR="1").stdout.decode()
    assert "Eleanor Hartmann\x1b[0m\x1b[2m[PERSON]" in always
    assert "\x1b" not in detect("--local", LETTER, "--color", "auto").stdout.decode()

    def on_a_terminal(**variables):
        leader, follower = pty.openpty()
        env = {"PATH": os.environ["PATH"], "TERM": "xterm", **variables}
        told = [binary("signet"), "detect", "--local", str(LETTER)]
        child = subprocess.Popen(told, stdout=follower, stderr=follower, env=env)
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            shown += piece
        os.close(leader)
        assert child.wait(60) == 0
        return shown

    assert b"\x1b[48;5;" in on_a_terminal()
    assert b"\x1b[48;5;" not in on_a_terminal(NO_COLOR="1")


class Page(html.parser.HTMLParser):
    """The marks of a page, its tags, and whether they are closed in order."""

    VOID = {"meta", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.marks, self.loads = [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "mark":
            self.marks.append([dict(attrs)["data-t"], ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "mark" in self.open:
            self.marks[-1][1] += data


def test_the_report_is_one_sound_page(detect, tmp_path):
    done = detect("--html", "report.html", LETTER)
    assert done.returncode == 0 and done.stdout == b""
    page = Page((tmp_path / "report.html").read_text())
    assert ["IBAN_CODE", "DE89 3704 0044 0532 0130 00"] in page.marks
    rows = json.loads(detect("--local", LETTER, "--json").stdout)
    assert page.marks == [[row["type"], row["text"]] for row in rows]
    assert not page.loads and "script" not in page.tags
    assert (tmp_path / "report.html").stat().st_mode & 0o077 == 0, "it holds the text: nobody else reads it"

    evil = "<script>alert('Dr. Anna Weber')</script> \" onload=\"x\" anna@mail.example"
    done = detect("--html", "-", "-", given=evil)
    page = Page(done.stdout.decode())
    assert "script" not in page.tags and ["EMAIL_ADDRESS", "anna@mail.example"] in page.marks
