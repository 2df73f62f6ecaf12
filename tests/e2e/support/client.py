"""Clients of the edge: REST, gRPC, and what a user of it does."""

import contextlib
import functools
import json
import uuid

import grpc
import openai
import requests
from google.protobuf import json_format
from google.rpc import error_details_pb2  # noqa: F401  (its types are in the details)
from grpc_status import rpc_status

from . import jose, stubs

TIMEOUT = 30


class Refused(Exception):
    """An error, the same over REST and gRPC."""

    def __init__(self, code, message, details, request_id, http=None):
        super().__init__(f"{http or ''} {code} {message} {details}")
        self.code, self.message, self.details = code, message, details
        self.request_id, self.http = request_id, http

    @property
    def reason(self):
        return next((d["reason"] for d in self.details if d["@type"].endswith("ErrorInfo")), None)

    @property
    def fields(self):
        found = []
        for detail in self.details:
            if detail["@type"].endswith("BadRequest"):
                found += [violation["field"] for violation in detail["fieldViolations"]]
        return found


def refused_of(response):
    """The body of a REST error; fails when it has not the one shape there is."""
    body = response.json()
    assert set(body) == {"error"}, body
    error = body["error"]
    assert set(error) == {"code", "message", "details", "timestamp", "requestId"}, error
    assert isinstance(error["code"], str) and error["message"], error
    return Refused(error["code"], error["message"], error["details"], error["requestId"], response.status_code)


def refused_of_grpc(error):
    status = rpc_status.from_call(error)
    details = []
    for packed in status.details if status else []:
        as_json = json_format.MessageToDict(packed)
        details.append(as_json)
    request_id = next((d.get("requestId", "") for d in details if d["@type"].endswith("RequestInfo")), "")
    return Refused(error.code().name, error.details(), details, request_id)


@contextlib.contextmanager
def refusal():
    """Expects one, of either kind; its `value` is a Refused."""

    class Caught:
        value = None

    caught = Caught()
    try:
        yield caught
    except grpc.RpcError as error:
        caught.value = refused_of_grpc(error)
    except Refused as error:
        caught.value = error
    assert caught.value is not None, "it was not refused"


class Edge:
    """Where the edge is."""

    def __init__(self, http_port, tls_port, ca):
        self.http = f"http://127.0.0.1:{http_port}"
        self.https = f"https://localhost:{tls_port}"
        self.tls = f"localhost:{tls_port}"
        self.ca = str(ca)
        self.session = requests.Session()

    @functools.cached_property
    def channel(self):
        with open(self.ca, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        return grpc.secure_channel(self.tls, credentials, [("grpc.max_receive_message_length", 32 << 20)])

    def anonymous(self):
        return Client(self, None)

    def log_in(self, credentials):
        told = {name: credentials[name] for name in ("tenant", "email", "password")}
        answer = self.anonymous().rest("POST", "/v1/auth:logIn", json=told)
        return Client(self, answer["accessToken"])


class Client:
    """Calls with one credential, or none."""

    def __init__(self, edge, token):
        self.edge, self.token = edge, token

    def metadata(self):
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def raw(self, method, path, headers=None, **more):
        headers = {**dict(self.metadata()), **(headers or {})}
        more.setdefault("timeout", TIMEOUT)
        return self.edge.session.request(method, self.edge.http + path, headers=headers, **more)

    def rest(self, method, path, **more):
        """The JSON of the answer; an error is a `Refused`."""
        response = self.raw(method, path, **more)
        if response.status_code >= 400:
            raise refused_of(response)
        return response.json()

    def call(self, service, method, request, timeout=TIMEOUT, metadata=()):
        stub = stubs.stub(service, self.edge.channel)
        return getattr(stub, method)(request, timeout=timeout, metadata=[*self.metadata(), *metadata])

    def openai(self, **more):
        more.setdefault("max_retries", 0)
        return openai.OpenAI(base_url=f"{self.edge.http}/v1", api_key=self.token, timeout=TIMEOUT, **more)

    @functools.cached_property
    def me(self):
        return self.call("AuthService", "WhoAmI", stubs.auth.WhoAmIRequest())

    @property
    def tenant(self):
        return self.me.tenant

    def create_user(self, *roles):
        """A new user of the same tenant, logged in."""
        email, password = f"u{uuid.uuid4().hex}@demo.test", f"pw-{uuid.uuid4()}"
        user = stubs.auth.User(email=email, roles=roles)
        request = stubs.auth.CreateUserRequest(user=user, password=password)
        self.call("AuthService", "CreateUser", request)
        told = {"tenant": self.edge.tenant_names[self.tenant], "email": email, "password": password}
        return self.edge.log_in(told)

    def public_jwk(self, name):
        answer = self.call("KeyService", "GetKey", stubs.key.GetKeyRequest(name=name))
        version = next(v for v in answer.key.versions if v.version == answer.key.primary_version)
        return json.loads(version.public_jwk)


class Sealer:
    """A client with keys of its own: seals, signs, verifies and opens by itself."""

    def __init__(self, client, sign=None, seal=None):
        self.client = client
        self.sign = sign or jose.ed25519()
        self.box = seal or jose.x25519()
        self.sign_name = self._register(self.sign, stubs.key.KEY_PURPOSE_SIGN)
        self.box_name = self._register(self.box, stubs.key.KEY_PURPOSE_SEAL)
        self.service_seal = client.public_jwk("keys/response-seal")
        self.service_sign = client.public_jwk("keys/response-sign")

    def _register(self, key, purpose):
        request = stubs.key.RegisterPublicKeyRequest(
            key_id=f"k-{uuid.uuid4().hex[:24]}", purpose=purpose, public_jwk=json.dumps(jose.public(key))
        )
        if purpose == stubs.key.KEY_PURPOSE_SIGN:
            request.proof = jose.proof(key, self.client.me.user)
        else:
            begin = stubs.key.BeginKeyRegistrationRequest(public_jwk=request.public_jwk)
            challenge = self.client.call("KeyService", "BeginKeyRegistration", begin).challenge
            request.proof = jose.answer(key, challenge, self.client.me.user)
        return self.client.call("KeyService", "RegisterPublicKey", request).key.name

    def seal(self, text, **changes):
        data = text if isinstance(text, bytes) else text.encode()
        terms = {"tenant": self.client.tenant, "sender": self.sign, "recipients": [self.service_seal], **changes}
        manifest, content = jose.seal(data, **terms)
        return stubs.envelope.Envelope(manifest=manifest, content=content)

    def request(self, envelope, kind=None, **more):
        kind = kind or stubs.response.RespondRequest
        return kind(envelope=envelope, recipients=[self.box_name], request_id=str(uuid.uuid4()), **more)

    def respond(self, envelope, **more):
        return self.client.call("ResponseService", "Respond", self.request(envelope, **more)).envelope

    def stream(self, envelope, timeout=30, **more):
        request = self.request(envelope, stubs.response.StreamRespondRequest, **more)
        return self.client.call("ResponseService", "StreamRespond", request, timeout=timeout)

    def open(self, envelope, purpose="answer"):
        plaintext, claims, protected = jose.open_envelope(
            envelope, recipient=self.box, sender=self.service_sign, purpose=purpose, tenant=self.client.tenant
        )
        return plaintext, claims, protected
