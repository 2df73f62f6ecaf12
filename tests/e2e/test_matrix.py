"""Who may call what, through the real edge: generated from the rules in proto/,
so that a new RPC is in here before anybody thinks of it."""

import grpc
import pytest
from google.api import annotations_pb2
from google.protobuf import message_factory

from support import stubs
from support.client import refusal, refused_of

PUBLIC = stubs.public_methods()
ROLES = ["admin", "member", "auditor", "restorer"]


def _id(value):
    return value.name if hasattr(value, "name") else None


@pytest.fixture(scope="module")
def users(admin):
    return {role: admin.create_user(role) for role in ROLES}


def call(client, method, request=b"", timeout=15):
    """Calls with these bytes; gives back the code's name, `OK` included."""
    channel = client.edge.channel
    duplex = method.client_streaming
    make = channel.stream_stream if duplex else channel.unary_stream if method.server_streaming else channel.unary_unary
    answer = message_factory.GetMessageClass(method.output_type)
    stub = make(stubs.path_of(method), request_serializer=bytes, response_deserializer=answer.FromString)
    try:
        response = stub(iter([request]) if duplex else request, metadata=client.metadata(), timeout=timeout)
        if method.server_streaming:
            for _ in response:
                pass
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


@pytest.mark.parametrize(("method", "rule"), PUBLIC, ids=_id)
def test_nobody_and_every_role(mesh, users, method, rule):
    anonymous = rule.principal == stubs.access.PRINCIPAL_ANONYMOUS
    nobody = call(next(iter(users.values())).edge.anonymous(), method)
    allowed = stubs.role_names(rule)
    assert anonymous != bool(allowed), "a rule names roles exactly when a user is needed"
    if anonymous:
        # LogIn refuses what is no log-in; it needs no token for that.
        assert nobody == ("INVALID_ARGUMENT" if method.name in ("LogIn", "GetTile") else "OK"), nobody
        return
    assert nobody == "UNAUTHENTICATED"
    for role, user in users.items():
        code = call(user, method)
        if role in allowed:
            assert code not in ("UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED", "UNKNOWN", "INTERNAL"), (role, code)
        else:
            assert code == "PERMISSION_DENIED", (role, code)


def bindings(method):
    """(verb, path, has a body) of the RPC's REST forms."""
    if method.client_streaming:
        return  # gRPC only
    http = method.GetOptions().Extensions[annotations_pb2.http]
    for rule in (http, *http.additional_bindings):
        verb = rule.WhichOneof("pattern")
        path = getattr(rule, verb)
        if "{" in path:
            before, rest = path.split("{", 1)
            inside, after = rest.split("}", 1)
            path = before + inside.split("=")[1].replace("**", "entries/000").replace("*", "x") + after
        yield verb.upper(), path, bool(rule.body)


@pytest.mark.parametrize(("method", "rule"), PUBLIC, ids=_id)
def test_rest_has_the_same_door(mesh, users, method, rule):
    forms = list(bindings(method))
    assert bool(forms) != method.client_streaming, "a public RPC has a REST form, a duplex stream none"
    for verb, path, has_body in forms:
        body = {"json": {}} if has_body else {}
        edge = users["admin"].edge
        response = edge.anonymous().raw(verb, path, **body)
        if rule.principal == stubs.access.PRINCIPAL_ANONYMOUS:
            assert response.status_code in (200, 400, 404), response.text
            continue
        assert (response.status_code, refused_of(response).code) == (401, "UNAUTHENTICATED"), path
        for role, user in users.items():
            status = user.raw(verb, path, **body).status_code
            if role in stubs.role_names(rule):
                assert status not in (401, 403, 500, 501), (role, path, status)
            else:
                assert status == 403, (role, path, status)


def test_what_is_between_services_is_not_for_the_edge(admin):
    internal = [m for m, rule in stubs.methods() if stubs.access.CALLER_EDGE not in rule.callers]
    assert len(internal) >= 5
    for method in internal:
        assert call(admin, method) in ("UNIMPLEMENTED", "NOT_FOUND", "PERMISSION_DENIED"), method.full_name


def test_reflection_and_health_are_not_for_the_world(admin):
    channel = admin.edge.channel
    for path in ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/envoy.service.auth.v3.Authorization/Check"):
        with refusal() as caught:
            channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)(
                b"", metadata=admin.metadata(), timeout=5
            )
        assert caught.value.code in ("UNIMPLEMENTED", "NOT_FOUND"), path
