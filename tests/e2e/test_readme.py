"""README's commands, as they are pasted: against a `signet dev` of its own data.

Two things are changed: the port, and where the openai SDK comes from (the tests'
environment has it already).
"""

import json
import os
import re
import subprocess
import sys

import pytest

from support.form import DevForm
from support.process import ROOT, binary

README = (ROOT / "README.md").read_text()


def blocks(heading):
    section = README.split(f"\n{heading}\n", 1)[1].split("\n##", 1)[0]
    found = re.findall(r"^```sh\n(.*?)^```", section, re.M | re.S)
    assert found, f"{heading} has no commands"
    return "\n".join(found)


@pytest.fixture(scope="module")
def dev(make_gate):
    form = DevForm(make_gate())
    try:
        yield form.start()
    finally:
        form.stop()


def paste(dev, commands, folder):
    """In a folder that looks like the checkout after `make run`."""
    if not (folder / ".signet").exists():
        (folder / ".signet").symlink_to(dev.data)
        (folder / "examples").symlink_to(ROOT / "examples")
    script = commands.replace(":8080", f":{dev.http_port}").replace(":8443", f":{dev.tls_port}")
    install = "python3 -m venv /tmp/try && /tmp/try/bin/pip -q install openai && /tmp/try/bin/python"
    script = script.replace(install, sys.executable)
    env = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{dev.tails()}"
    return done.stdout


def test_the_commands_work_as_pasted(dev, tmp_path):
    curl = blocks("### curl")
    said = paste(dev, curl, tmp_path)
    prompt = json.loads(re.search(r'\{"prompt":.*?\n?\}\}?(?=\{|\n|$)', said).group(0))["prompt"]
    assert prompt["revision"] == 1
    assert '"events"' in said and "signet.localhost/log\n" in said
    assert "UNAUTHENTICATED" not in said and '"error"' not in said

    said = paste(dev, f"{curl}\n{blocks('### The OpenAI SDK, unchanged')}", tmp_path)
    assert said.count("eleanor.vance@mail.example") >= 2, "the answer and the stream are restored"
    assert "EMAIL_ADDRESS" in said, "the receipt says what was replaced"


def test_detecting_without_a_mesh_works_as_pasted(tmp_path):
    made = tmp_path / re.search(r"exec (target/\S+/signet)", (ROOT / "Makefile").read_text()).group(1)
    made.parent.mkdir(parents=True)
    made.symlink_to(binary("signet"))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    script = blocks("## Find personal data without a mesh").replace("/tmp/", f"{tmp_path}/")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "PERSON" in done.stdout, done.stderr
    assert "<html" in (tmp_path / "report.html").read_text()


def test_the_make_targets_that_it_names_are_there():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z]+)", README))
    assert {"run", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.M), target
