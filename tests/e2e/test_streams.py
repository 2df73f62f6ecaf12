"""Streams and batches through the real edge: any size, bounded memory, nothing
believed that was cut, changed or sent twice."""

import base64
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import uuid

import grpc
import pytest

from support import stubs
from support.client import refusal, refused_of_grpc
from support.process import binary, wait_until

CHUNK = 65_552
PREAMBLE = 13


@pytest.fixture(scope="module")
def names(admin):
    """A recipient's and a sender's key that the mesh keeps."""

    def create(purpose, algorithm):
        body = {"purpose": f"KEY_PURPOSE_{purpose}", "algorithm": f"KEY_ALGORITHM_{algorithm}"}
        return admin.rest("POST", "/v1/keys", json=body)["key"]["name"]

    return create("SEAL", "ECDH_ES_A256KW_X25519"), create("SIGN", "EDDSA_ED25519")


def pieces(data, size=100_000):
    return (data[at : at + size] for at in range(0, len(data), size))


def seal(client, names, data, **terms):
    request = stubs.envelope.SealStreamRequest
    head = stubs.envelope.SealStreamHead(
        content_type="application/octet-stream", recipients=[names[0]], signing_key=names[1], purpose="store", **terms
    )
    parts = itertools.chain([request(head=head)], (request(plaintext=piece) for piece in data))
    return b"".join(answer.data for answer in client.call("EnvelopeService", "SealStream", parts, timeout=120))


def open_stream(client, file, request_id="", size=100_000):
    """The plaintext that came, and the refusal that ended it, if one did."""
    request = stubs.envelope.OpenStreamRequest
    parts = (request(data=piece, request_id="" if index else request_id) for index, piece in enumerate(pieces(file, size)))
    came = []
    try:
        for answer in client.call("EnvelopeService", "OpenStream", parts, timeout=120):
            came.append(answer.plaintext)
    except grpc.RpcError as error:
        return b"".join(came), refused_of_grpc(error)
    return b"".join(came), None


def body_of(file):
    return PREAMBLE + int.from_bytes(file[PREAMBLE - 4 : PREAMBLE], "big")


def test_a_stream_larger_than_any_message(mesh, member, names):
    block = os.urandom(1 << 20)
    size = 24
    file = seal(member, names, (block for _ in range(size)))
    assert len(file) - body_of(file) == size * (1 << 20) + size * 16 * 16
    came, refused = open_stream(member, file, size=1_000_000)
    assert refused is None
    assert hashlib.sha256(came).digest() == hashlib.sha256(block * size).digest()


def test_cut_changed_and_repeated(member, names):
    text = os.urandom(300_000)
    file = seal(member, names, pieces(text))
    body, retry = body_of(file), str(uuid.uuid4())
    changed = bytearray(file)
    changed[body + CHUNK + 9] ^= 1
    swapped = file[:body] + file[body + CHUNK : body + 2 * CHUNK] + file[body : body + CHUNK] + file[body + 2 * CHUNK :]
    for what, bad in {
        "cut": file[: body + 2 * CHUNK],
        "cut in a chunk": file[: body + CHUNK + 1_000],
        "changed": bytes(changed),
        "swapped": swapped,
        "longer": file + bytes(32),
        "without chunks": file[:body],
    }.items():
        came, refused = open_stream(member, bad, request_id=retry)
        assert (refused.code, refused.reason, refused.fields) == ("INVALID_ARGUMENT", "ENVELOPE_REJECTED", []), what
        assert text.startswith(came) and len(came) < len(text), what
    came, refused = open_stream(member, file, request_id=retry)
    assert (came, refused) == (text, None)
    came, refused = open_stream(member, file)
    assert (came, refused.reason) == (b"", "ENVELOPE_REJECTED"), "a replay"


def test_who_may_not_open_gets_nothing(member, stranger, names):
    file = seal(member, names, [b"not for everybody"])
    came, refused = open_stream(stranger, file)
    assert (came, refused.reason) == (b"", "ENVELOPE_REJECTED")
    came, refused = open_stream(member, b"\x89SIGNET\n" + bytes(100))
    assert (came, refused.reason) == (b"", "ENVELOPE_REJECTED")


def test_what_is_too_large_or_out_of_order_is_named(member, names):
    with refusal() as caught:
        seal(member, names, [bytes((1 << 20) + 1)])
    assert (caught.value.reason, caught.value.fields) == ("INVALID_FIELD", ["plaintext"])
    with refusal() as caught:
        list(member.call("EnvelopeService", "SealStream", iter([stubs.envelope.SealStreamRequest(plaintext=b"x")])))
    assert caught.value.fields == ["head"]


def test_a_caller_who_goes_away_holds_nothing(mesh, member, names):
    def broken_off():
        lines = [line for line in mesh.metrics().splitlines() if line.startswith("signet_envelope_streams_total")]
        ours = [line for line in lines if 'outcome="broken_off"' in line and 'operation="seal"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in ours)

    before = broken_off()
    request = stubs.envelope.SealStreamRequest
    head = stubs.envelope.SealStreamHead(
        content_type="text/plain", recipients=[names[0]], signing_key=names[1], purpose="store"
    )

    def endless():
        yield request(head=head)
        while True:
            yield request(plaintext=bytes(1 << 16))

    call = member.call("EnvelopeService", "SealStream", endless(), timeout=60)
    for _ in range(10):
        next(call)
    call.cancel()
    wait_until(lambda: broken_off() > before, "the stream that was broken off is counted")


def test_batches_over_rest(member, names):
    def letter(text, **changes):
        data = base64.b64encode(text).decode()
        return {
            "plaintext": data, "contentType": "text/plain", "recipients": [names[0]],
            "signingKey": names[1], "purpose": "message", **changes,
        }  # fmt: skip

    asked = [letter(b"one"), letter(b"x", purpose="nothing"), letter(b"x", recipients=["keys/absent"]), letter(b"two")]
    sealed = member.rest("POST", "/v1/envelopes:batchSeal", json={"requests": asked})["results"]
    reasons = [next((d["reason"] for d in r.get("error", {}).get("details", []) if "reason" in d), None) for r in sealed]
    assert reasons == [None, "INVALID_FIELD", "RESOURCE_NOT_FOUND", None]
    good = [result["envelope"] for result in sealed if "envelope" in result]
    forged = {**good[0], "content": good[1]["content"]}
    opened = member.rest("POST", "/v1/envelopes:batchOpen", json={"envelopes": [*good, forged, good[0]]})["results"]
    texts = [base64.b64decode(result["opened"]["plaintext"]) for result in opened[:2]]
    assert texts == [b"one", b"two"]
    for result in opened[2:]:
        assert result["error"]["code"] == 3, result
        assert [d["reason"] for d in result["error"]["details"] if "reason" in d] == ["ENVELOPE_REJECTED"]


class CommandLine:
    """`signet` as a person uses it, with a profile of its own."""

    def __init__(self, admin, folder):
        self.folder, self.edge = folder, admin.edge
        email, password = f"u{uuid.uuid4().hex}@demo.test", f"pw-{uuid.uuid4()}"
        user = stubs.auth.User(email=email, roles=["member"])
        admin.call("AuthService", "CreateUser", stubs.auth.CreateUserRequest(user=user, password=password))
        secret = folder / "password"
        secret.touch(0o600)
        secret.write_text(password)
        tenant = self.edge.tenant_names[admin.tenant]
        self.run("log-in", "--tenant", tenant, "--email", email, "--password-file", secret)
        self.run("keys", "register")
        names = json.loads((folder / "profile" / "profile.json").read_text())
        self.box = names["sealing_key"]

    def run(self, *arguments, stdin=None, code=0):
        """What it says: its output, or its complaint where that is expected."""
        place = ["--profile", self.folder / "profile", "--url", self.edge.https, "--ca", self.edge.ca]
        command = [binary("signet"), *map(str, [*arguments, *place])]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=300, cwd=self.folder)
        assert done.returncode == code, (arguments, done.stderr.decode())
        return done.stderr.decode() if code else done.stdout


def peak_of(*command):
    """The largest resident size that this command and nobody else has had, in bytes."""
    program = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *map(str, command)], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


@pytest.fixture(scope="module")
def cli(admin, tmp_path_factory):
    return CommandLine(admin, tmp_path_factory.mktemp("cli"))


def test_files_from_the_command_line(cli):
    text = os.urandom(300_000)
    plain, sealed, back = cli.folder / "plain", cli.folder / "sealed", cli.folder / "back"
    plain.write_bytes(text)
    cli.run("seal", "plain", "--stream", "--to", cli.box, "--purpose", "store", "--out", "sealed")
    assert sealed.stat().st_mode & 0o777 == 0o600
    cli.run("open", "sealed", "--out", "back")
    assert back.read_bytes() == text
    assert cli.run("open", "sealed", "--range", "65530..131080") == text[65_530:131_080]
    # Through the standard streams, in both directions.
    piped = cli.run("seal", "-", "--stream", "--to", cli.box, "--purpose", "store", stdin=text)
    assert cli.run("open", "-", stdin=piped) == text
    assert "needs a file" in cli.run("open", "-", "--range", "1..2", stdin=piped, code=1)
    assert "--purpose" in cli.run("seal", "plain", "--stream", "--to", cli.box, code=1)


def test_a_file_that_is_not_whole_leaves_nothing(cli):
    text = os.urandom(300_000)
    (cli.folder / "plain").write_bytes(text)
    cli.run("seal", "plain", "--stream", "--to", cli.box, "--purpose", "store", "--out", "sealed")
    file = (cli.folder / "sealed").read_bytes()
    changed = bytearray(file)
    changed[-100_000] ^= 1
    before = None
    for bad in (file[:-1], file[:-50_000], bytes(changed)):
        (cli.folder / "bad").write_bytes(bad)
        before = before or sorted(cli.folder.iterdir())
        assert "not genuine" in cli.run("open", "bad", "--out", "never", code=1)
        assert sorted(cli.folder.iterdir()) == before
    # A file is looked at from its end first: nothing of what was cut is shown.
    assert "not genuine" in cli.run("open", "bad", code=1)


def test_an_interrupt_leaves_nothing(cli):
    place = ["--profile", cli.folder / "profile", "--url", cli.edge.https, "--ca", cli.edge.ca]
    command = [binary("signet"), "seal", "-", "--stream", "--to", cli.box, "--purpose", "store", "--out", "never", *place]
    process = subprocess.Popen(map(str, command), stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cli.folder)
    process.stdin.write(bytes(1 << 20))
    process.stdin.flush()
    wait_until(lambda: [path for path in cli.folder.iterdir() if path.name.startswith(".never")], "it has begun")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    process.stdin.close()
    assert not [path for path in cli.folder.iterdir() if "never" in path.name]


def test_memory_does_not_follow_the_size(cli):
    place = ["--profile", cli.folder / "profile", "--url", cli.edge.https, "--ca", cli.edge.ca]
    peaks = {}
    for name, size in (("small", 1 << 20), ("large", 200 << 20)):
        with open(cli.folder / name, "wb") as file:
            file.truncate(size)
        out = cli.folder / f"{name}.sealed"
        seal = ["seal", cli.folder / name, "--stream", "--to", cli.box, "--purpose", "store", "--out", out]
        peaks["seal", name] = peak_of(binary("signet"), *seal, *place)
        back = cli.folder / f"{name}.back"
        peaks["open", name] = peak_of(binary("signet"), "open", out, "--out", back, *place)
        assert back.stat().st_size == size
        out.unlink(), back.unlink()
    for what in ("seal", "open"):
        assert peaks[what, "large"] - peaks[what, "small"] < 16 << 20, peaks


def test_the_mesh_opens_a_file_for_the_command_line(cli, member, names):
    text = os.urandom(12 << 20)
    (cli.folder / "kept").write_bytes(seal(member, names, pieces(text)))
    cli.run("open", "kept", "--by-mesh", "--out", "kept.back")
    assert (cli.folder / "kept.back").read_bytes() == text
    assert "ENVELOPE_REJECTED" in cli.run("open", "kept", "--by-mesh", "--out", "again", code=1)
    assert not (cli.folder / "again").exists()
