"""The client's side of an envelope, with jwcrypto and cryptography only.

Written from docs/envelope-format.md, without a line of ours: what this opens,
another client can open, and what it seals is what another client would seal.
"""

import base64
import hashlib
import hmac
import json
import os
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwcrypto import jwe, jwk, jws

COMMITMENT_LABEL = b"signet.dev/v1/content-key-commitment\0"
STREAM_LABEL = b"signet.dev/v1/stream"
MANIFEST = "signet-manifest+jws"
CONTENT = "signet-content+jwe"
STREAM = "signet-stream+jwe"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def uuid7():
    """RFC 9562, section 5.7."""
    now = time.time_ns() // 1_000_000
    value = bytearray(now.to_bytes(6, "big") + os.urandom(10))
    value[6] = (value[6] & 0x0F) | 0x70
    value[8] = (value[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(value)))


def ed25519():
    return _named(jwk.JWK.generate(kty="OKP", crv="Ed25519"), "EdDSA", "sig")


def x25519():
    return _named(jwk.JWK.generate(kty="OKP", crv="X25519"), "ECDH-ES+A256KW", "enc")


def rsa(alg, use, size=2048):
    return _named(jwk.JWK.generate(kty="RSA", size=size), alg, use)


def _named(key, alg, use):
    key.update(alg=alg, use=use, kid=key.thumbprint())
    return key


def public(key):
    return key.export_public(as_dict=True)


def sign(key, payload, header):
    token = jws.JWS(payload)
    token.allowed_algs = [header["alg"]]
    token.add_signature(key, protected=json.dumps(header))
    return token.serialize(compact=True)


def proof(key, user):
    """The proof of possession of RegisterPublicKey."""
    text = f"signet-register-v1\n{user}\n{key.thumbprint()}"
    return sign(key, text.encode(), {"alg": key["alg"], "kid": key.thumbprint()})


def answer(key, challenge, user):
    """The proof of possession of a key that cannot sign: the opened challenge."""
    token = jwe.JWE()
    token.allowed_algs = [key["alg"], "A256GCM"]
    token.deserialize(challenge, key=key)
    assert token.jose_header["typ"] == "signet-challenge+jwe"
    text = token.payload.decode()
    assert text.startswith(f"signet-challenge-v1\n{user}\n{key.thumbprint()}\n")
    return text


def seal(plaintext, *, tenant, sender, recipients, purpose="respond", **changes):
    """An envelope: (manifest, content). `recipients` are public JWKs, dictionaries.

    `changes` are members of the claims to set otherwise, `header` the manifest's
    header, `media_type`, `typ` and `protected` of the content.
    """
    protected = {
        "enc": "A256GCM",
        "typ": changes.pop("typ", CONTENT),
        "cty": changes.pop("media_type", "text/plain"),
        **changes.pop("protected", {}),
    }
    header = {"alg": sender["alg"], "typ": MANIFEST, "kid": sender.thumbprint()}
    header.update(changes.pop("header", {}))
    cek = os.urandom(32)
    message = jwe.JWE(plaintext, protected=json.dumps(protected))
    # jwcrypto makes the content key itself unless it has one.
    message.cek = cek
    for recipient in recipients:
        key = jwk.JWK(**recipient)
        own = {"alg": recipient["alg"], "kid": key.thumbprint()}
        message.add_recipient(key, header=json.dumps(own))
    content = _general(json.loads(message.serialize()))
    now = int(time.time())
    claims = {
        "ver": 1,
        "jti": uuid7(),
        "tenant": tenant.removeprefix("tenants/"),
        "sender": sender.thumbprint(),
        "recipients": [jwk.JWK(**recipient).thumbprint() for recipient in recipients],
        "protected": content["protected"],
        "digest": digest(content),
        "purpose": purpose,
        "iat": now,
        "exp": now + 600,
    }
    claims.update(changes)
    claims.setdefault("commitment", commitment(cek, claims["jti"]))
    manifest = sign(sender, json.dumps(claims).encode(), header)
    return manifest, json.dumps(content)


def _general(message):
    if "recipients" not in message:
        one = {"header": message.pop("header"), "encrypted_key": message.pop("encrypted_key")}
        message["recipients"] = [one]
    return message


def digest(content):
    return b64(hashlib.sha256(b"".join(unb64(content[m]) for m in ("iv", "ciphertext", "tag"))).digest())


def commitment(cek, jti):
    return b64(hmac.new(cek, COMMITMENT_LABEL + jti.encode(), hashlib.sha256).digest())


def open_envelope(envelope, *, recipient, sender, purpose, tenant):
    """Verifies and opens; gives back (plaintext, claims, protected header)."""
    claims = verify(envelope.manifest, sender)
    assert claims["ver"] == 1
    assert claims["tenant"] == tenant.removeprefix("tenants/")
    assert claims["purpose"] == purpose
    assert claims["iat"] <= time.time() + 60 and time.time() < claims["exp"]
    assert recipient.thumbprint() in claims["recipients"]
    content = json.loads(envelope.content)
    assert content["protected"] == claims["protected"]
    assert digest(_general(dict(content))) == claims["digest"]
    message = jwe.JWE()
    message.allowed_algs = [recipient["alg"], "A256GCM"]
    message.deserialize(envelope.content, key=recipient)
    assert hmac.compare_digest(commitment(message.cek, claims["jti"]), claims["commitment"])
    return message.payload, claims, json.loads(unb64(content["protected"]))


def verify(manifest, sender):
    """The claims of a manifest that `sender`, a public JWK, has signed."""
    token = jws.JWS()
    token.allowed_algs = [sender["alg"]]
    token.deserialize(manifest, key=jwk.JWK(**sender))
    header = json.loads(token.objects["protected"])
    assert header["typ"] == MANIFEST
    claims = json.loads(token.payload)
    assert claims["sender"] == jwk.JWK(**sender).thumbprint()
    return claims


class StreamOpener:
    """The chunks of a sealed stream, in order."""

    def __init__(self, secret, jti):
        derived = HKDF(hashes.SHA256(), 39, jti.encode(), STREAM_LABEL).derive(secret)
        self._cipher, self._prefix = AESGCM(derived[:32]), derived[32:]
        self._next, self.finished = 0, False

    def open(self, chunk):
        assert not self.finished, "a chunk after the last"
        assert chunk[0] in (0, 1)
        nonce = self._prefix + self._next.to_bytes(4, "big") + chunk[:1]
        plaintext = self._cipher.decrypt(nonce, chunk[1:], None)
        self._next += 1
        self.finished = chunk[0] == 1
        return plaintext
