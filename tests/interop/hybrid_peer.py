"""A foreign implementation of the hybrid suite of docs/envelope-format.md, on
pyca/cryptography (OpenSSL or AWS-LC inside) and Python's hashlib. Commands and
answers are those of jwcrypto_peer.py. `--vectors FOLDER` writes hybrid.json there.
"""

import hashlib
import json
import os
import pathlib
import sys
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from jwcrypto.common import base64url_decode, base64url_encode

from jwcrypto_peer import check, claims_of, commitment
from ml_kem_expand import expand

SEAL = "signet-hybrid-1-XWing+A256KW"
SIGN = "signet-hybrid-1-Ed25519+ML-DSA-65"
EK, CT = 1184, 1088


def thumbprint(jwk):
    members = {name: jwk[name] for name in ("alg", "kty", "pub")}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(text.encode()).digest())


class Key:
    def public(self):
        jwk = {"kty": "AKP", "alg": self.alg, "pub": base64url_encode(self.pub)}
        return {**jwk, "kid": thumbprint(jwk), "use": "enc" if self.alg == SEAL else "sig"}

    def private(self):
        return {**self.public(), "priv": base64url_encode(self.priv())}

    def kid(self):
        return thumbprint(self.public())


class SealingKey(Key):
    alg = SEAL

    def __init__(self):
        self.ml_kem, self.x = mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate()
        self.point = self.x.public_key().public_bytes_raw()
        self.pub = self.ml_kem.public_key().public_bytes_raw() + self.point

    def priv(self):
        return expand(self.ml_kem.private_bytes_raw()) + self.x.private_bytes_raw()

    def unwrap(self, header, encrypted_key):
        ek = base64url_decode(header["ek"])
        ml_kem = self.ml_kem.decapsulate(ek[:CT])
        agreed = self.x.exchange(x25519.X25519PublicKey.from_public_bytes(ek[CT:]))
        secret = combine(ml_kem, agreed, ek[CT:], self.point)
        return aes_key_unwrap(kek(secret, self.kid()), base64url_decode(encrypted_key))


class SigningKey(Key):
    alg = SIGN

    def __init__(self):
        self.ed, self.ml_dsa = ed25519.Ed25519PrivateKey.generate(), mldsa.MLDSA65PrivateKey.generate()
        self.pub = self.ed.public_key().public_bytes_raw() + self.ml_dsa.public_key().public_bytes_raw()

    def priv(self):
        return self.ed.private_bytes_raw() + self.ml_dsa.private_bytes_raw()

    def sign(self, message):
        message = SIGN.encode() + b"\0" + message
        return self.ed.sign(message) + self.ml_dsa.sign(message)


def verify(jwk, message, signature):
    pub, message = base64url_decode(jwk["pub"]), SIGN.encode() + b"\0" + message
    ed25519.Ed25519PublicKey.from_public_bytes(pub[:32]).verify(signature[:64], message)
    mldsa.MLDSA65PublicKey.from_public_bytes(pub[32:]).verify(signature[64:], message)


def combine(ml_kem, agreed, ephemeral, point):
    return hashlib.sha3_256(ml_kem + agreed + ephemeral + point + b"\\.//^\\").digest()


def kek(secret, kid):
    info = f"{SEAL}\0{kid}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


def wrap(content_key, jwk):
    pub, kid = base64url_decode(jwk["pub"]), thumbprint(jwk)
    ml_kem, ciphertext = mlkem.MLKEM768PublicKey.from_public_bytes(pub[:EK]).encapsulate()
    ephemeral = x25519.X25519PrivateKey.generate()
    agreed = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(pub[EK:]))
    sent = ephemeral.public_key().public_bytes_raw()
    secret = combine(ml_kem, agreed, sent, pub[EK:])
    header = {"alg": SEAL, "kid": kid, "ek": base64url_encode(ciphertext + sent)}
    encrypted_key = aes_key_wrap(kek(secret, kid), content_key)
    return {"header": header, "encrypted_key": base64url_encode(encrypted_key)}


def seal(sender, recipients, terms, plaintext):
    header = {"enc": "A256GCM", "typ": "signet-content+jwe", "cty": "text/plain"}
    protected = base64url_encode(json.dumps(header))
    content_key, iv = os.urandom(32), os.urandom(12)
    sealed = AESGCM(content_key).encrypt(iv, plaintext.encode(), protected.encode())
    content = {
        "protected": protected,
        "recipients": [wrap(content_key, recipient) for recipient in recipients],
        "iv": base64url_encode(iv),
        "ciphertext": base64url_encode(sealed[:-16]),
        "tag": base64url_encode(sealed[-16:]),
    }
    kids = [thumbprint(recipient) for recipient in recipients]
    claims = claims_of(sender.kid(), kids, terms, content, content_key)
    claims["suite"] = "signet-hybrid-1"
    header = {"alg": SIGN, "typ": "signet-manifest+jws", "kid": sender.kid()}
    parts = (base64url_encode(json.dumps(part)) for part in (header, claims))
    signing_input = ".".join(parts)
    signature = base64url_encode(sender.sign(signing_input.encode()))
    return {"manifest": f"{signing_input}.{signature}", "content": json.dumps(content)}


def open_envelope(recipient, sender, manifest, content):
    signing_input, signature = manifest.rsplit(".", 1)
    verify(sender, signing_input.encode(), base64url_decode(signature))
    header, claims = (json.loads(base64url_decode(part)) for part in signing_input.split("."))
    assert (header["alg"], header["typ"]) == (SIGN, "signet-manifest+jws")
    assert claims["suite"] == "signet-hybrid-1"
    parts = json.loads(content)
    check(claims, thumbprint(sender), recipient.kid(), parts)
    assert all(one["header"]["alg"] == SEAL for one in parts["recipients"])
    [mine] = [one for one in parts["recipients"] if one["header"]["kid"] == recipient.kid()]
    content_key = recipient.unwrap(mine["header"], mine["encrypted_key"])
    assert commitment(content_key, claims["jti"]) == base64url_decode(claims["commitment"])
    sealed = base64url_decode(parts["ciphertext"]) + base64url_decode(parts["tag"])
    iv = base64url_decode(parts["iv"])
    return AESGCM(content_key).decrypt(iv, sealed, parts["protected"].encode()).decode()


def answer(keys, command):
    match command["do"]:
        case "key":
            keys.append({"xwing": SealingKey, "ed25519-mldsa65": SigningKey}[command["kind"]]())
            return {"index": len(keys) - 1, "public": json.dumps(keys[-1].public())}
        case "seal":
            recipients = [json.loads(text) for text in command["recipients"]]
            return seal(keys[command["sender"]], recipients, command["terms"], command["plaintext"])
        case "open":
            sender, recipient = json.loads(command["from"]), keys[command["recipient"]]
            opened = open_envelope(recipient, sender, command["manifest"], command["content"])
            return {"plaintext": opened}
    raise ValueError("unknown command")


def write_vector(folder):
    sender, recipients = SigningKey(), [SealingKey(), SealingKey()]
    now = int(time.time())
    tenant = str(uuid.uuid4())
    terms = {"tenant": tenant, "purpose": "respond", "iat": now, "exp": now + 600}
    plaintext = "Grüße an alle"
    vector = {
        "sender": sender.private(),
        "recipients": [recipient.private() for recipient in recipients],
        "terms": terms,
        "plaintext": plaintext,
        **seal(sender, [recipient.public() for recipient in recipients], terms, plaintext),
    }
    path = pathlib.Path(folder) / "hybrid.json"
    path.write_text(json.dumps(vector, indent=2, ensure_ascii=False) + "\n")


def main():
    if sys.argv[1:2] == ["--vectors"]:
        write_vector(sys.argv[2])
        return
    keys = []
    for line in sys.stdin:
        print(json.dumps(answer(keys, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
