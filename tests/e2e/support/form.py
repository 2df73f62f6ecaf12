"""What the dev form and the mesh form have in common, and the dev form."""

import json
import os
import pathlib
import secrets
import shutil
import tempfile

import requests

from .client import Edge
from .process import VENV, Process, binary, free_ports, tail, wait_until

SERVICES = ["auth", "envelope", "storage", "anonymizer", "response", "audit"]
READY_WITHIN = 60


class Form:
    """A running mesh: its edge, its provider's gate, its logs, files and metrics."""

    name = ""

    def __init__(self, gate, jaeger=None):
        self.gate, self.jaeger = gate, jaeger
        # Unix sockets have short paths, so not below pytest's own folder.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=f"signet-{self.name}-"))
        self.http_port, self.tls_port = free_ports(2)
        self.admins = []

    def connect(self, ca):
        self.edge = Edge(self.http_port, self.tls_port, ca)
        self.edge.tenant_names = {}
        # Envoy hears of a service's health a moment after the service knows.
        for path in ("/.well-known/jwks.json", "/log/vkey"):
            answers = lambda: self.edge.anonymous().raw("GET", path).status_code == 200  # noqa: B023, E731
            wait_until(answers, f"{path} is answered through the edge", log=self.tails)

    def log_in_admins(self):
        """An administrator of each of two tenants."""
        clients = []
        for credentials in self.admins:
            client = self.edge.log_in(credentials)
            self.edge.tenant_names[client.tenant] = credentials["tenant"]
            clients.append(client)
        return clients

    def second_tenant(self, database):
        """auth makes the tenant that its configuration names on a start that finds
        none: an instance of it starts beside the one that serves, and ends."""
        folder = self.root / "second-tenant"
        folder.mkdir(mode=0o700)
        told = {"tenant": "other", "email": "admin@other.test", "password": secrets.token_hex(16)}
        password = folder / "password"
        write_private(password, told["password"] + "\n")
        config = folder / "auth.toml"
        write_private(
            config,
            f"""
            server.listen = "{folder}/a.sock"
            server.peers = "{folder}/a.out.sock"
            server.linger = "0s"
            {database}
            [service.bootstrap]
            tenant = "{told["tenant"]}"
            email = "{told["email"]}"
            password_file = "{password}"
            """,
        )
        process = Process([binary("signet-auth"), "--config", config], folder / "log")
        made = lambda: "first administrator created" in process.log_path.read_text()  # noqa: E731
        wait_until(made, "the second tenant is made", log=process.tail)
        process.kill()
        self.admins.append(told)

    def metrics(self):
        return "\n".join(requests.get(url, timeout=10).text for url in self.metrics_urls())

    def tails(self, lines=30):
        return "\n".join(tail(path, lines) for path in self.log_files())

    def remove(self):
        if not os.environ.get("SIGNET_KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


class DevForm(Form):
    """`signet dev`: one process, one Envoy, one directory."""

    name = "dev"

    def __init__(self, gate, jaeger=None):
        super().__init__(gate, jaeger)
        self.data = self.root / "data"
        self.metrics_port = free_ports(1)[0]
        self.process = None

    def start(self):
        command = [binary("signet"), "dev", "--data", self.data, "--http", self.http_port, "--tls", self.tls_port]
        command += ["--metrics", f"127.0.0.1:{self.metrics_port}"]
        if self.jaeger:
            command += ["--otlp", self.jaeger["JAEGER_OTLP"].removeprefix("http://")]
        env = {
            "OPENAI_BASE_URL": self.gate.base_url,
            "OPENAI_API_KEY": "sk-of-the-provider",
            "SIGNET_KEK_SETTLE": "2",
            "PATH": f"{VENV}/bin:{os.environ['PATH']}",
        }
        first = not self.data.exists()
        self.process = Process(command, self.root / "terminal.log", env=env, cwd=self.root)
        self.wait_ready()
        self.connect(self.data / "certificates" / "ca.crt")
        if first:
            self.admins = [json.loads((self.data / "admin.json").read_text())]
            self.second_tenant(f'database.url = "sqlite://{self.data}/auth/data.db"')
        return self

    def wait_ready(self):
        def ready():
            assert self.process.running, f"signet dev ended\n{self.tails()}"
            return b"is ready" in self.process.log_path.read_bytes()[self._said :]

        self._said = getattr(self, "_said", 0)
        wait_until(ready, "signet dev is ready", within=READY_WITHIN, log=self.tails)
        self._said = len(self.process.log_path.read_bytes())

    def log_files(self):
        return [self.process.log_path, self.data / "signet.log", self.data / "access.log"]

    def stored(self):
        return [self.data]

    def metrics_urls(self):
        return [f"http://127.0.0.1:{self.metrics_port}/metrics"]

    def stop(self):
        if self.process:
            self.process.stop()
        self.remove()
