"""One request is one tree in Jaeger, with Envoy's spans in it."""

import json
import os
import uuid

import requests

from support import stubs
from support.process import wait_until
from support.texts import LETTER, SECRETS_OF_LETTER, assert_nothing_of

# Whose spans have to be there when a prompt goes all the way round.
ENVOYS = {"edge", "response-sidecar", "envelope-sidecar", "anonymizer-sidecar", "auth-sidecar"}
SERVICES = {"auth", "envelope", "anonymizer", "response"}


class Tree:
    def __init__(self, trace):
        self.spans = {span["spanID"]: span for span in trace["spans"]}
        self.processes = {id: process["serviceName"] for id, process in trace["processes"].items()}

    def services(self):
        return {self.service(span) for span in self.spans.values()}

    def service(self, span):
        return self.processes[span["processID"]]

    def parent(self, span):
        return next((r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"), None)

    def tag(self, span, name):
        return next((tag["value"] for tag in span["tags"] if tag["key"] == name), None)

    def depth_first(self, span_id):
        yield self.spans[span_id]
        for child, span in self.spans.items():
            if self.parent(span) == span_id:
                yield from self.depth_first(child)


def fetch(jaeger, trace_id):
    answer = requests.get(f"{jaeger['JAEGER_QUERY']}/api/traces/{trace_id}", timeout=10)
    return answer.json()["data"][0] if answer.status_code == 200 else None


def test_one_request_is_one_tree(sealer, gate, jaeger):
    trace_id, ours = os.urandom(16).hex(), os.urandom(8).hex()
    chat = {"model": "mock-model", "messages": [{"role": "user", "content": LETTER}]}
    request = stubs.response.RespondRequest(
        envelope=sealer.seal(json.dumps(chat), media_type="application/json"),
        recipients=[sealer.box_name],
        request_id=str(uuid.uuid4()),
    )
    sealer.client.call("ResponseService", "Respond", request, metadata=[("traceparent", f"00-{trace_id}-{ours}-01")])

    def complete():
        trace = fetch(jaeger, trace_id)
        if not trace:
            return None
        tree = Tree(trace)
        known = set(tree.spans) | {ours}
        whole = all(tree.parent(span) in known for span in tree.spans.values())
        return whole and tree.services() >= ENVOYS | SERVICES and tree

    seen = lambda: str(sorted(Tree(fetch(jaeger, trace_id) or {"spans": [], "processes": {}}).services()))  # noqa: E731
    tree = wait_until(complete, "one whole tree", within=30, every=0.5, log=seen)

    roots = [span for span in tree.spans.values() if tree.parent(span) == ours]
    assert [tree.service(span) for span in roots] == ["edge"]
    reached = {span["spanID"] for span in tree.depth_first(roots[0]["spanID"])}
    assert reached == set(tree.spans), "every span hangs on the edge's"
    spans = tree.spans.values()
    kinds = {(tree.service(s), tree.tag(s, "span.kind")) for s in spans}
    assert ("response", "server") in kinds and ("response", "client") in kinds
    assert any(tree.tag(s, "gen_ai.operation.name") for s in spans), "the provider's call is a span"
    assert any(tree.tag(s, "db.system.name") or tree.tag(s, "db.system") for s in spans), "the database's calls are spans"
    assert_nothing_of([*SECRETS_OF_LETTER, sealer.client.token], json.dumps(fetch(jaeger, trace_id)), "the trace")


def test_a_failed_request_says_so_in_its_trace(sealer, jaeger):
    trace_id, ours = os.urandom(16).hex(), os.urandom(8).hex()
    headers = {"traceparent": f"00-{trace_id}-{ours}-01"}
    absent = uuid.uuid4()
    assert sealer.client.raw("GET", f"/v1/prompts/{absent}", headers=headers).status_code in (400, 404)

    def arrived():
        trace = fetch(jaeger, trace_id)
        return trace and "storage" in Tree(trace).services() and Tree(trace)

    tree = wait_until(arrived, "the trace", every=0.5)
    (server,) = [s for s in tree.spans.values() if tree.service(s) == "storage" and tree.tag(s, "span.kind") == "server"]
    assert str(tree.tag(server, "rpc.grpc.status_code") or tree.tag(server, "rpc.response.status_code")) not in ("0", "None")
