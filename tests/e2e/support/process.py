"""Processes with a log each, found ports, and waiting with a deadline."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
VENV = ROOT / ".venv"


def binary(name):
    path = TARGET / name
    assert path.is_file(), f"{path} is missing: run `cargo build --workspace --bins`"
    return str(path)


def free_ports(count):
    """Ports that are free now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def wait_until(condition, what, within=30.0, every=0.05, log=None):
    """The first true value of `condition`; fails with `what` and the log's tail."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            tail = f"\n{log()}" if log else ""
            raise AssertionError(f"not within {within} s: {what}{tail}")
        time.sleep(every)


def tail(path, lines=30):
    path = pathlib.Path(path)
    if not path.exists():
        return f"--- {path} does not exist"
    last = path.read_text(errors="replace").splitlines()[-lines:]
    return f"--- the end of {path}\n" + "\n".join(last)


class Process:
    """A program in a process group of its own, with its output in a file."""

    def __init__(self, arguments, log, env=None, cwd=None, stdin=None):
        self.log_path = pathlib.Path(log)
        self._log = open(log, "ab")
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdout=self._log,
            stderr=self._log,
            stdin=stdin or subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )

    @property
    def running(self):
        return self.child.poll() is None

    def tail(self, lines=30):
        return tail(self.log_path, lines)

    def kill(self):
        """As a crash would: nothing is told to anybody."""
        self._send(signal.SIGKILL)
        self.child.wait()
        self._log.close()

    def terminate(self):
        self._send(signal.SIGTERM, group=False)

    def stop(self, within=20.0):
        """Asks it to end, and ends it when it does not. Gives back its status."""
        if self.running:
            self.terminate()
            try:
                self.child.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()
        return self.child.returncode

    def _send(self, number, group=True):
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.child.pid, number)
            else:
                os.kill(self.child.pid, number)
