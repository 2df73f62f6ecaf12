"""Operators by rule and by policy over REST, and policies as a resource."""

import json

import pytest

from support.client import refusal
from support.process import wait_until
from support.texts import LETTER, SECRETS_OF_LETTER, assert_nothing_of

RULES = [
    {"type": "CREDIT_CARD", "operator": "OPERATOR_FORMAT_PRESERVING"},
    {"type": "EMAIL_ADDRESS", "operator": "OPERATOR_ENCRYPT"},
    {"type": "US_SSN", "operator": "OPERATOR_FORMAT_PRESERVING", "otherwise": "OPERATOR_ENCRYPT"},
]


def document(name, operator, description="cards"):
    card = {"operator": operator}
    told = {"name": name, "version": 1, "description": description, "default": {"operator": "replace"}}
    return json.dumps({**told, "types": {"CREDIT_CARD": card}})


def anonymize(client, **request):
    return client.rest("POST", "/v1/text:anonymize", json={"text": LETTER, **request})


def test_rules_are_reversible_together(sealer):
    done = anonymize(sealer.client, rules=RULES)
    assert_nothing_of(SECRETS_OF_LETTER, done["text"], "the anonymized text")
    raw, new = LETTER.encode(), done["text"].encode()
    used = set()
    for action in done["actions"]:
        became = new[int(action["outputStart"]) : int(action["outputEnd"])].decode()
        original = raw[int(action["start"]) : int(action["end"])].decode()
        used.add(action["operator"])
        if action["operator"] == "OPERATOR_ENCRYPT":
            assert became.startswith(f"[enc1:{action['type']}:"), became
        elif action["operator"] == "OPERATOR_FORMAT_PRESERVING":
            assert len(became) == len(original) and became != original
        else:
            assert became.startswith(f"<{action['type']}_"), became
    assert used == {"OPERATOR_ENCRYPT", "OPERATOR_FORMAT_PRESERVING", "OPERATOR_PLACEHOLDER"}
    assert len(done["actions"]) == len(done["findings"])
    back = sealer.client.rest("POST", "/v1/text:restore", json={"text": done["text"], "mapping": done["mapping"]})
    assert back["text"] == LETTER


def test_a_token_opens_without_a_mapping_for_its_tenant_only(sealer, stranger):
    done = anonymize(sealer.client, operator="OPERATOR_ENCRYPT")
    assert not done["mapping"]
    assert sealer.client.rest("POST", "/v1/text:restore", json={"text": done["text"]})["text"] == LETTER
    assert stranger.rest("POST", "/v1/text:restore", json={"text": done["text"]})["text"] == done["text"]


@pytest.mark.parametrize("name", ["gdpr", "hipaa-safe-harbor", "ccpa", "pci-dss"])
def test_ready_policies(sealer, name):
    dry = anonymize(sealer.client, policy=f"policies/{name}", dryRun=True)
    done = anonymize(sealer.client, policy=f"policies/{name}")
    assert dry["text"] == "" and dry["findings"] == done["findings"]
    assert done["policy"] == f"policies/{name}@1"
    assert "4111 1111 1111 1111" not in done["text"]
    if name != "pci-dss":
        assert_nothing_of(["Eleanor Hartmann", "536-22-8765", "203.0.113.77"], done["text"], name)


def test_a_policy_lives_with_its_revisions(admin, member, stranger):
    made = admin.rest("POST", "/v1/policies", json={"policy": {"document": document("letters", "mask")}})["policy"]
    assert (made["name"], made["revision"], made["etag"], made["ready"]) == ("policies/letters", 1, "r1", False)
    change = {"policy": {"document": document("letters", "redact"), "etag": "r1"}}
    assert admin.rest("PATCH", "/v1/policies/letters", json=change)["policy"]["revision"] == 2
    with refusal() as caught:
        admin.rest("PATCH", "/v1/policies/letters", json=change)
    assert (caught.value.code, caught.value.reason) == ("ABORTED", "ETAG_MISMATCH")
    pinned = member.rest("GET", "/v1/policies/letters@1")["policy"]
    assert json.loads(pinned["document"])["types"]["CREDIT_CARD"] == {"operator": "mask"}
    assert "1111" in anonymize(member, policy="policies/letters@1")["text"]
    done = anonymize(member, policy="policies/letters")
    assert done["policy"] == "policies/letters@2" and "1111" not in done["text"]
    revisions = member.rest("GET", "/v1/policies/letters/revisions")["revisions"]
    assert [one["revision"] for one in revisions] == [2, 1]
    names = [policy["name"] for policy in member.rest("GET", "/v1/policies")["policies"]]
    assert names[:4] == [f"policies/{name}" for name in ("ccpa", "gdpr", "hipaa-safe-harbor", "pci-dss")]
    assert "policies/letters" in names
    for path in ("/v1/policies/letters", "/v1/policies/letters/revisions"):
        assert stranger.raw("GET", path).status_code == 404
    with refusal() as caught:
        anonymize(stranger, policy="policies/letters")
    assert caught.value.fields == ["policy"]
    admin.rest("DELETE", "/v1/policies/letters")
    assert admin.raw("GET", "/v1/policies/letters").status_code == 404
    told = [f"dev.signet.anonymizer.policy.{what}" for what in ("deleted", "updated", "created")]

    def kinds():
        events = admin.rest("GET", "/v1/events", params={"subject": "policies/letters"})["events"]
        return [entry["event"]["type"] for entry in events]

    wait_until(lambda: kinds() == told, "the changes are in the log")


def test_what_a_change_would_do(admin):
    after = {"before": "policies/gdpr", "document": document("other", "keep"), "sample": LETTER}
    done = admin.rest("POST", "/v1/policies:compare", json=after)
    raw = LETTER.encode()
    bare = {raw[int(f["start"]) : int(f["end"])].decode() for f in done["newlyUncovered"]}
    assert bare == {"4111 1111 1111 1111"}
    card = next(one for one in done["types"] if one["type"] == "CREDIT_CARD")
    assert (card["before"], card["after"]) == ("OPERATOR_MASK", "OPERATOR_KEEP")
    assert "Eleanor" not in json.dumps(done), "the answer holds no text"


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("text:anonymize", {"text": "x", "rules": [{"type": "SHOE"}]}, ["rules[0].type"]),
        ("text:anonymize", {"text": "x", "rules": [{"operator": "OPERATOR_MASK", "keepLast": 99}]}, ["rules[0].keep_last"]),
        ("text:anonymize", {"text": "x", "policy": "policies/none"}, ["policy"]),
        ("text:anonymize", {"text": "x", "operator": "OPERATOR_DATE_SHIFT"}, ["subject"]),
        ("policies", {"policy": {"document": document("x", "shred")}}, ["policy.document"]),
        ("policies", {"policy": {"document": "name = "}}, ["policy.document"]),
        ("policies:compare", {"before": "policies/gdpr", "sample": "x"}, ["after"]),
    ],
)
def test_what_is_wrong_is_named(admin, path, body, fields):
    with refusal() as caught:
        admin.rest("POST", f"/v1/{path}", json=body)
    assert (caught.value.http, caught.value.reason, caught.value.fields) == (400, "INVALID_FIELD", fields)


def test_ready_policies_cannot_be_changed(admin):
    for method, body in (("PATCH", {"policy": {"document": document("gdpr", "mask")}}), ("DELETE", None)):
        with refusal() as caught:
            admin.rest(method, "/v1/policies/gdpr", json=body)
        assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "POLICY_READ_ONLY")


def test_the_command_line(signet, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text(LETTER)
    done = signet("anonymize", letter, "--policy", "pci-dss", online=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == LETTER.replace("4111 1111 1111 1111", "4111 11** **** 1111")
    dry = signet("anonymize", letter, "--policy", "pci-dss@1", "--dry-run", "--json", online=True)
    card = next(row for row in json.loads(dry.stdout) if row["type"] == "CREDIT_CARD")
    assert (card["operator"], card["text"]) == ("mask", "4111 1111 1111 1111")
    sealed = signet("anonymize", letter, "--operator", "encrypt", online=True)
    (tmp_path / "sealed.txt").write_text(sealed.stdout)
    assert signet("restore", tmp_path / "sealed.txt", online=True).stdout == LETTER
    shown = signet("anonymize", letter, "--operator", "replace", "--color", "always", online=True)
    assert "\x1b[" in shown.stdout and "Eleanor" not in shown.stdout
    wrong = signet("anonymize", letter, "--policy", "none", online=True)
    assert wrong.returncode == 1 and "policy" in wrong.stderr, wrong.stderr
