"""Writes tests/vectors/amended.json: an envelope whose recipients were changed twice,
made after docs/envelope-format.md on jwcrypto, without a line of ours.

    .venv/bin/python tests/interop/amended_vectors.py tests/vectors/amended.json
"""

import hashlib
import hmac
import json
import pathlib
import sys
import uuid

import jwcrypto_peer as peer
from jwcrypto import jwe, jws
from jwcrypto.common import base64url_encode, json_encode

POSSESSION = b"signet.dev/v1/content-key-possession\0"


def sign(key, typ, payload):
    token = jws.JWS(json_encode(payload))
    header = {"alg": key["alg"], "typ": typ, "kid": key.thumbprint()}
    token.add_signature(key, None, protected=json_encode(header))
    return token.serialize(compact=True)


def amend(amender, prior, recipients, content_key, iat):
    proved = POSSESSION + hashlib.sha256(prior.encode()).digest() + amender.thumbprint().encode()
    payload = {
        "ver": 1,
        "amender": amender.thumbprint(),
        "recipients": [recipient.thumbprint() for recipient in recipients],
        "possession": base64url_encode(hmac.new(content_key, proved, hashlib.sha256).digest()),
        "iat": iat,
        "prior": prior,
    }
    return sign(amender, "signet-amendment+jws", payload)


def vector():
    sender, amender = peer.new_key("ed25519"), peer.new_key("rsa-pss-2048")
    first, second, third = (peer.new_key(kind) for kind in ("x25519", "p256", "x25519"))
    protected = {"enc": "A256GCM", "typ": "signet-content+jwe", "cty": "text/plain"}
    token = jwe.JWE("Grüße an andere".encode(), protected=json_encode(protected))
    # Wrapped as it is in the end: for the second and third.
    for recipient in (second, third):
        header = {"alg": recipient["alg"], "kid": recipient.thumbprint()}
        token.add_recipient(recipient, header=json_encode(header))
    content = json.loads(token.serialize())
    claims = {
        "ver": 1,
        "jti": str(uuid.uuid4()),
        "tenant": str(uuid.uuid4()),
        "sender": sender.thumbprint(),
        "recipients": [first.thumbprint()],
        "protected": content["protected"],
        "digest": base64url_encode(peer.digest(content)),
        "purpose": "message",
        "iat": 1790000000,
        "exp": 1790000600,
    }
    claims["commitment"] = base64url_encode(peer.commitment(token.cek, claims["jti"]))
    sealed = sign(sender, "signet-manifest+jws", claims)
    both = amend(amender, sealed, [first, second], token.cek, 1790000010)
    after = amend(sender, both, [second, third], token.cek, 1790000020)
    private = lambda key: json.loads(key.export())  # noqa: E731
    return {
        "sender": private(sender),
        "amender": private(amender),
        "removed": private(first),
        "recipients": [private(second), private(third)],
        "plaintext": "Grüße an andere",
        "sealed": sealed,
        "manifest": after,
        "content": json.dumps(content),
    }


if __name__ == "__main__":
    text = json.dumps(vector(), indent=2, ensure_ascii=False)
    pathlib.Path(sys.argv[1]).write_text(text + "\n")
