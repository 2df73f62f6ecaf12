"""A foreign implementation of sealed files (docs/envelope-format.md, "Files"), on
jwcrypto and cryptography.

    stream_file.py --vectors FOLDER       writes the examples of tests/vectors/stream
    stream_file.py --open FILE RECIPIENT SENDER
                                          prints the SHA-256 of the plaintext; the keys are JWK files
"""

import hashlib
import json
import pathlib
import struct
import sys
import time
import uuid

import jwcrypto_peer as peer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwcrypto import jwe, jwk, jws
from jwcrypto.common import base64url_decode, base64url_encode, json_encode

MAGIC = b"\x89SIGNET\n"
CHUNK, TAG = 64 * 1024, 16


def cipher(stream_key, envelope_id):
    hkdf = HKDF(SHA256(), 39, salt=envelope_id.encode(), info=b"signet.dev/v1/stream")
    derived = hkdf.derive(stream_key)
    return AESGCM(derived[:32]), derived[32:]


def nonce(prefix, index, last):
    return prefix + struct.pack(">IB", index, last)


def seal_file(sender, recipient, terms, plaintext):
    protected = {"enc": "A256GCM", "typ": "signet-stream+jwe", "cty": "application/octet-stream"}
    stream_key = hashlib.sha256(b"a vector, not a secret" + plaintext).digest()
    token = jwe.JWE(stream_key, protected=json_encode(protected))
    header = {"alg": recipient["alg"], "kid": recipient.thumbprint()}
    token.add_recipient(recipient, header=json_encode(header))
    content = json.loads(token.serialize())
    if "recipients" not in content:
        content["recipients"] = [{"header": content.pop("header"), "encrypted_key": content.pop("encrypted_key")}]
    claims = {
        "ver": 1,
        "jti": str(uuid.uuid4()),
        "sender": sender.thumbprint(),
        "recipients": [recipient.thumbprint()],
        "protected": content["protected"],
        "digest": base64url_encode(peer.digest(content)),
        **terms,
    }
    claims["commitment"] = base64url_encode(peer.commitment(token.cek, claims["jti"]))
    manifest = jws.JWS(json_encode(claims))
    protected = {"alg": sender["alg"], "typ": "signet-manifest+jws", "kid": sender.thumbprint()}
    manifest.add_signature(sender, None, protected=json_encode(protected))
    head = {"manifest": manifest.serialize(compact=True), "content": json.dumps(content)}
    head = json.dumps(head).encode()
    aead, prefix = cipher(stream_key, claims["jti"])
    pieces = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext), CHUNK)] or [b""]
    chunks = [
        aead.encrypt(nonce(prefix, index, index + 1 == len(pieces)), piece, None)
        for index, piece in enumerate(pieces)
    ]
    return MAGIC + b"\x01" + struct.pack(">I", len(head)) + head + b"".join(chunks)


def open_file(sealed, recipient, sender):
    assert sealed[:9] == MAGIC + b"\x01"
    (length,) = struct.unpack(">I", sealed[9:13])
    head, body = json.loads(sealed[13 : 13 + length]), sealed[13 + length :]
    signed = jws.JWS()
    signed.deserialize(head["manifest"], sender, alg=sender["alg"])
    claims, content = json.loads(signed.payload), json.loads(head["content"])
    assert content["protected"] == claims["protected"]
    assert json.loads(base64url_decode(content["protected"]))["typ"] == "signet-stream+jwe"
    assert peer.digest(content) == base64url_decode(claims["digest"])
    token = jwe.JWE()
    token.deserialize(head["content"], recipient)
    assert peer.commitment(token.cek, claims["jti"]) == base64url_decode(claims["commitment"])
    aead, prefix = cipher(token.payload, claims["jti"])
    plaintext, count = [], -(-len(body) // (CHUNK + TAG))
    for index in range(count):
        chunk = body[index * (CHUNK + TAG) : (index + 1) * (CHUNK + TAG)]
        plaintext.append(aead.decrypt(nonce(prefix, index, index + 1 == count), chunk, None))
    assert count == 1 or plaintext[-1]
    return b"".join(plaintext)


def write_vectors(folder):
    sender, recipient = peer.new_key("ed25519"), peer.new_key("x25519")
    now = int(time.time())
    terms = {"tenant": str(uuid.uuid4()), "purpose": "store", "iat": now, "exp": now + 600}
    files = {}
    for name, length in (("empty", 0), ("short", 1_000), ("two-chunks", CHUNK + 1)):
        plaintext = bytes(at * 31 % 251 for at in range(length))
        sealed = seal_file(sender, recipient, terms, plaintext)
        assert open_file(sealed, recipient, sender) == plaintext
        pathlib.Path(folder, f"{name}.sealed").write_bytes(sealed)
        files[f"{name}.sealed"] = {"length": length, "sha256": hashlib.sha256(plaintext).hexdigest()}
    vector = {
        "plaintext": "byte n is n * 31 mod 251",
        "sender": json.loads(sender.export()),
        "recipient": json.loads(recipient.export()),
        "terms": terms,
        "files": files,
    }
    pathlib.Path(folder, "files.json").write_text(json.dumps(vector, indent=2) + "\n")


def main():
    match sys.argv[1:]:
        case ["--vectors", folder]:
            write_vectors(folder)
        case ["--open", file, recipient, sender]:
            keys = [jwk.JWK.from_json(pathlib.Path(path).read_text()) for path in (recipient, sender)]
            plaintext = open_file(pathlib.Path(file).read_bytes(), *keys)
            print(hashlib.sha256(plaintext).hexdigest())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
