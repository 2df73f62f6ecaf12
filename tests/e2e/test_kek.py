"""The tenant's KEK is rotated while the mesh works: a certificate says that the old
version wraps nothing, then it is destroyed, and everything still opens. Also when
the process is killed in between."""

import json
import os
import signal

import pytest
import requests
from jwcrypto import jwk, jws

from support.client import Refused
from support.form import DevForm
from support.process import wait_until

STATE = "KEK_ROTATION_STATE_"


@pytest.fixture(scope="module")
def dev(make_gate):
    form = DevForm(make_gate())
    try:
        yield form.start()
    finally:
        form.stop()


def store(admin, count):
    texts = [f"letter {number}" for number in range(count)]
    create = lambda text: admin.rest("POST", "/v1/prompts", json={"prompt": {"text": text}})  # noqa: E731
    return {create(text)["prompt"]["name"]: text for text in texts}


def all_open(admin, stored):
    for name, text in stored.items():
        assert admin.rest("GET", f"/v1/{name}")["prompt"]["text"] == text


def read(admin, name):
    return admin.rest("GET", f"/v1/{name}")["rotation"]


def until(admin, name, *states, log, within=90):
    wanted = [STATE + state for state in states]

    def there():
        found = read(admin, name)
        return found if found["state"] in wanted else None

    return wait_until(there, f"{name} is {states}", within=within, every=0.3, log=log)


def open_job_of_others(admin, log):
    """What another test has left running (the matrix starts jobs)."""
    for rotation in admin.rest("GET", "/v1/kekRotations")["rotations"]:
        if rotation["state"] == STATE + "PAUSED":
            admin.rest("POST", f"/v1/{rotation['name']}:resume", json={})
        if rotation["state"] in (STATE + "RUNNING", STATE + "PAUSED"):
            until(admin, rotation["name"], "RETIRED", log=log)


def verified(admin, rotation):
    key = admin.rest("GET", "/v1/keys/envelope-sign")["key"]
    token = jws.JWS()
    token.deserialize(rotation["certificate"])
    assert token.jose_header["typ"] == "signet-statement+jws"
    version = next(v for v in key["versions"] if v["thumbprint"] == token.jose_header["kid"])
    token.verify(jwk.JWK.from_json(version["publicJwk"]))
    return json.loads(token.payload)


def test_rotate_certify_destroy(mesh, admin, signet, tmp_path):
    open_job_of_others(admin, mesh.tails)
    stored = store(admin, 12)
    mapping = admin.rest("POST", "/v1/text:anonymize", json={"text": "Write to eleanor.vance@example.org soon."})
    rotation = admin.rest("POST", "/v1/kek:rotate", json={})["rotation"]
    with pytest.raises(Refused) as refused:
        admin.rest("POST", f"/v1/{rotation['name']}:destroy", json={})
    assert refused.value.reason == "KEK_VERSION_IN_USE"
    rotation = until(admin, rotation["name"], "RETIRED", log=mesh.tails)

    said = verified(admin, rotation)
    assert said["kind"] == "kek-versions-retired" and said["tenant"] == admin.tenant
    assert {one["holder"] for one in said["holders"]} >= {"storage", "anonymizer", "auth", "envelope"}
    assert all(one["remaining"] == 0 for one in said["holders"])
    assert next(one for one in said["holders"] if one["holder"] == "storage")["current"] >= 12
    event = wait_until(
        lambda: admin.raw("GET", f"/v1/events/{rotation['certificateEvent']}").ok, "the certificate is in the log", log=mesh.tails
    )
    assert event
    certificate = tmp_path / "certificate"
    certificate.write_text(rotation["certificate"])
    told = signet("certificates", "verify", certificate, "--json", online=True)
    assert json.loads(told.stdout) == said, told.stderr
    signer = tmp_path / "signer.jwk"
    signer.write_text(admin.rest("GET", "/v1/keys/envelope-sign")["key"]["versions"][0]["publicJwk"])
    assert json.loads(signet("certificates", "verify", certificate, "--signer-key", signer, "--json").stdout) == said
    certificate.write_text(rotation["certificate"][:-4] + "AAAA")
    forged = signet("certificates", "verify", certificate, "--signer-key", signer)
    assert forged.returncode != 0 and "not genuine" in forged.stderr and not forged.stdout

    admin.rest("POST", f"/v1/{rotation['name']}:destroy", json={})
    until(admin, rotation["name"], "DESTROYED", log=mesh.tails)
    versions = admin.rest("GET", "/v1/kek")["kek"]["versions"]
    assert min(int(one["version"]) for one in versions) == int(rotation["version"])
    all_open(admin, stored)
    restored = admin.rest("POST", "/v1/text:restore", json={"text": mapping["text"], "mapping": mapping["mapping"]})
    assert restored["text"] == "Write to eleanor.vance@example.org soon."


def test_a_deleted_prompt_is_certified(mesh, admin, signet, tmp_path):
    name = next(iter(store(admin, 1)))
    admin.rest("DELETE", f"/v1/{name}")

    def listed():
        return json.loads(signet("certificates", "list", "--prompt", name, "--json", online=True).stdout)

    (certificate,) = wait_until(listed, "the certificate is there", within=30, log=mesh.tails)
    (tmp_path / "statement").write_text(certificate["statement"])
    said = json.loads(signet("certificates", "verify", tmp_path / "statement", "--json", online=True).stdout)
    assert (said["kind"], said["subject"], said["holder"]) == ("data-keys-destroyed", name, "storage")
    assert len(said["wrapped_sha256"]) == 1
    wait_until(lambda: admin.raw("GET", f"/v1/events/{certificate['event']}").ok, "it is in the log", log=mesh.tails)


def killed(dev):
    os.kill(dev.process.child.pid, signal.SIGKILL)
    dev.process.child.wait()

    def free():
        try:
            requests.get(f"{dev.edge.http}/healthz", timeout=1)
        except requests.ConnectionError:
            return True
        except requests.RequestException:
            pass
        return False

    wait_until(free, "Envoy has ended with its parent", within=15)
    dev.start()
    return dev.log_in_admins()[0]


def test_kill_9_in_the_middle(dev):
    admin, _ = dev.log_in_admins()
    stored = store(admin, 60)
    name = admin.rest("POST", "/v1/kek:rotate", json={"perSecond": 10})["rotation"]["name"]

    def rewrapped():
        holders = read(admin, name)["holders"]
        return int(next(one for one in holders if one["holder"] == "storage")["rewrapped"])

    before = 0
    for _ in range(3):
        wait_until(lambda: before < rewrapped() < 60, "a further part is rewrapped", within=40, log=dev.tails)
        before = rewrapped()
        admin = killed(dev)
        all_open(admin, stored)
    until(admin, name, "RETIRED", log=dev.tails)
    admin.rest("POST", f"/v1/{name}:destroy", json={})
    admin = killed(dev)
    until(admin, name, "DESTROYED", log=dev.tails)
    all_open(admin, stored)
    events = admin.rest("GET", "/v1/events", params={"pageSize": 1000})["events"]
    kinds = [one["event"]["type"] for one in events if one["event"]["subject"] == name]
    for kind in ("rotation_started", "version_retired", "destruction_requested", "version_destroyed"):
        assert kinds.count(f"dev.signet.envelope.kek.{kind}") == 1, kinds
