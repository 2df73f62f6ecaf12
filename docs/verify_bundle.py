"""Verifies an evidence bundle of Signet offline, with other people's libraries alone: docs/evidence.md.

    pip install jwcrypto && python verify_bundle.py BUNDLE LOG_KEY    (the log's key, from whom you trust)"""
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwcrypto import jwk, jws

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def decoded(text, url=True):  # one value has one spelling
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if url else base64.b64decode(text)
    again = base64.urlsafe_b64encode(raw).rstrip(b"=") if url else base64.b64encode(raw)
    assert again == text.encode(), "a value is not in its one spelling"
    return raw

def opened(token, keys, used):  # the sender's claims, with the recipients as they are now
    header, claims = (json.loads(decoded(part)) for part in token.split(".")[:2])
    amended = {"signet-manifest+jws": False, "signet-amendment+jws": True}[header["typ"]]
    signer = claims["amender" if amended else "sender"]
    assert header.get("kid", signer) == signer and header["alg"] == keys[signer]["alg"]
    jws.JWS().deserialize(token, key=jwk.JWK(**keys[signer])), decoded(token.split(".")[2]), used.add(signer)
    prior = opened(claims["prior"], keys, used) if amended else claims
    assert not amended or prior["iat"] <= claims["iat"] < prior["exp"], "amended out of time"
    return {**prior, "iat": claims["iat"], "recipients": claims["recipients"]}

def fields(data, at=0):  # number and value of each field of a protobuf message
    def varint(at):
        rest, end = varint(at + 1) if data[at] & 128 else (0, at + 1)
        return data[at] & 127 | rest << 7, end
    while at < len(data):
        (tag, at), (value, at) = (first := varint(at)), varint(first[1])
        yield tag >> 3, data[at : (at := at + value)] if tag & 7 == 2 else value

def root_of(node, index, size, path):  # RFC 6962, section 2.1.1, from its definition
    if size == 1:
        return node if not path else None
    left = 1 << (size - 1).bit_length() - 1
    node = root_of(node, *((index, left) if index < left else (index - left, size - left)), path[:-1])
    return sha256(b"\1", *((node, path[-1]) if index < left else (path[-1], node)))

def proved(logged, name, key_id, key):  # the event, once it is in the log
    (head, text, signature), salt = logged["proof"].split("\n\n"), decoded(logged["salt"])
    (form, index, *path), (origin, size, root) = head.split("\n"), text.split("\n")[:3]
    dash, signer, blob = signature.removesuffix("\n").split(" ")
    assert (form, dash, signer, origin) == ("c2sp.org/tlog-proof@v1", "\u2014", name, name)
    assert decoded(blob, False)[:4] == key_id and index == f"index {int(index[6:])}" and int(index[6:]) < int(size)
    Ed25519PublicKey.from_public_bytes(key).verify(decoded(blob, False)[4:], f"{text}\n".encode())
    leaf = sha256(b"\0\1", sha256(salt, decoded(logged["encoded"])))
    computed = root_of(leaf, int(index[6:]), int(size), [decoded(one, False) for one in path])
    assert len(salt) == 32 and computed == decoded(root, False), "not in the log"
    return list(fields(decoded(logged["encoded"])))

def main(path, log_key):
    bundle, (name, key_id, key) = json.load(open(path, encoding="utf-8")), log_key.split("+", 2)
    key, used, keys = decoded(key, False), set(), {jwk.JWK(**one).thumbprint(): one for one in bundle["keys"]}
    assert (bundle["evidence"], bundle["log_key"], key[0]) == (1, log_key, 1) and bundle["events"], "of another log"
    claims = opened(bundle["manifest"], keys, used)
    assert used == set(keys) and all((one["kid"], one["use"]) == (kid, "sig") for kid, one in keys.items())
    print(f"Envelope {claims['jti']} of {claims['tenant']}, sealed by {claims['sender']} for {claims['recipients']}")
    for event in [proved(logged, name, bytes.fromhex(key_id), key[1:]) for logged in bundle["events"]]:
        told, pairs = dict(event), [dict(fields(value)) for number, value in event if number == 12]
        said = {pair[1].decode(): pair.get(2, b"").decode() for pair in pairs}
        assert (told[5].decode(), told[7].decode()) == (f"tenants/{claims['tenant']}", f"envelopes/{claims['jti']}")
        for said_as, member in ("sender", "sender"), ("purpose", "purpose"), ("content_digest", "digest"):
            assert said.get(said_as, claims[member]) == claims[member], "the event contradicts the manifest"
        print(f"In the log: {told[2].decode()} by {told[6].decode()}, {said}")

main(*sys.argv[1:])
