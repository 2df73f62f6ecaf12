"""A foreign implementation of docs/envelope-format.md, on jwcrypto.

Reads a command a line (JSON) from standard input, answers each with a line.
libs/crypto/tests/interop.rs talks to it. `--vectors FOLDER` writes the example
envelopes of tests/vectors/envelope instead.
"""

import hashlib
import hmac
import json
import pathlib
import sys
import time
import uuid

from jwcrypto import jwe, jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode, json_encode

LABEL = b"signet.dev/v1/content-key-commitment\0"
KINDS = {
    "rsa-oaep-2048": {"kty": "RSA", "size": 2048, "alg": "RSA-OAEP-256", "use": "enc"},
    "rsa-oaep-3072": {"kty": "RSA", "size": 3072, "alg": "RSA-OAEP-256", "use": "enc"},
    "rsa-oaep-4096": {"kty": "RSA", "size": 4096, "alg": "RSA-OAEP-256", "use": "enc"},
    "x25519": {"kty": "OKP", "crv": "X25519", "alg": "ECDH-ES+A256KW", "use": "enc"},
    "p256": {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "use": "enc"},
    "rsa-pss-2048": {"kty": "RSA", "size": 2048, "alg": "PS256", "use": "sig"},
    "rsa-pss-3072": {"kty": "RSA", "size": 3072, "alg": "PS256", "use": "sig"},
    "rsa-pss-4096": {"kty": "RSA", "size": 4096, "alg": "PS256", "use": "sig"},
    "es256": {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"},
    "ed25519": {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"},
}


def new_key(kind):
    return jwk.JWK.generate(**KINDS[kind])


def commitment(content_key, envelope_id):
    return hmac.new(content_key, LABEL + envelope_id.encode(), hashlib.sha256).digest()


def digest(content):
    parts = (base64url_decode(content[name]) for name in ("iv", "ciphertext", "tag"))
    return hashlib.sha256(b"".join(parts)).digest()


def claims_of(sender, recipients, terms, content, content_key):
    """What a manifest says, given thumbprints."""
    envelope_id = str(uuid.uuid4())
    return {
        "ver": 1,
        "jti": envelope_id,
        "tenant": terms["tenant"],
        "sender": sender,
        "recipients": recipients,
        "protected": content["protected"],
        "digest": base64url_encode(digest(content)),
        "purpose": terms["purpose"],
        "iat": terms["iat"],
        "exp": terms["exp"],
        "commitment": base64url_encode(commitment(content_key, envelope_id)),
    }


def check(claims, sender, recipient, parts):
    assert claims["sender"] == sender
    assert recipient in claims["recipients"]
    assert parts["protected"] == claims["protected"]
    assert digest(parts) == base64url_decode(claims["digest"])


def seal(sender, recipients, terms, plaintext):
    protected = {"enc": "A256GCM", "typ": "signet-content+jwe", "cty": "text/plain"}
    token = jwe.JWE(plaintext.encode(), protected=json_encode(protected))
    for recipient in recipients:
        header = {"alg": recipient["alg"], "kid": recipient.thumbprint()}
        token.add_recipient(recipient, header=json_encode(header))
    content = json.loads(token.serialize())
    kids = [recipient.thumbprint() for recipient in recipients]
    claims = claims_of(sender.thumbprint(), kids, terms, content, token.cek)
    header = {"alg": sender["alg"], "typ": "signet-manifest+jws", "kid": sender.thumbprint()}
    manifest = jws.JWS(json_encode(claims))
    manifest.add_signature(sender, None, protected=json_encode(header))
    return {"manifest": manifest.serialize(compact=True), "content": json.dumps(content)}


def open_envelope(recipient, sender, manifest, content):
    signed = jws.JWS()
    signed.deserialize(manifest, sender, alg=sender["alg"])
    assert signed.jose_header["typ"] == "signet-manifest+jws"
    claims = json.loads(signed.payload)
    check(claims, sender.thumbprint(), recipient.thumbprint(), json.loads(content))
    token = jwe.JWE()
    token.deserialize(content, recipient)
    assert commitment(token.cek, claims["jti"]) == base64url_decode(claims["commitment"])
    return token.payload.decode()


def answer(keys, command):
    match command["do"]:
        case "key":
            keys.append(new_key(command["kind"]))
            return {"index": len(keys) - 1, "public": keys[-1].export_public()}
        case "seal":
            recipients = [jwk.JWK.from_json(text) for text in command["recipients"]]
            return seal(keys[command["sender"]], recipients, command["terms"], command["plaintext"])
        case "open":
            sender = jwk.JWK.from_json(command["from"])
            recipient = keys[command["recipient"]]
            opened = open_envelope(recipient, sender, command["manifest"], command["content"])
            return {"plaintext": opened}
    raise ValueError("unknown command")


def write_vectors(folder):
    for sign_kind, seal_kind in (
        ("rsa-pss-2048", "rsa-oaep-2048"),
        ("ed25519", "x25519"),
        ("ed25519", "p256"),
    ):
        sender, recipients = new_key(sign_kind), [new_key(seal_kind), new_key(seal_kind)]
        now = int(time.time())
        terms = {
            "tenant": str(uuid.uuid4()),
            "purpose": "respond",
            "iat": now,
            "exp": now + 600,
        }
        plaintext = "Grüße an alle"
        vector = {
            "sender": json.loads(sender.export()),
            "recipients": [json.loads(recipient.export()) for recipient in recipients],
            "terms": terms,
            "plaintext": plaintext,
            **seal(sender, recipients, terms, plaintext),
        }
        path = pathlib.Path(folder) / f"{seal_kind}.json"
        path.write_text(json.dumps(vector, indent=2, ensure_ascii=False) + "\n")


def main():
    if sys.argv[1:2] == ["--vectors"]:
        write_vectors(sys.argv[2])
        return
    keys = []
    for line in sys.stdin:
        print(json.dumps(answer(keys, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
