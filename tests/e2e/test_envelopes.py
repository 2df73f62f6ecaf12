"""Envelopes that somebody has been at: all refused alike, nothing sent."""

import concurrent.futures
import hashlib
import hmac
import json
import time

import pytest

from support import jose, stubs
from support.client import Sealer, refusal

# A user may make 1,000 calls a minute: every STRIDEth byte, another offset in each form.
STRIDE = 3


@pytest.fixture(scope="module")
def target(admin):
    return Sealer(admin.create_user("member"))


def _rejected(sealer, envelope, **more):
    with refusal() as caught:
        sealer.respond(envelope, **more)
    return caught.value


def test_tampering_anywhere_is_one_error(mesh, target, gate):
    envelope = target.seal("The card is 4111 1111 1111 1111.")
    offset = 0 if mesh.name == "dev" else 1
    cases = []
    for part in ("manifest", "content"):
        text = getattr(envelope, part)
        for place in range(offset, len(text), STRIDE):
            other = "A" if text[place] != "A" else "B"
            changed = text[:place] + other + text[place + 1 :]
            cases.append((part, place, stubs.envelope.Envelope(manifest=envelope.manifest, content=envelope.content)))
            setattr(cases[-1][2], part, changed)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda case: (case[:2], _rejected(target, case[2])), cases))
    shapes = {(error.code, error.message, error.reason, tuple(error.fields)) for _, error in errors}
    assert len(shapes) == 1, [(where, str(error)) for where, error in errors][:5]
    assert next(iter(shapes))[2] == "ENVELOPE_REJECTED"
    assert gate.bodies == []
    # What was not changed still opens: none of the attempts has used it up.
    assert target.open(target.respond(envelope))


def test_replay(target, gate):
    envelope = target.seal("once")
    target.respond(envelope)
    assert _rejected(target, envelope).reason == "ENVELOPE_REJECTED"


CHANGES = {
    "expired": lambda s: {"iat": int(time.time()) - 700, "exp": int(time.time()) - 100},
    "from the future": lambda s: {"iat": int(time.time()) + 600, "exp": int(time.time()) + 1200},
    "another tenant": lambda s: {"tenant": jose.uuid7()},
    "a sender that did not sign": lambda s: {"sender": jose.ed25519(), "header": {}},
    "an unknown header": lambda s: {"header": {"x-critical": 1}},
    "zip": lambda s: {"protected": {"zip": "DEF"}},
    "jku": lambda s: {"header": {"jku": "https://evil.example/keys"}},
    "x5u": lambda s: {"header": {"x5u": "https://evil.example/cert"}},
    "jwk": lambda s: {"header": {"jwk": jose.public(s.sign)}},
    "another type": lambda s: {"header": {"typ": "JWT"}},
    "unknown member": lambda s: {"admin": True},
    "another version": lambda s: {"ver": 2},
    "a wrong commitment": lambda s: {"commitment": jose.b64(b"x" * 32)},
    "a wrong digest": lambda s: {"digest": jose.b64(b"x" * 32)},
    "other recipients": lambda s: {"recipients": [jose.public(jose.x25519())]},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_manifest_may_not_say(target, gate, kind):
    error = _rejected(target, target.seal("x", **CHANGES[kind](target)))
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "ENVELOPE_REJECTED"), error
    assert gate.bodies == []


def test_another_purpose(target, gate):
    """Not a matter of trust, so it is said: the sender may mend it."""
    error = _rejected(target, target.seal("x", purpose="store"))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "ENVELOPE_PURPOSE_MISMATCH")
    assert gate.bodies == []


def test_swapped_recipients(target, gate):
    """The wrapped keys of one envelope with the content of another."""
    box = jose.public(jose.x25519())
    one = target.seal("one", recipients=[target.service_seal, box])
    two = target.seal("two", recipients=[target.service_seal, box])
    first, second = json.loads(one.content), json.loads(two.content)
    first["recipients"] = second["recipients"]
    mixed = stubs.envelope.Envelope(manifest=one.manifest, content=json.dumps(first))
    assert _rejected(target, mixed).reason == "ENVELOPE_REJECTED"
    # The key for one recipient under the name of the other.
    again = json.loads(two.content)
    keys = [entry["encrypted_key"] for entry in again["recipients"]]
    for entry, key in zip(again["recipients"], reversed(keys)):
        entry["encrypted_key"] = key
    swapped = stubs.envelope.Envelope(manifest=two.manifest, content=json.dumps(again))
    assert _rejected(target, swapped).reason == "ENVELOPE_REJECTED"
    other = stubs.envelope.Envelope(manifest=one.manifest, content=two.content)
    assert _rejected(target, other).reason == "ENVELOPE_REJECTED"
    assert gate.bodies == []


@pytest.mark.parametrize("alg", ["none", "HS256", "PS256", "ES256"])
def test_the_key_decides_the_algorithm_not_the_header(target, gate, alg):
    envelope = target.seal("x")
    header, payload, signature = envelope.manifest.split(".")
    changed = {**json.loads(jose.unb64(header)), "alg": alg}
    header = jose.b64(json.dumps(changed).encode())
    if alg == "HS256":
        public = jose.unb64(jose.public(target.sign)["x"])
        signature = jose.b64(hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest())
    if alg == "none":
        signature = ""
    forged = stubs.envelope.Envelope(manifest=f"{header}.{payload}.{signature}", content=envelope.content)
    assert _rejected(target, forged).reason == "ENVELOPE_REJECTED"
    assert gate.bodies == []


def test_a_disabled_key_signs_nothing_more(admin, gate):
    one = Sealer(admin.create_user("member"))
    one.client.call("KeyService", "DisableKey", stubs.key.DisableKeyRequest(name=one.sign_name))
    assert _rejected(one, one.seal("x")).reason == "ENVELOPE_REJECTED"
    assert gate.bodies == []


def test_answers_are_not_for_just_anybody(target, gate):
    envelope = target.seal("x")
    for recipients in ([], ["keys/not-there"], [target.sign_name], ["keys/x"] * 9):
        with refusal() as caught:
            request = stubs.response.RespondRequest(envelope=envelope, recipients=recipients)
            target.client.call("ResponseService", "Respond", request)
        assert caught.value.code in ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"), caught.value
    assert gate.bodies == []
    # None of these has used the envelope up.
    assert target.open(target.respond(envelope))


def test_a_key_is_registered_by_who_has_it(target):
    key, other = jose.ed25519(), jose.ed25519()
    for proof in (
        "",
        "nonsense",
        jose.proof(other, target.client.me.user),
        jose.proof(key, "users/01890000-0000-7000-8000-000000000000"),
    ):
        request = stubs.key.RegisterPublicKeyRequest(
            purpose=stubs.key.KEY_PURPOSE_SIGN, public_jwk=json.dumps(jose.public(key)), proof=proof
        )
        with refusal() as caught:
            target.client.call("KeyService", "RegisterPublicKey", request)
        assert caught.value.code == "INVALID_ARGUMENT", caught.value
    private = stubs.key.RegisterPublicKeyRequest(
        purpose=stubs.key.KEY_PURPOSE_SEAL, public_jwk=jose.x25519().export_private()
    )
    with refusal() as caught:
        target.client.call("KeyService", "RegisterPublicKey", private)
    assert caught.value.fields[0].startswith("public_jwk"), caught.value
