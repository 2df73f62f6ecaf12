"""The servers that are not ours, started by `signet-testkit`."""

import json
import subprocess
import sys

from .process import binary

# Says what it was told through its environment, and lives as long as its input.
ANNOUNCE = """
import json, os, sys
print(json.dumps({k: v for k, v in os.environ.items() if k.startswith("SIGNET_TEST_")}), flush=True)
sys.stdin.read()
"""


class Servers:
    """PostgreSQL, Valkey, Vault, Jaeger, the model provider: as named."""

    def __init__(self, *names, env=None):
        command = [binary("signet-testkit"), "with", ",".join(names), "--"]
        self._child = subprocess.Popen(
            [*command, sys.executable, "-c", ANNOUNCE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            start_new_session=True,
        )
        line = self._child.stdout.readline()
        assert line, f"signet-testkit could not start {names}"
        self._told = json.loads(line)

    def __getitem__(self, name):
        return self._told[f"SIGNET_TEST_{name}"]

    def stop(self):
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(30)
