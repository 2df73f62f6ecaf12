"""The unchanged `openai` SDK, against llmock as the provider."""

import json

import openai
import pytest

from support import provider
from support.client import Client, refused_of
from support.texts import LETTER, SECRETS_OF_LETTER, assert_nothing_of

MODEL = "mock-model"
TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Books a follow-up visit.",
        "parameters": {
            "type": "object",
            "properties": {"email": {"type": "string"}, "day": {"type": "string"}},
            "required": ["email"],
        },
    },
}


@pytest.fixture
def sdk(sealer, gate):
    """With an API key, as SDKs have them."""
    key = sealer.client.rest("POST", "/v1/apiKeys", json={"apiKey": {"displayName": "sdk"}})
    return Client(sealer.client.edge, key["secret"]).openai()


def test_an_answer_is_restored(sdk, gate):
    answer = sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": LETTER}])
    assert LETTER in answer.choices[0].message.content
    assert answer.model_extra["signet"]["replaced"]
    assert_nothing_of(SECRETS_OF_LETTER, gate.everything(), "what the provider received")
    # Our credential is not the provider's.
    assert [h["authorization"] for h in gate.headers] == ["Bearer sk-of-the-provider"]


def test_a_stream_is_restored(sdk, gate):
    chat = {"model": MODEL, "messages": [{"role": "user", "content": LETTER}]}
    chunks = list(sdk.chat.completions.create(**chat, stream=True))
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert LETTER in said and len(chunks) > 3
    assert_nothing_of(SECRETS_OF_LETTER, gate.everything(), "what the provider received")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools_are_called_with_the_originals(sdk, gate, stream):
    email = "eleanor.hartmann57@mail.example"
    messages = [
        {"role": "system", "content": "You book visits for patients of Dr. Yasemin Aydin."},
        {"role": "user", "content": f"Book a visit on 22 April 2024 for {email}."},
    ]
    history = [
        *messages,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "book", "arguments": json.dumps({"email": email, "day": "22 April 2024"})},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"booked_for": email})},
    ]
    arguments = {}

    def calls_the_tool(handler, body):
        """Answers with a tool call that has the placeholder it was sent."""
        request = json.loads(body)
        call = request["messages"][-2]["tool_calls"][0]["function"]
        arguments["sent"] = call["arguments"]
        called = {"id": "call_2", "type": "function", "function": {"name": "book", "arguments": call["arguments"]}}
        if not request.get("stream"):
            message = {"role": "assistant", "content": None, "tool_calls": [called]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            whole = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            return provider.reply(handler, 200, "application/json", json.dumps(whole).encode())
        # The arguments in pieces of three letters: every placeholder is cut.
        text = call["arguments"]
        pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
        deltas = [{"role": "assistant", "tool_calls": [{**called, "index": 0, "function": {"name": "book", "arguments": ""}}]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
        events = [_event(delta, None) for delta in deltas] + [_event({}, "tool_calls"), "data: [DONE]\n\n"]
        return provider.reply(handler, 200, "text/event-stream", "".join(events).encode())

    with gate.behaving(calls_the_tool):
        more = {"model": MODEL, "messages": history, "tools": [TOOL]}
        if stream:
            chunks = list(sdk.chat.completions.create(**more, stream=True))
            deltas = [c.delta for chunk in chunks for c in chunk.choices if c.delta.tool_calls]
            said = "".join(d.tool_calls[0].function.arguments or "" for d in deltas)
        else:
            call = sdk.chat.completions.create(**more).choices[0].message.tool_calls[0]
            said = call.function.arguments
    assert_nothing_of([email], arguments["sent"], "the tool's arguments at the provider")
    assert_nothing_of([email, "Yasemin Aydin", "22 April 2024"], gate.everything(), "what the provider received")
    assert json.loads(said) == {"email": email, "day": "22 April 2024"}


def _event(delta, finish):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


def test_models_are_listed(sdk):
    assert "echo" in {model.id for model in sdk.models.list()}


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        ({"patient": "Eleanor Hartmann"}, "patient"),
        ({"messages": [{"role": "user", "content": "x", "note": "Eleanor Hartmann"}]}, "messages[0].note"),
        ({"messages": [{"role": "user", "content": [{"type": "video", "video": "x"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
        ({"messages": "Eleanor"}, "messages"),
        ({"temperature": "hot"}, "temperature"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_understood_is_not_sent(sealer, gate, extra, path):
    chat = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}], **extra}
    response = sealer.client.raw("POST", "/v1/chat/completions", json=chat)
    error = refused_of(response)
    assert (response.status_code, error.code) == (400, "INVALID_ARGUMENT"), error
    assert any(field.startswith(path) for field in error.fields), error
    assert "Eleanor" not in response.text
    assert gate.bodies == []


def test_a_model_that_nobody_has(sealer):
    sdk = sealer.client.openai()
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat.completions.create(model="", messages=[{"role": "user", "content": "x"}])
    assert caught.value.status_code in (400, 404)
