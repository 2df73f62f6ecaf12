"""The model provider as the mesh meets it: llmock behind a gate.

llmock is an OpenAI-compatible server that other people wrote; the gate in front of
it keeps every byte that came, and behaves badly when told to. llmock is told to
answer each chat with the whole text of its last message: what was replaced on the
way there has to be restored on the way back.
"""

import contextlib
import http.server
import json
import socket
import threading
import time

import requests

from .process import free_ports, wait_until

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


class Gate:
    """Forwards to llmock, or does what `behave` says, for all requests to come."""

    def __init__(self, upstream):
        self.upstream = upstream.removesuffix("/v1")
        self.port = free_ports(1)[0]
        self.bodies, self.headers = [], []
        self._behaviour = None
        self._server = None
        # llmock's answers are queued: one chat at a time.
        self._one_chat = threading.Lock()
        self.open()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def open(self):
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def end_headers(self):
                # A kept connection would still be answered after `close`.
                self.send_header("connection", "close")
                super().end_headers()

            def do_GET(self):
                gate._answer(self)

            do_POST = do_GET

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                """A client that went away in the middle is part of the tests."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        """Nobody listens any more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextlib.contextmanager
    def behaving(self, behaviour):
        """`behaviour(handler, body)` answers instead of llmock."""
        self._behaviour = behaviour
        try:
            yield
        finally:
            self._behaviour = None

    @contextlib.contextmanager
    def down(self):
        self.close()
        try:
            yield
        finally:
            self.open()

    def forget(self):
        self.bodies.clear()
        self.headers.clear()
        requests.post(f"{self.upstream}/_llmock/reset", timeout=10).raise_for_status()

    def script(self, *behaviors):
        """What llmock answers next, in its own words."""
        told = {"behaviors": list(behaviors)}
        answer = requests.post(f"{self.upstream}/_llmock/scenario", json=told, timeout=10)
        assert answer.status_code == 201, answer.text

    def chats(self):
        """The chat requests that came, parsed."""
        return [json.loads(body) for path, body in self.bodies if path.endswith("/chat/completions")]

    def everything(self):
        """All bytes that came, in one."""
        return b"\n".join(body for _, body in self.bodies)

    def _answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        self.bodies.append((handler.path, body))
        self.headers.append(dict(handler.headers))
        if self._behaviour:
            return self._behaviour(handler, body)
        with self._one_chat:
            self._repeat_last_message(body)
            self._forward(handler, body)

    def _repeat_last_message(self, body):
        with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
            content = json.loads(body)["messages"][-1]["content"]
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content)
            self.script({"type": "reply", "text": content})

    def _forward(self, handler, body):
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in HOP_BY_HOP}
        with requests.request(
            handler.command, self.upstream + handler.path, data=body, headers=headers, stream=True, timeout=60
        ) as answer:
            handler.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP | {"date", "server"}:
                    handler.send_header(name, value)
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for piece in answer.raw.stream(4096, decode_content=False):
                send_chunk(handler, piece)
            send_chunk(handler, b"")


def send_chunk(handler, piece):
    handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    handler.wfile.flush()


def status(code):
    """An error as OpenAI would send it."""

    def behave(handler, _):
        text = json.dumps({"error": {"message": "no", "type": "server_error"}}).encode()
        reply(handler, code, "application/json", text)

    return behave


def saying(kind, text):
    """This body, whatever was asked."""
    return lambda handler, _: reply(handler, 200, kind, text)


def silent(released):
    """Says nothing until `released`, an Event, is set."""

    def behave(handler, _):
        released.wait(60)
        handler.close_connection = True

    return behave


def cutting(text):
    """Begins a stream and breaks the connection off."""

    def behave(handler, _):
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}],
        }
        send_chunk(handler, f"data: {json.dumps(chunk)}\n\n".encode())
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    return behave


def slowly(pieces, pause, started=None):
    """A stream with pauses between its pieces."""

    def behave(handler, _):
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for piece in [*pieces, None]:
            delta = {"content": piece} if piece is not None else {}
            choice = {"index": 0, "delta": delta, "finish_reason": None if piece is not None else "stop"}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
            send_chunk(handler, f"data: {json.dumps(chunk)}\n\n".encode())
            if started:
                started.set()
            time.sleep(pause)
        send_chunk(handler, b"data: [DONE]\n\n")
        send_chunk(handler, b"")

    return behave


def reply(handler, code, kind, text):
    handler.send_response(code)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text)


def open_gate(upstream):
    gate = Gate(upstream)
    answers = lambda: requests.get(f"{gate.base_url}/models", timeout=5).ok  # noqa: E731
    wait_until(answers, "the provider's gate answers", within=10)
    gate.forget()
    return gate
