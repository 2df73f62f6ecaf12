"""A provider that is down, slow, talks nonsense, or breaks off."""

import json
import threading

import grpc
import openai
import pytest

from support import jose, provider
from support.client import refusal, refused_of

CHAT = {"model": "mock-model", "messages": [{"role": "user", "content": "I am Eleanor Hartmann."}]}
MARK = "secret-of-the-provider"


def _chat(sealer, **more):
    return sealer.client.raw("POST", "/v1/chat/completions", json={**CHAT, **more})


def _expect(response, status, reason):
    error = refused_of(response)
    assert (response.status_code, error.reason) == (status, reason), response.text
    assert MARK not in response.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_down(sealer, gate, stream):
    with gate.down():
        _expect(_chat(sealer, stream=stream), 503, "PROVIDER_UNAVAILABLE")
    assert _chat(sealer).status_code == 200, "up again, it is used again"


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [
        (provider.status(500), 503, "PROVIDER_UNAVAILABLE"),
        (provider.status(429), 429, "PROVIDER_RATE_LIMITED"),
        (provider.status(400), 400, "PROVIDER_REFUSED"),
        (provider.status(401), 503, "PROVIDER_DENIED"),
        (provider.saying("text/html", f"<html>{MARK}".encode()), 503, "PROVIDER_NONSENSE"),
        (provider.saying("application/json", f'["{MARK}"]'.encode()), 503, "PROVIDER_NONSENSE"),
        (provider.saying("application/json", b'{"choices":[{"message":{"content":"cut'), 503, "PROVIDER_NONSENSE"),
        (provider.saying("application/json", b"\xff\xfe"), 503, "PROVIDER_NONSENSE"),
    ],
)
def test_errors_and_nonsense(sealer, gate, behaviour, status, reason):
    with gate.behaving(behaviour):
        _expect(_chat(sealer), status, reason)
        with refusal() as caught:
            sealer.respond(sealer.seal(json.dumps(CHAT), media_type="application/json"))
    assert caught.value.reason == reason


def test_slow(sealer, gate):
    released = threading.Event()
    with gate.behaving(provider.silent(released)):
        request = sealer.request(sealer.seal(json.dumps(CHAT), media_type="application/json"))
        with pytest.raises(grpc.RpcError) as caught:
            sealer.client.call("ResponseService", "Respond", request, timeout=1.5)
        released.set()
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_stream_that_breaks_off_is_told_from_one_that_ends(sealer, gate):
    with gate.behaving(provider.cutting("Dear ")):
        with pytest.raises(openai.APIError):
            list(sealer.client.openai().chat.completions.create(**CHAT, stream=True))
        parts, error = [], None
        try:
            for part in sealer.stream(sealer.seal(json.dumps(CHAT), media_type="application/json")):
                parts.append(part)
        except grpc.RpcError as caught:
            error = caught
    assert error is not None and error.code() == grpc.StatusCode.UNAVAILABLE
    secret, claims, _ = sealer.open(parts[0].envelope, purpose="answer-stream")
    opener = jose.StreamOpener(secret, claims["jti"])
    for part in parts[1:]:
        opener.open(part.chunk)
    assert not opener.finished, "no last chunk: the client sees that something is missing"


def test_a_client_that_goes_away_ends_the_call_to_the_provider(sealer, gate):
    gone = threading.Event()

    def endless(handler, _):
        try:
            provider.slowly(["x"] * 400, 0.05)(handler, _)
        except OSError:
            gone.set()

    with gate.behaving(endless):
        call = sealer.stream(sealer.seal(json.dumps(CHAT), media_type="application/json"))
        next(iter(call))
        call.cancel()
        assert gone.wait(15), "the provider's answer is still read"


def test_usage_of_the_stream_is_passed_on(sealer, gate):
    options = {"stream_options": {"include_usage": True}}
    chunks = list(sealer.client.openai().chat.completions.create(**CHAT, stream=True, **options))
    assert any(chunk.usage for chunk in chunks)
