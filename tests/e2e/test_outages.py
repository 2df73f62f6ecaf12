"""Parts of the mesh that are down. In the mesh form, where each is a process."""

import json

import grpc
import pytest
import valkey

from support.client import Client, refusal, refused_of
from support.process import wait_until

CHAT = {"model": "mock-model", "messages": [{"role": "user", "content": "I am Eleanor Hartmann."}]}


# `signet dev` is one process: its parts do not fail apart.
pytestmark = pytest.mark.parametrize("mesh", ["mesh"], indirect=True, scope="session")


@pytest.fixture
def down(mesh):
    """Kills services; they are back when the test is over."""
    killed = []

    def kill(service):
        mesh.kill_service(service)
        killed.append(service)

    yield kill
    for service in killed:
        if not mesh.services[service].running:
            mesh.start_service(service)
        mesh.wait_serving(service)


def back(mesh, service):
    mesh.start_service(service)
    mesh.wait_serving(service)


def test_without_the_anonymizer_nothing_is_sent(mesh, sealer, gate, down):
    down("anonymizer")
    for stream in (False, True):
        error = refused_of(sealer.client.raw("POST", "/v1/chat/completions", json={**CHAT, "stream": stream}))
        assert (error.http, error.code) == (503, "UNAVAILABLE"), error
    with refusal() as caught:
        sealer.respond(sealer.seal(json.dumps(CHAT), media_type="application/json"))
    assert caught.value.code == "UNAVAILABLE"
    assert gate.bodies == [], "nothing has left the house"
    back(mesh, "anonymizer")
    answered = lambda: sealer.client.raw("POST", "/v1/chat/completions", json=CHAT).status_code == 200  # noqa: E731
    wait_until(answered, "answers again", every=0.25)


def test_without_audit_accepted_work_is_not_lost(mesh, admin, sealer, down):
    down("audit")
    client = sealer.client
    prompt = client.rest("POST", "/v1/prompts", json={"prompt": {"text": "while audit is down"}})["prompt"]["name"]
    updated = client.rest("PATCH", f"/v1/{prompt}", json={"prompt": {"text": "still down"}})["prompt"]
    assert updated["revision"] == 2
    read = client.raw("GET", f"/v1/{prompt}")
    back(mesh, "audit")

    def caught_up():
        response = admin.raw("GET", "/v1/events", params={"subject": prompt})
        types = [one["event"]["type"].rsplit(".", 1)[1] for one in response.json().get("events", [])]
        return sorted(types) if {"created", "updated"} <= set(types) else None

    types = wait_until(caught_up, "the relay has caught up", every=0.25, log=mesh.tails)
    if read.status_code == 200:
        # The plaintext left, so that it did must be on record.
        wait_until(lambda: "read" in caught_up(), f"the reading is recorded: {types}")
    else:
        assert read.status_code == 503


def test_without_the_envelope_service_no_plaintext_leaves(mesh, sealer, gate, down):
    client = sealer.client
    prompt = client.rest("POST", "/v1/prompts", json={"prompt": {"text": "wrapped"}})["prompt"]["name"]
    down("envelope")
    assert client.raw("GET", f"/v1/{prompt}").status_code in (200, 503)
    assert client.raw("POST", "/v1/prompts", json={"prompt": {"text": "x"}}).status_code == 503
    with refusal() as caught:
        sealer.respond(sealer.seal("x"))
    assert caught.value.code == "UNAVAILABLE" and gate.bodies == []
    back(mesh, "envelope")
    wait_until(lambda: client.raw("GET", f"/v1/{prompt}").status_code == 200, "readable again", every=0.25)


def test_sigterm_drains_a_service(mesh, sealer):
    """Calls keep being answered while a service restarts behind its sidecar."""
    mesh.services["storage"].terminate()
    assert mesh.services["storage"].child.wait(30) == 0
    back(mesh, "storage")
    ready = lambda: sealer.client.raw("GET", "/v1/prompts").status_code == 200  # noqa: E731
    wait_until(ready, "storage is back", every=0.25)
    assert mesh.services["storage"].running


def test_each_service_has_its_own_database_user(mesh):
    url = mesh.database_url("storage")
    assert mesh.psql("SELECT count(*) FROM prompts", url).strip().isdigit()
    # storage's user in auth's database.
    name, password = url.split("//")[1].split("@")[0].split(":")
    foreign = mesh.database_url("auth").replace(mesh.database_url("auth").split("//")[1].split("@")[0], f"{name}:{password}")
    with pytest.raises(AssertionError, match="permission denied"):
        mesh.psql("SELECT 1", foreign)


def test_api_keys_are_looked_up_through_valkey(mesh, member):
    made = member.rest("POST", "/v1/apiKeys", json={"apiKey": {"displayName": "cached"}})
    store = valkey.from_url(mesh.servers["VALKEY"])
    before = store.dbsize()
    client = Client(member.edge, made["secret"])
    assert client.rest("GET", "/v1/auth/me")["apiKey"] == made["apiKey"]["name"]
    assert store.dbsize() > before
    stored = b"".join(store.dump(key) or b"" for key in store.scan_iter())
    assert made["secret"].encode() not in stored
    member.rest("POST", f"/v1/{made['apiKey']['name']}:revoke", json={})
    with refusal() as refused:
        client.rest("GET", "/v1/auth/me")
    assert refused.value.reason == "CREDENTIAL_INVALID"


def test_keks_are_in_vault(mesh, admin):
    keys = json.loads(mesh.vault("list", "-format=json", "transit/keys"))
    assert f"signet-{admin.tenant.removeprefix('tenants/')}" in keys


def test_a_sidecar_lets_only_its_callers_in(mesh):
    """With the certificate of a part of the mesh that may not call."""
    certificates = mesh.root / "certificates"
    read = lambda name: (certificates / name).read_bytes()  # noqa: E731

    def code_for(part, service, path):
        credentials = grpc.ssl_channel_credentials(read("ca.crt"), read(f"{part}.key"), read(f"{part}.crt"))
        options = [("grpc.ssl_target_name_override", f"{service}.signet.internal")]
        with grpc.secure_channel(f"127.0.0.1:{mesh.sidecar_ports[service]}", credentials, options) as channel:
            call = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
            try:
                call(b"", timeout=5)
                return "OK"
            except grpc.RpcError as error:
                return error.code().name

    release = "/signet.envelope.v1.ReleaseService/UnwrapContentKey"
    assert code_for("audit", "envelope", release) == "PERMISSION_DENIED"
    # May call the service, but not this RPC; and may, but has nobody's token.
    assert code_for("storage", "envelope", release) == "PERMISSION_DENIED"
    assert code_for("response", "envelope", release) == "UNAUTHENTICATED"
    with pytest.raises(AssertionError):
        assert code_for("public", "envelope", release) == "OK"
