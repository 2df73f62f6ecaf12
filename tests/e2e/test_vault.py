"""The token vault through the edge: who may open, what is erased, what the log says."""

import json

import pytest

from support import stubs
from support.client import refusal
from support.process import wait_until
from support.texts import LETTER, SECRETS_OF_LETTER, assert_nothing_of

RULE = {"operator": "OPERATOR_TOKENIZE", "ttlSeconds": 3600}


@pytest.fixture(scope="module")
def restorer(admin):
    return admin.create_user("restorer")


def tokenized(client, subject):
    request = {"text": LETTER, "rules": [RULE], "subject": subject}
    done = client.rest("POST", "/v1/text:anonymize", json=request)
    assert_nothing_of(SECRETS_OF_LETTER, done["text"], "the text with tokens")
    assert done["text"].count("[tok1:") == len(done["actions"]) and not done["mapping"]
    return done


def test_tokens_open_for_those_who_may(member, admin, restorer, stranger):
    done = tokenized(member, "patient 1")
    for client in (admin, restorer):
        back = client.rest("POST", "/v1/text:restore", json={"text": done["text"]})
        assert (back["text"], back["unopenedTokens"]) == (LETTER, 0)
    with refusal() as caught:
        member.rest("POST", "/v1/text:restore", json={"text": done["text"]})
    assert caught.value.reason == "NOT_ALLOWED"
    foreign = stranger.rest("POST", "/v1/text:restore", json={"text": done["text"]})
    assert (foreign["text"], foreign["unopenedTokens"]) == (done["text"], len(done["actions"]))


def test_one_token_over_grpc(member, restorer):
    done = tokenized(member, "patient 2")
    action = done["actions"][0]
    token = done["text"].encode()[int(action["outputStart"]) : int(action["outputEnd"])].decode()
    original = LETTER.encode()[int(action["start"]) : int(action["end"])].decode()
    request = stubs.vault.OpenTokensRequest(tokens=[token])
    opened = restorer.call("VaultService", "OpenTokens", request).tokens
    assert [(one.token, one.opened, one.value) for one in opened] == [(token, True, original)]


def test_an_erased_subject_is_forgotten_and_the_log_says_so(member, admin):
    done, other = tokenized(member, "patient 3"), tokenized(member, "patient 4")
    with refusal() as caught:
        member.rest("POST", "/v1/tokens:erase", json={"subject": "patient 3"})
    assert caught.value.reason == "NOT_ALLOWED"
    erased = int(admin.rest("POST", "/v1/tokens:erase", json={"subject": "patient 3"})["erased"])
    assert 0 < erased <= len(done["actions"])
    back = admin.rest("POST", "/v1/text:restore", json={"text": done["text"]})
    assert (back["text"], back["unopenedTokens"]) == (done["text"], len(done["actions"]))
    assert admin.rest("POST", "/v1/text:restore", json={"text": other["text"]})["text"] == LETTER

    def told():
        events = admin.rest("GET", "/v1/events", params={"subject": admin.tenant, "pageSize": 200})["events"]
        events = [entry["event"] for entry in events]
        kinds = {event["type"].removeprefix("dev.signet.anonymizer.tokens."): event for event in events}
        return kinds if {"opened", "erased"} <= set(kinds) else None

    kinds = wait_until(told, "the events of the vault")
    assert {"key": "tokens", "value": str(erased)} in kinds["erased"]["attributes"]
    assert "patient" not in json.dumps(kinds["erased"]["attributes"])


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("tokens:open", {}, ["tokens"]),
        ("tokens:open", {"tokens": ["x"]}, ["tokens[0]"]),
        ("tokens:erase", {}, ["subject"]),
        ("text:anonymize", {"text": "x", "rules": [{**RULE, "ttlSeconds": -1}]}, ["rules[0].ttl_seconds"]),
    ],
)
def test_what_is_wrong_is_named(admin, path, body, fields):
    with refusal() as caught:
        admin.rest("POST", f"/v1/{path}", json=body)
    assert (caught.value.http, caught.value.reason, caught.value.fields) == (400, "INVALID_FIELD", fields)
