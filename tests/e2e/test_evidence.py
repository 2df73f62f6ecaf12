"""Evidence of an envelope from the real mesh, verified by `signet` and by other people's
libraries; recipients changed in between."""

import base64
import contextlib
import io
import json
import os
import runpy
import sys

import pytest
import requests

from support import jose, stubs
from support.client import Refused, refusal
from support.process import ROOT, wait_until

SCRIPT = ROOT / "docs/verify_bundle.py"


def b64(data):
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def keys(admin):
    """Names of two kept recipients and a kept sender."""

    def create(purpose, algorithm):
        told = {"purpose": purpose, "algorithm": algorithm}
        return admin.rest("POST", "/v1/keys", json=told)["key"]["name"]

    boxes = [create("KEY_PURPOSE_SEAL", "KEY_ALGORITHM_ECDH_ES_A256KW_X25519") for _ in range(2)]
    return [*boxes, create("KEY_PURPOSE_SIGN", "KEY_ALGORITHM_EDDSA_ED25519")]


def seal(client, keys, text=b"a letter"):
    told = {"plaintext": b64(text), "contentType": "text/plain", "recipients": [keys[0]]}
    told |= {"signingKey": keys[2], "purpose": "message"}
    return client.rest("POST", "/v1/envelopes:seal", json=told)["envelope"]


def rewrap(client, envelope, keys, **change):
    content = json.loads(envelope["content"])
    told = {"manifest": envelope["manifest"], "wrappedKeys": json.dumps(content["recipients"])}
    done = client.rest("POST", "/v1/envelopes:rewrap", json={**told, "signingKey": keys[2], **change})
    content["recipients"] = json.loads(done["wrappedKeys"])
    return {"manifest": done["manifest"], "content": json.dumps(content)}


def open_text(client, envelope):
    opened = client.rest("POST", "/v1/envelopes:open", json={"envelope": envelope})
    return base64.b64decode(opened["plaintext"])


def by_script(bundle, log_key):
    """What docs/verify_bundle.py prints; an exception when it believes nothing."""
    before, printed = sys.argv, io.StringIO()
    sys.argv = [str(SCRIPT), str(bundle), log_key]
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        sys.argv = before
    return printed.getvalue()


def test_recipients_are_changed_without_the_content(admin, member, stranger, keys):
    envelope = seal(member, keys)
    moved = rewrap(member, envelope, keys, addRecipients=[keys[1]], removeRecipients=[keys[0]])
    before, after = json.loads(envelope["content"]), json.loads(moved["content"])
    assert all(before[part] == after[part] for part in ("protected", "iv", "ciphertext", "tag"))
    told = member.rest("POST", "/v1/envelopes:verify", json={"envelope": moved})["manifest"]
    assert told["recipients"] == [keys[1]] and told["sender"] == keys[2]
    assert told["amendments"][0]["added"] == [keys[1]] and told["amendments"][0]["removed"] == [keys[0]]
    for change in ({"addRecipients": [keys[0]]}, {"renew": True}):
        with pytest.raises(Refused) as caught:
            rewrap(stranger, moved, keys, **change)
        assert caught.value.reason == "ENVELOPE_REJECTED"
    assert open_text(member, moved) == b"a letter"
    both = rewrap(member, moved, keys, addRecipients=[keys[0]])
    with pytest.raises(Refused) as caught:
        open_text(member, both)
    assert caught.value.reason == "ENVELOPE_REJECTED", "it is opened for the first one named, who has had it"
    back = rewrap(member, moved, keys, addRecipients=[keys[0]], removeRecipients=[keys[1]])
    assert open_text(member, back) == b"a letter", "another recipient, for the first time"
    with pytest.raises(Refused) as caught:
        open_text(member, back)
    assert caught.value.reason == "ENVELOPE_REJECTED"


def test_a_rotated_key_is_renewed_and_still_opens(admin, member, keys):
    envelope = seal(member, keys)
    admin.rest("POST", f"/v1/{keys[0]}:rotate", json={})
    renewed = rewrap(member, envelope, keys, renew=True, signingKey="")
    assert renewed["manifest"] == envelope["manifest"] and renewed["content"] != envelope["content"]
    assert open_text(member, renewed) == b"a letter"


def test_an_amended_prompt_is_answered(member, sealer, keys):
    """Sealed for a kept key, passed on to the response service, and answered once."""
    box = member.public_jwk(keys[1])
    envelope = sealer.seal("hello", recipients=[box])
    told = {"manifest": envelope.manifest, "content": envelope.content}
    passed = rewrap(member, told, keys, addRecipients=["keys/response-seal"])
    passed = stubs.envelope.Envelope(**passed)
    assert sealer.open(sealer.respond(passed))[0]
    with refusal() as caught:
        sealer.respond(passed)
    assert caught.value.reason == "ENVELOPE_REJECTED"


@pytest.fixture
def evidence(mesh, member, keys, signet, tmp_path):
    """A fresh bundle about an amended and opened envelope, and the log's key."""
    envelope = seal(member, keys)
    envelope = rewrap(member, envelope, keys, addRecipients=[keys[1]])
    assert open_text(member, envelope) == b"a letter"
    (tmp_path / "letter.json").write_text(json.dumps(envelope))
    bundle = tmp_path / "bundle.json"

    def made():
        run = signet("evidence", "letter.json", "--out", bundle, online=True)
        assert run.returncode == 0 or "nothing about" in run.stderr, run.stderr
        return run.returncode == 0 and len(json.loads(bundle.read_text())["events"]) == 3

    wait_until(made, "sealing, rewrapping and opening are in the log", every=0.5)
    return bundle, requests.get(f"{mesh.edge.http}/log/vkey", timeout=10).text.strip()


def test_a_bundle_is_verified_offline_twice(evidence, signet, tmp_path):
    bundle, log_key = evidence
    shown = signet("envelope", "show", bundle)
    assert shown.returncode == 0 and "recipients changed" in shown.stdout, shown
    run = signet("verify", bundle, "--log-key", log_key, "--envelope", "letter.json", "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    kinds = [event["type"].removeprefix("dev.signet.envelope.") for event in told["events"]]
    assert kinds == ["envelope.sealed", "envelope.rewrapped", "content_key.released"]
    assert [event["of_this_manifest"] for event in told["events"]] == [False, True, True]
    assert any("content at hand" in sentence for sentence in told["proven"])
    printed = by_script(bundle, log_key)
    assert told["envelope"] in printed and told["sender"] in printed
    assert printed.count("In the log: ") == 3
    lines = [line for line in SCRIPT.read_text().splitlines() if line.strip()]
    assert len(lines) <= 60, "the page says 60 lines"
    # The log's key was pinned when the bundle was made; a profile that has none says so.
    assert signet("verify", bundle).returncode == 0
    os.rename(tmp_path / "profile", tmp_path / "was")
    unanchored = signet("verify", bundle)
    assert unanchored.returncode == 3 and "nobody you know" in unanchored.stderr
    wrong = signet("verify", bundle, "--log-key", log_key, "--sender-key", jose.ed25519().thumbprint())
    assert wrong.returncode == 1 and "sealed by the key" in wrong.stderr
    right = signet("verify", bundle, "--log-key", log_key, "--sender-key", told["sender"])
    assert right.returncode == 0, right.stderr


def strings(value, place=()):
    """Where the strings of a JSON value are."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(item, (*place, key))


def changed(bundle, place, at):
    copy = json.loads(json.dumps(bundle))
    parent = copy
    for step in place[:-1]:
        parent = parent[step]
    text = parent[place[-1]]
    parent[place[-1]] = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    return copy


def test_no_field_of_a_bundle_can_be_changed(evidence, signet, tmp_path):
    path, log_key = evidence
    bundle, spoilt = json.loads(path.read_text()), tmp_path / "spoilt.json"
    places = list(strings(bundle))
    # The manifest, six of the one key (sender and amender are the same), three of each of
    # three events, and the checkpoint.
    assert len(places) == 1 + 6 + 3 * 3 + 1, places
    for place in places:
        text = bundle
        for step in place:
            text = text[step]
        # The script everywhere; the binary, which takes longer to start, once a field.
        for number, at in enumerate(range(0, len(text), max(1, len(text) // 40))):
            spoilt.write_text(json.dumps(changed(bundle, place, at)))
            with pytest.raises(Exception):
                by_script(spoilt, log_key)
            if number == 0:
                run = signet("verify", spoilt, "--log-key", log_key)
                assert run.returncode == 1 and "proves nothing" in run.stderr, (place, at, run)
    for change in ({"evidence": 2}, {"keys": []}, {"events": []}):
        spoilt.write_text(json.dumps({**bundle, **change}))
        with pytest.raises(Exception):
            by_script(spoilt, log_key)
        assert signet("verify", spoilt, "--log-key", log_key).returncode == 1, change
