"""Bad input: one shape of error that names the field, and nothing stored, sent
or leaked."""

import json
import time
import uuid

import grpc
import pytest
import requests
from google.protobuf import empty_pb2
from jwcrypto import jwk, jwt

from support import jose, stubs
from support.client import Client, Refused, Sealer, refusal, refused_of, refused_of_grpc

MARK = "Mrs-Vance-of-Rosenweg-8a"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/prompts", b"{", None),
        ("/v1/prompts", b'{"prompt":' + b"[" * 5000, None),
        ("/v1/prompts", json.dumps({"prompt": {"text": {"a": MARK}}}).encode(), "prompt"),
        ("/v1/prompts", json.dumps({"prompt": {"revision": MARK, "text": "x"}}).encode(), "prompt.revision"),
        ("/v1/text:detect", json.dumps({"text": "x", "options": {"minScore": MARK}}).encode(), "options.min"),
        ("/v1/prompts", json.dumps({"prompt": {"text": ""}}).encode(), "prompt.text"),
        ("/v1/prompts", json.dumps({"prompt": {"text": "x"}, "requestId": MARK}).encode(), "request_id"),
        ("/v1/auth:logIn", b"[]", None),
        ("/v1/keys:register", json.dumps({"purpose": "KEY_PURPOSE_SEAL", "publicJwk": MARK}).encode(), "public_jwk"),
        ("/v1/responses", json.dumps({"recipients": []}).encode(), ""),
        ("/v1/text:restore", json.dumps({"text": "x", "mapping": "%%%"}).encode(), "mapping"),
    ],
)
def test_malformed_and_wrong_types_over_rest(sealer, path, body, field):
    response = sealer.client.raw("POST", path, data=body, headers={"content-type": "application/json"})
    error = refused_of(response)
    assert (response.status_code, error.code) == (400, "INVALID_ARGUMENT"), response.text
    assert error.reason, error
    assert error.request_id == response.headers["x-request-id"]
    assert MARK not in response.text
    if field:
        assert any(named.startswith(field) for named in error.fields), error


def test_bytes_that_are_no_message(sealer):
    raw = sealer.client.edge.channel.unary_unary(
        "/signet.storage.v1.PromptService/CreatePrompt",
        request_serializer=lambda data: data,
        response_deserializer=empty_pb2.Empty.FromString,
    )
    with refusal() as caught:
        raw(b"\x0a\xff" + MARK.encode(), metadata=sealer.client.metadata(), timeout=10)
    assert (caught.value.code, caught.value.reason) == ("INVALID_ARGUMENT", "MESSAGE_MALFORMED")
    assert MARK not in str(caught.value)


def test_a_body_too_large(sealer):
    # Whether it is JSON or not.
    for body in (json.dumps({"prompt": {"text": "x" * 10_000_000}}).encode(), b"x" * 10_000_000):
        response = sealer.client.raw("POST", "/v1/prompts", data=body, headers={"content-type": "application/json"})
        error = refused_of(response)
        assert (response.status_code, error.code, error.reason) == (413, "RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")
    # Allowed by the edge, not by the field.
    with refusal() as caught:
        sealer.client.rest("POST", "/v1/prompts", json={"prompt": {"text": "x" * (1 << 20) + "x"}})
    assert caught.value.http == 400 and caught.value.fields == ["prompt.text"], caught.value


def test_paths_and_methods_that_are_not_there(admin):
    for method, path in (("GET", "/v1/nothing"), ("PUT", "/v1/prompts"), ("POST", "/signet.audit.v1.IngestService/RecordEvents")):
        response = admin.raw(method, path)
        assert response.status_code in (404, 415), (path, response.status_code, response.text)
        if response.status_code == 404:
            assert refused_of(response).code == "NOT_FOUND"
    with refusal() as caught:
        admin.edge.channel.unary_unary(
            "/signet.audit.v1.IngestService/RecordEvents",
            request_serializer=lambda data: data,
            response_deserializer=lambda data: data,
        )(b"", metadata=admin.metadata(), timeout=10)
    assert caught.value.code in ("UNIMPLEMENTED", "NOT_FOUND", "PERMISSION_DENIED")


def test_unknown_query_parameters(admin):
    error = refused_of(admin.raw("GET", "/v1/events?pagesize=3"))
    assert (error.http, error.code) == (400, "INVALID_ARGUMENT")


def test_another_tenants_things_are_as_good_as_absent(sealer, stranger):
    owner = sealer.client
    prompt = owner.rest("POST", "/v1/prompts", json={"prompt": {"text": "ours"}})["prompt"]["name"]
    api_key = owner.rest("POST", "/v1/apiKeys", json={"apiKey": {"displayName": "ours"}})["apiKey"]["name"]
    absent = str(uuid.uuid4())
    for method, theirs, missing, body in [
        ("GET", f"/v1/{prompt}", f"/v1/prompts/{absent}", None),
        ("GET", f"/v1/{prompt}/revisions", f"/v1/prompts/{absent}/revisions", None),
        ("PATCH", f"/v1/{prompt}", f"/v1/prompts/{absent}", {"prompt": {"text": "mine now"}}),
        ("DELETE", f"/v1/{prompt}", f"/v1/prompts/{absent}", None),
        ("POST", f"/v1/{api_key}:revoke", f"/v1/apiKeys/{absent}:revoke", {}),
        ("GET", f"/v1/{sealer.sign_name}", f"/v1/keys/k-{absent}", None),
        ("POST", f"/v1/{sealer.sign_name}:disable", f"/v1/keys/k-{absent}:disable", {}),
        ("POST", f"/v1/{sealer.sign_name}:rotate", f"/v1/keys/k-{absent}:rotate", {}),
    ]:
        answers = [stranger.raw(method, path, json=body) for path in (theirs, missing)]
        seen = [_comparable(refused_of(answer)) for answer in answers]
        assert seen[0] == seen[1], (method, theirs, seen)
        assert answers[0].status_code == 404, (method, theirs, answers[0].text)
    assert owner.rest("GET", f"/v1/{prompt}")["prompt"]["text"] == "ours"


def _comparable(error):
    details = [detail for detail in error.details if not detail["@type"].endswith("RequestInfo")]
    return error.http, error.code, error.message, json.dumps(details, sort_keys=True)


def test_another_tenants_envelope_is_rejected(sealer, stranger, gate):
    envelope = sealer.seal("hello")
    foreign = Sealer(stranger)
    with refusal() as caught:
        foreign.respond(envelope)
    assert caught.value.reason == "ENVELOPE_REJECTED"
    # With a claim of the other tenant, which its sender is not in.
    with refusal() as caught:
        foreign.respond(sealer.seal("hello", tenant=stranger.tenant, recipients=[foreign.service_seal]))
    assert caught.value.reason == "ENVELOPE_REJECTED"
    assert gate.bodies == []


def _forged(client, **changes):
    """A token like ours, signed by somebody else."""
    key = jwk.JWK.generate(kty="OKP", crv="Ed25519")
    header, claims, _ = client.token.split(".")
    header = json.loads(jose.unb64(header))
    claims = {**json.loads(jose.unb64(claims)), **changes}
    token = jwt.JWT(header={**header, "alg": "EdDSA"}, claims=claims)
    token.make_signed_token(key)
    return token.serialize()


def _unsigned(client):
    claims = client.token.split(".")[1]
    return f"{jose.b64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{claims}."


def _hmac_with_the_public_key(client):
    """HS256 with the published key as the secret: the classic confusion."""
    keys = client.raw("GET", "/.well-known/jwks.json").json()["keys"]
    header, claims, _ = client.token.split(".")
    kid = json.loads(jose.unb64(header)).get("kid")
    secret = jose.unb64(next(key for key in keys if key["kid"] == kid)["x"])
    token = jwt.JWT(header={"alg": "HS256", "kid": kid}, claims=json.loads(jose.unb64(claims)))
    token.make_signed_token(jwk.JWK(kty="oct", k=jose.b64(secret)))
    return token.serialize()


CREDENTIALS = {
    "nonsense": lambda client: "x.y.z",
    "empty": lambda client: "",
    "foreign key": _forged,
    "another user": lambda client: _forged(client, sub=str(uuid.uuid4())),
    "unsigned": _unsigned,
    "alg confusion": _hmac_with_the_public_key,
    "cut": lambda client: client.token[:-4],
    "no such API key": lambda client: "sgnt_" + "a" * 43,
}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_that_prove_nothing(sealer, kind):
    token = CREDENTIALS[kind](sealer.client)
    headers = {"authorization": f"Bearer {token}"}
    response = requests.get(sealer.client.edge.http + "/v1/prompts", headers=headers, timeout=10)
    error = refused_of(response)
    assert (response.status_code, error.code) == (401, "UNAUTHENTICATED"), response.text
    assert error.reason in ("CREDENTIAL_INVALID", "CREDENTIAL_MISSING"), error
    assert not token or token not in response.text
    with refusal() as caught:
        Client(sealer.client.edge, token or " ").call("PromptService", "ListPrompts", stubs.storage.ListPromptsRequest())
    assert caught.value.code == "UNAUTHENTICATED"


def test_an_expired_and_a_revoked_api_key(member):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    made = member.rest("POST", "/v1/apiKeys", json={"apiKey": {"displayName": "short", "expireTime": soon}})
    short = Client(member.edge, made["secret"])
    lasting = member.rest("POST", "/v1/apiKeys", json={"apiKey": {"displayName": "lasting"}})
    used = Client(member.edge, lasting["secret"])
    assert used.rest("GET", "/v1/auth/me")["apiKey"] == lasting["apiKey"]["name"]
    member.rest("POST", f"/v1/{lasting['apiKey']['name']}:revoke", json={})
    for client in (used, short):
        deadline = time.monotonic() + 65
        while client.raw("GET", "/v1/auth/me").status_code == 200:
            assert time.monotonic() < deadline, "the key is taken for longer than a minute"
            time.sleep(0.2)
        error = refused_of(client.raw("GET", "/v1/auth/me"))
        assert (error.code, error.reason) == ("UNAUTHENTICATED", "CREDENTIAL_INVALID")


def test_wrong_tenant_user_and_password_are_one_error(mesh, admin):
    right = mesh.admins[0]
    seen = set()
    for wrong in ("tenant", "email", "password"):
        told = {**{name: right[name] for name in ("tenant", "email", "password")}, wrong: "nobody@demo.test"}
        if wrong == "tenant":
            told["tenant"] = "nobody"
        response = admin.edge.anonymous().raw("POST", "/v1/auth:logIn", json=told)
        seen.add(_comparable(refused_of(response)))
    assert len(seen) == 1 and next(iter(seen))[:2] == (401, "UNAUTHENTICATED"), seen


def test_what_clients_say_about_themselves_is_not_believed(admin, member):
    """Headers of the mesh from outside: gone, whatever they say."""
    token = admin.token
    for headers in (
        {"x-signet-token": token},
        {"x-signet-user": "users/x", "x-signet-tenant": "tenants/x"},
        {"x-forwarded-client-cert": "URI=spiffe://signet.dev/response"},
        {"x-envoy-original-path": "/v1/auth:logIn"},
    ):
        response = requests.get(admin.edge.http + "/v1/users", headers=headers, timeout=10)
        assert response.status_code in (401, 404, 405), (headers, response.status_code)
        response = requests.get(admin.edge.http + "/v1/prompts", headers=headers, timeout=10)
        assert response.status_code == 401, (headers, response.text)
        assert member.raw("GET", "/v1/events", headers=headers).status_code == 403


def test_errors_have_their_details_over_grpc_too(member):
    with refusal() as caught:
        member.call("PromptService", "GetPrompt", stubs.storage.GetPromptRequest(name="prompts/nonsense"))
    over_grpc = caught.value
    over_rest = refused_of(member.raw("GET", "/v1/prompts/nonsense"))
    assert over_grpc.code == over_rest.code == "INVALID_ARGUMENT"
    assert over_grpc.reason == over_rest.reason and over_grpc.fields == over_rest.fields == ["name"]
    assert over_grpc.message == over_rest.message
    assert uuid.UUID(over_grpc.request_id) and uuid.UUID(over_rest.request_id)
    info = next(detail for detail in over_grpc.details if detail["@type"].endswith("ErrorInfo"))
    assert info["domain"] == "signet.dev"


def test_too_little_time_is_refused(member):
    try:
        member.call("PromptService", "ListPrompts", stubs.storage.ListPromptsRequest(), timeout=0.02)
    except grpc.RpcError as error:
        assert refused_of_grpc(error).code == "DEADLINE_EXCEEDED"
    else:
        raise Refused("OK", "20 ms are not too little here", [], "")
