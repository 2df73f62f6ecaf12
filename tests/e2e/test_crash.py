"""`kill -9` under load, and SIGTERM: nothing acknowledged is lost, nothing in
flight is cut off. On a `signet dev` of its own."""

import json
import os
import signal
import threading

import pytest
import requests

from support import provider, tlog
from support.client import Refused
from support.form import DevForm
from support.process import Process, binary, wait_until


@pytest.fixture(scope="module")
def dev(make_gate):
    form = DevForm(make_gate())
    try:
        yield form.start()
    finally:
        form.stop()


class Load:
    """Writes until it is told to stop, and remembers what was acknowledged."""

    def __init__(self, client, workers=4):
        self.client, self.acknowledged, self.stopping = client, [], threading.Event()
        self.threads = [threading.Thread(target=self._work, args=[n], daemon=True) for n in range(workers)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(40)

    def _work(self, worker):
        session = requests.Session()
        for number in range(100_000):
            if self.stopping.is_set():
                return
            text = f"prompt {number} of worker {worker}"
            try:
                answer = session.post(
                    f"{self.client.edge.http}/v1/prompts",
                    json={"prompt": {"text": text}},
                    headers=dict(self.client.metadata()),
                    timeout=10,
                )
            except requests.RequestException:
                return
            if answer.status_code == 200:
                self.acknowledged.append((answer.json()["prompt"]["name"], text))


def checkpoint(dev):
    get = lambda path: requests.get(f"{dev.edge.http}/log/{path}", timeout=10)  # noqa: E731
    key = tlog.VerifierKey(get("vkey").text)
    size, root = key.open(get("checkpoint").text)

    def tile(path):
        answer = get(f"tile/{path}")
        assert answer.status_code in (200, 404), answer.text
        return answer.content if answer.ok else None

    entries = tlog.read_entries(tile, size)
    assert tlog.tree_hash(entries) == root
    return size, entries


def ports_are_free(dev):
    try:
        requests.get(f"{dev.edge.http}/healthz", timeout=1)
    except requests.ConnectionError:
        return True
    except requests.RequestException:
        pass
    return False


def all_events(admin):
    events, token = [], ""
    while True:
        page = admin.rest("GET", "/v1/events", params={"pageSize": 1000, "pageToken": token})
        events += page["events"]
        token = page["nextPageToken"]
        if not token:
            return events


@pytest.mark.parametrize("round", [1, 2])
def test_kill_9_loses_nothing_acknowledged(dev, round):
    admin, _ = dev.log_in_admins()
    key = tlog.VerifierKey(requests.get(f"{dev.edge.http}/log/vkey", timeout=10).text)
    with Load(admin) as load:
        wait_until(lambda: len(load.acknowledged) >= 40, "forty prompts are stored", log=dev.tails)
        size_before, entries_before = checkpoint(dev)
        more = len(load.acknowledged) + 20
        wait_until(lambda: len(load.acknowledged) >= more, "twenty more are stored", log=dev.tails)
        # The process alone, not its group: that Envoy ends with it is ours to see to.
        os.kill(dev.process.child.pid, signal.SIGKILL)
        dev.process.child.wait()
    wait_until(lambda: ports_are_free(dev), "Envoy has ended with its parent", within=15)
    dev.start()
    admin, _ = dev.log_in_admins()

    assert len(load.acknowledged) >= 60
    for name, text in load.acknowledged:
        assert admin.rest("GET", f"/v1/{name}")["prompt"]["text"] == text
    wanted = {name for name, _ in load.acknowledged}

    def delivered():
        types = "dev.signet.storage.prompt.created"
        known = {one["event"]["subject"] for one in all_events(admin) if one["event"]["type"] == types}
        return wanted <= known

    wait_until(delivered, "the events of all acknowledged prompts", within=30, every=0.5, log=dev.tails)
    ids = [one["event"]["id"] for one in all_events(admin)]
    assert len(ids) == len(set(ids)), "an event was delivered twice"

    def integrated():
        size, entries = checkpoint(dev)
        return size >= len(ids) and entries

    entries = wait_until(integrated, "all events are under the checkpoint", every=0.5)
    assert entries[:size_before] == entries_before, "the log of before is the beginning of the log of now"
    assert key.key == tlog.VerifierKey(requests.get(f"{dev.edge.http}/log/vkey", timeout=10).text).key


def test_sigterm_lets_a_stream_end(dev):
    admin, _ = dev.log_in_admins()
    pieces = [f"word{number} " for number in range(30)]
    started = threading.Event()
    chat = {"model": "m", "messages": [{"role": "user", "content": "go on"}], "stream": True}
    with dev.gate.behaving(provider.slowly(pieces, 0.1, started)):
        with admin.raw("POST", "/v1/chat/completions", json=chat, stream=True) as answer:
            assert answer.status_code == 200
            lines = answer.iter_lines()
            first = next(lines)
            assert started.wait(5)
            dev.process.terminate()
            rest = [line for line in lines if line.startswith(b"data: ")]
    assert rest[-1] == b"data: [DONE]", rest[-3:]
    chunks = [json.loads(line[6:]) for line in [first, *rest[:-1]]]
    said = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert said == "".join(pieces)
    assert dev.process.child.wait(20) == 0, dev.tails()
    dev.start()


def test_a_second_start_is_fast_and_a_second_instance_is_refused(dev):
    command = [binary("signet"), "dev", "--data", dev.data, "--http", dev.http_port + 1, "--tls", dev.tls_port + 1]
    second = Process(command, dev.root / "second.log")
    assert second.child.wait(10) != 0
    assert "in use" in second.tail()
    assert requests.get(f"{dev.edge.http}/healthz", timeout=5).text == "ok\n"


def test_a_write_that_was_not_acknowledged_may_be_repeated(dev):
    """The same request_id on both sides of a crash: one prompt."""
    admin, _ = dev.log_in_admins()
    body = {"prompt": {"text": "once"}, "requestId": "018f0000-0000-7000-8000-000000000001"}
    first = admin.rest("POST", "/v1/prompts", json=body)["prompt"]["name"]
    os.kill(dev.process.child.pid, signal.SIGKILL)
    dev.process.child.wait()
    wait_until(lambda: ports_are_free(dev), "Envoy has ended with its parent", within=15)
    dev.start()
    admin, _ = dev.log_in_admins()
    assert admin.rest("POST", "/v1/prompts", json=body)["prompt"]["name"] == first
    try:
        admin.rest("POST", "/v1/prompts", json={**body, "prompt": {"text": "twice"}})
    except Refused as refused:
        assert refused.code in ("ALREADY_EXISTS", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "ABORTED")
    else:
        raise AssertionError("one request_id, two different requests")
