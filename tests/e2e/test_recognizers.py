"""Recognizers of a tenant's own, through the edge."""

import pytest

from support import stubs
from support.client import refusal
from support.process import wait_until

TEXT = "Staff S-12345 works on Zephyr."
STAFF = """
name = "staff"
type = "STAFF_NUMBER"
context = ["staff"]
context_required = true
examples = ["staff [[S-12345]]"]
counter_examples = ["part S-12345"]
[[pattern]]
regex = '''S-[0-9]{5}'''
score = 0.4
"""
WORDS = """
name = "projects"
type = "PROJECT"
always = true
examples = ["on [[Zephyr]]"]
[dictionary]
"""


@pytest.fixture
def kept(admin):
    """Both, for one test: what is always on must not meet the others."""
    bodies = [{"document": STAFF}, {"document": WORDS, "entries": ["Zephyr", "Apollo"]}]
    made = [admin.rest("POST", "/v1/recognizers", json={"recognizer": body})["recognizer"] for body in bodies]
    yield made
    for one in made:
        admin.raw("DELETE", f"/v1/{one['name']}")


def detected(client, *names):
    request = {"text": TEXT, "options": {"recognizers": list(names)}}
    found = client.rest("POST", "/v1/text:detect", json=request)["findings"]
    return {finding["type"]: finding["recognizer"] for finding in found}


def test_recognizers_are_used_by_name_and_always(kept, admin, member, stranger):
    assert [one["name"] for one in kept] == ["recognizers/staff", "recognizers/projects"]
    assert kept[1]["entryCount"] == "2" and kept[1]["always"]

    def others_know():
        return detected(member).get("PROJECT") == "recognizers/projects@1"

    wait_until(others_know, "what is always on is used", within=5)
    assert "STAFF_NUMBER" not in detected(member)
    assert detected(member, "recognizers/staff@1")["STAFF_NUMBER"] == "recognizers/staff@1"
    assert "PROJECT" not in detected(stranger)
    with refusal() as caught:
        detected(stranger, "recognizers/staff")
    assert caught.value.fields == ["options.recognizers[0]"]
    done = member.rest("POST", "/v1/text:anonymize", json={"text": TEXT, "operator": "OPERATOR_REPLACE"})
    assert "<PROJECT>" in done["text"] and "Zephyr" not in done["text"]
    more = admin.rest("POST", "/v1/recognizers/projects:addEntries", json={"entries": ["Gemini"]})["recognizer"]
    assert (more["revision"], more["entryCount"]) == (2, "3")
    stored = member.rest("GET", "/v1/recognizers:stored")["recognizers"]
    assert [one["name"] for one in stored] == ["recognizers/projects", "recognizers/staff"]
    read = member.rest("GET", "/v1/recognizers/staff@1")["recognizer"]
    assert read["document"] == STAFF and not read["entries"]
    found = [entry["name"] for entry in member.rest("GET", "/v1/recognizers", params={"pageSize": 1000})["recognizers"]]
    assert "us_ssn" in found, "the catalogue is where it was"


def test_over_grpc(admin, member):
    given = stubs.recognizer.TryRecognizerRequest(document=WORDS, entries=["Zephyr"], sample=TEXT)
    found = member.call("RecognizerService", "TryRecognizer", given).findings
    assert [(finding.type, finding.start) for finding in found] == [("PROJECT", TEXT.index("Zephyr"))]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["recognizer"]),
        ({"recognizer": {"document": STAFF.replace("[0-9]{5}", "[0-9]{4}")}}, ["recognizer.document"]),
        ({"recognizer": {"document": STAFF.replace("S-[0-9]", "(?<=S)[0-9]")}}, ["recognizer.document"]),
        ({"recognizer": {"document": WORDS, "entries": ["Zephyr", ""]}}, ["recognizer.entries[1]"]),
    ],
)
def test_what_is_wrong_is_named(admin, body, fields):
    with refusal() as caught:
        admin.rest("POST", "/v1/recognizers", json=body)
    assert (caught.value.http, caught.value.reason, caught.value.fields) == (400, "INVALID_FIELD", fields)
