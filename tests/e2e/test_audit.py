"""The log, verified offline with Python's cryptography and no line of ours."""

import base64
import hashlib
import json
import uuid

import pytest
import requests
from cryptography.exceptions import InvalidSignature

from support import stubs, tlog
from support.client import Refused
from support.process import wait_until


@pytest.fixture
def log(mesh):
    def get(path):
        response = requests.get(f"{mesh.edge.http}/log/{path}", timeout=10)
        assert response.status_code in (200, 404), (path, response.text)
        return response.content if response.ok else None

    return get


@pytest.fixture
def key(log):
    return tlog.VerifierKey(log("vkey").decode())


def event_of(admin, **query):
    """The newest event that answers the query, once it is there."""

    def find():
        listed = admin.rest("GET", "/v1/events", params={"pageSize": 1, **query})["events"]
        return listed and listed[0]

    return wait_until(find, f"an event with {query}")


def proof_of(admin, name):
    def ask():
        try:
            return admin.rest("GET", f"/v1/{name}/inclusionProof")
        except Refused as refused:
            assert refused.reason == "EVENT_NOT_INTEGRATED", refused
            return None

    return wait_until(ask, f"{name} is under a checkpoint")


def test_an_event_is_in_the_log(admin, sealer, key):
    prompt = sealer.client.rest("POST", "/v1/prompts", json={"prompt": {"text": "x"}})["prompt"]["name"]
    logged = event_of(admin, subject=prompt)
    assert logged["event"]["type"] == "dev.signet.storage.prompt.created"
    assert logged["event"]["actor"] == sealer.client.me.user
    proof = proof_of(admin, logged["name"])
    size, root = key.open(proof["checkpoint"])
    assert size == int(proof["treeSize"])
    entry = base64.b64decode(proof["entry"])
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    assert tlog.root_of_inclusion(int(proof["index"]), size, tlog.leaf_hash(entry), hashes) == root
    # Another entry is not there.
    assert tlog.root_of_inclusion(int(proof["index"]), size, tlog.leaf_hash(entry + b"x"), hashes) != root

    # What the entry commits to is the event, bit for bit.
    opened = admin.rest("GET", f"/v1/{logged['name']}")
    encoded, salt = (base64.b64decode(opened[name]) for name in ("encoded", "salt"))
    assert entry == b"\1" + hashlib.sha256(salt + encoded).digest()
    event = stubs.audit.Event.FromString(encoded)
    assert (event.id, event.subject) == (logged["event"]["id"], prompt)
    assert len(salt) >= 16


def test_the_whole_log_is_what_its_checkpoint_says(log, key):
    size, root = key.open(log("checkpoint").decode())
    entries = tlog.read_entries(lambda path: log(f"tile/{path}"), size)
    assert tlog.tree_hash(entries) == root


def test_a_later_log_has_the_earlier_one_as_its_beginning(admin, sealer, log, key):
    first, first_root = key.open(log("checkpoint").decode())
    sealer.client.rest("POST", "/v1/prompts", json={"prompt": {"text": "one more"}})

    def grown():
        size, root = key.open(log("checkpoint").decode())
        return size > first and (size, root)

    second, second_root = wait_until(grown, "the log has grown")
    query = {"firstSize": first, "secondSize": second}
    proof = admin.rest("GET", "/v1/log/consistencyProof", params=query)
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    tlog.verify_consistency(first, second, first_root, second_root, hashes)
    with pytest.raises(AssertionError):
        tlog.verify_consistency(first, second, second_root, second_root, hashes)


def test_a_forged_checkpoint_is_noticed(log, key):
    note = log("checkpoint").decode()
    size, _ = key.open(note)
    forged = note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1)
    with pytest.raises(InvalidSignature):
        key.open(forged)


def test_every_step_of_the_main_job_is_in_the_log(admin, sealer, gate):
    request = stubs.response.RespondRequest(
        envelope=sealer.seal("I am Eleanor Hartmann."), recipients=[sealer.box_name], request_id=str(uuid.uuid4())
    )
    call = stubs.stub("ResponseService", sealer.client.edge.channel).Respond.with_call
    _, answered = call(request, metadata=sealer.client.metadata(), timeout=30)
    correlation = dict(answered.initial_metadata())["x-request-id"]

    def types():
        listed = admin.rest("GET", "/v1/events", params={"requestId": correlation})["events"]
        found = {one["event"]["type"]: one["event"] for one in listed}
        services = {event["source"] for event in found.values()}
        return services >= {"envelope", "response"} and found

    found = wait_until(types, "the events of the request")
    assert "dev.signet.response.exchange.completed" in found
    assert any(name.startswith("dev.signet.envelope.") for name in found), found.keys()
    assert {event["actor"] for event in found.values()} == {sealer.client.me.user}
    assert len({event["traceId"] for event in found.values()}) == 1
    assert "Hartmann" not in json.dumps(found)


def test_tenants_see_their_own_events_only(admin, stranger, sealer):
    prompt = sealer.client.rest("POST", "/v1/prompts", json={"prompt": {"text": "x"}})["prompt"]["name"]
    logged = event_of(admin, subject=prompt)
    assert stranger.rest("GET", "/v1/events", params={"subject": prompt})["events"] == []
    for path in (logged["name"], f"{logged['name']}/inclusionProof"):
        assert stranger.raw("GET", f"/v1/{path}").status_code == 404
