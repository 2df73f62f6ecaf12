"""RFC 6962 proofs and C2SP checkpoints, verified with nothing of ours."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_hash(entries):
    """RFC 6962, section 2.1, straight from its definition."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1 << ((len(entries) - 1).bit_length() - 1)
    return node_hash(tree_hash(entries[:split]), tree_hash(entries[split:]))


def root_of_inclusion(index, size, leaf, hashes):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    assert 0 <= index < size
    position, last, root = index, size - 1, leaf
    for one in hashes:
        assert last > 0, "the proof is too long"
        if position & 1 or position == last:
            root = node_hash(one, root)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            root = node_hash(root, one)
        position >>= 1
        last >>= 1
    assert last == 0, "the proof is too short"
    return root


def verify_consistency(first, second, first_root, second_root, hashes):
    """RFC 9162, section 2.1.4.2."""
    assert 0 < first <= second
    if first == second:
        assert not hashes and first_root == second_root
        return
    path = list(hashes)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    position, last = first - 1, second - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = path[0]
    for one in path[1:]:
        assert last > 0, "the proof is too long"
        if position & 1 or position == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, one)
        position >>= 1
        last >>= 1
    assert last == 0 and old == first_root and new == second_root


class VerifierKey:
    """A C2SP verifier key, `name+hash+key`."""

    def __init__(self, text):
        self.name, key_id, key = text.strip().split("+", 2)
        raw = base64.b64decode(key)
        assert raw[0] == ED25519
        self.key = Ed25519PublicKey.from_public_bytes(raw[1:])
        self.id = bytes.fromhex(key_id)
        wanted = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        assert self.id == wanted, "the key's id does not follow from the key"

    def open(self, note):
        """The checkpoint of a signed note: (size, root)."""
        text, signatures = note.rsplit("\n\n", 1)
        text += "\n"
        for line in signatures.splitlines():
            dash, name, blob = line.split(" ")
            blob = base64.b64decode(blob)
            if dash == "—" and name == self.name and blob[:4] == self.id:
                self.key.verify(blob[4:], text.encode())
                origin, size, root = text.splitlines()[:3]
                assert origin == self.name
                return int(size), base64.b64decode(root)
        raise AssertionError("no signature of this key")


def read_entries(get, size):
    """All entries of the log, from the entry bundles of C2SP tlog-tiles. `get` gives
    the bytes of a tile, or None when there is none.

    A partial bundle may be gone as soon as the full one is there: then the full one
    is read, as the specification asks of clients.
    """
    entries = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        full = f"entries/{_tile_path(number)}"
        bundle = get(f"{full}.p/{width}") if width < 256 else None
        bundle = bundle or get(full)
        assert bundle, f"neither {full} nor its first {width} entries are there"
        for _ in range(width):
            length = int.from_bytes(bundle[:2], "big")
            entries.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    return entries


def _tile_path(number):
    parts = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        parts.insert(0, f"x{number % 1000:03}")
    return "/".join(parts)
