"""The mesh under test, in both its forms, and the clients that call it.

Every test that asks for `mesh` runs twice: against `signet dev`, and against six
processes with PostgreSQL, Valkey and Vault. Each form is started once.
"""

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.client import Sealer  # noqa: E402
from support.form import DevForm  # noqa: E402
from support.mesh import MeshForm  # noqa: E402
from support.process import binary  # noqa: E402
from support.provider import open_gate  # noqa: E402
from support.servers import Servers  # noqa: E402


@pytest.fixture(scope="session")
def jaeger():
    servers = Servers("jaeger")
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def make_gate():
    """Gates in front of one llmock; each mesh has its own."""
    servers, gates = Servers("provider"), []

    def make():
        gates.append(open_gate(servers["PROVIDER"]))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()
    servers.stop()


@pytest.fixture(scope="session", params=["dev", "mesh"])
def mesh(request, make_gate, jaeger):
    if request.param == "dev":
        form, servers = DevForm(make_gate(), jaeger), None
    else:
        servers = Servers("postgres", "valkey", "vault")
        form = MeshForm(make_gate(), servers, jaeger)
    try:
        form.start()
        yield form
    finally:
        form.stop()
        if servers:
            servers.stop()


@pytest.fixture(scope="session")
def admins(mesh):
    return mesh.log_in_admins()


@pytest.fixture(scope="session")
def admin(admins):
    return admins[0]


@pytest.fixture(scope="session")
def stranger(admins):
    """The administrator of another tenant."""
    return admins[1]


@pytest.fixture
def member(admin):
    return admin.create_user("member")


@pytest.fixture(scope="session")
def sealer(admin):
    """A member with keys of its own; the tests of one form share it."""
    return Sealer(admin.create_user("member"))


@pytest.fixture
def gate(mesh):
    mesh.gate.forget()
    return mesh.gate


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The canary last in each form: it reads what all the others have left behind."""
    items.sort(key=lambda item: "test_canary" in item.nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the ends of the logs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and "mesh" in getattr(item, "funcargs", {}):
        report.sections.append(("logs of the mesh", item.funcargs["mesh"].tails(12)))


@pytest.fixture
def signet(mesh, admin, tmp_path):
    """Runs the client as the administrator, or offline without a mesh."""

    def run(*arguments, online=False):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        if online:
            environment |= {"SIGNET_TOKEN": admin.token}
            arguments += ("--url", mesh.edge.https, "--ca", mesh.edge.ca)
        told = [binary("signet"), *map(str, arguments), "--profile", str(tmp_path / "profile")]
        return subprocess.run(told, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60)

    return run
