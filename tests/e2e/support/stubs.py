"""Python's side of proto/: messages and stubs, generated at the first import."""

import atexit
import importlib
import pathlib
import shutil
import sys
import tempfile

import grpc_tools
from google.protobuf import descriptor_pool
from grpc_tools import protoc

from .process import ROOT

_PROTO = ROOT / "proto"
_SIGNET = sorted((_PROTO / "signet").rglob("*.proto"))


def _generate():
    # Kept until the process ends; google.* comes from googleapis-common-protos.
    out = tempfile.mkdtemp(prefix="signet-stubs-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    names = [str(path.relative_to(_PROTO)) for path in _SIGNET]
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    arguments = [f"-I{_PROTO}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}", *names]
    assert protoc.main(["protoc", *arguments]) == 0, "protoc failed"
    sys.path.insert(0, out)
    return pathlib.Path(out)


GENERATED = _generate()


def _module(name, kind="pb2"):
    return importlib.import_module(f"signet.{name}_{kind}")


anonymizer = _module("anonymizer.v1.anonymizer")
audit = _module("audit.v1.audit")
auth = _module("auth.v1.auth")
common = _module("common.v1.common")
data_key = _module("envelope.v1.data_key")
envelope = _module("envelope.v1.envelope")
kek = _module("envelope.v1.kek")
key = _module("envelope.v1.key")
policy = _module("anonymizer.v1.policy")
recognizer = _module("anonymizer.v1.recognizer")
vault = _module("anonymizer.v1.vault")
access = _module("options.v1.access")
response = _module("response.v1.response")
storage = _module("storage.v1.prompt")

_STUBS = {
    "AnonymizerService": _module("anonymizer.v1.anonymizer", "pb2_grpc"),
    "PresidioService": _module("anonymizer.v1.presidio", "pb2_grpc"),
    "PolicyService": _module("anonymizer.v1.policy", "pb2_grpc"),
    "InfoTypeService": _module("anonymizer.v1.info_type", "pb2_grpc"),
    "RecognizerService": _module("anonymizer.v1.recognizer", "pb2_grpc"),
    "VaultService": _module("anonymizer.v1.vault", "pb2_grpc"),
    "EventService": _module("audit.v1.audit", "pb2_grpc"),
    "LogService": _module("audit.v1.audit", "pb2_grpc"),
    "AuthService": _module("auth.v1.auth", "pb2_grpc"),
    "TokenKeyService": _module("auth.v1.auth", "pb2_grpc"),
    "EnvelopeService": _module("envelope.v1.envelope", "pb2_grpc"),
    "CertificateService": _module("envelope.v1.certificate", "pb2_grpc"),
    "KekService": _module("envelope.v1.kek", "pb2_grpc"),
    "KeyService": _module("envelope.v1.key", "pb2_grpc"),
    "OpenAiService": _module("response.v1.response", "pb2_grpc"),
    "ResponseService": _module("response.v1.response", "pb2_grpc"),
    "PromptService": _module("storage.v1.prompt", "pb2_grpc"),
}


def stub(service, channel):
    return getattr(_STUBS[service], f"{service}Stub")(channel)


def methods():
    """Every RPC of Signet with its rule: (descriptor of the method, Access)."""
    pool = descriptor_pool.Default()
    found = []
    for path in _SIGNET:
        file = pool.FindFileByName(str(path.relative_to(_PROTO)))
        for service in file.services_by_name.values():
            for method in service.methods:
                found.append((method, method.GetOptions().Extensions[access.access]))
    assert found, "no RPCs found"
    return found


def public_methods():
    """Those that the edge may call."""
    return [(m, rule) for m, rule in methods() if access.CALLER_EDGE in rule.callers]


def path_of(method):
    return f"/{method.containing_service.full_name}/{method.name}"


def role_names(rule):
    """`admin`, `member`, `auditor`: as WhoAmI says them."""
    return {access.Role.Name(role).removeprefix("ROLE_").lower() for role in rule.roles}
