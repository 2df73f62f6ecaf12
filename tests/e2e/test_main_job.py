"""The main job, end to end: a client with keys of its own, over gRPC; stored
prompts sealed by their id; and REST."""

import json
import uuid

import pytest
from cryptography.exceptions import InvalidTag

from support import jose, stubs
from support.client import Sealer
from support.texts import (
    LETTER,
    SECRETS_OF_LETTER,
    SECRETS_OF_THREAD,
    THREAD,
    assert_nothing_of,
)

MODEL = "mock-model"


def chat(text, **more):
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}], **more})


@pytest.mark.parametrize(
    ("text", "secrets"), [(LETTER, SECRETS_OF_LETTER), (THREAD, SECRETS_OF_THREAD)], ids=["letter", "thread"]
)
def test_a_sealed_prompt_comes_back_sealed_and_restored(sealer, gate, text, secrets):
    envelope = sealer.seal(chat(text), media_type="application/json")
    assert_nothing_of(secrets, envelope.SerializeToString(), "the envelope")
    answer = sealer.respond(envelope)

    assert len(gate.chats()) == 1
    assert_nothing_of(secrets, gate.everything(), "what the provider received")
    assert_nothing_of(secrets, answer.SerializeToString(), "the answer's envelope")

    plaintext, claims, protected = sealer.open(answer)
    assert protected["cty"] == "application/json"
    assert claims["re"] == jose.verify(envelope.manifest, jose.public(sealer.sign))["jti"]
    completion = json.loads(plaintext)
    # llmock repeats what it was sent, so all that was replaced came back restored.
    assert text in completion["choices"][0]["message"]["content"]
    receipt = completion["signet"]
    assert sum(receipt["replaced"].values()) >= len(secrets)
    assert receipt["model"] == MODEL and "sent" not in receipt


@pytest.mark.parametrize("alg", ["ec", "rsa"])
def test_every_suite_makes_the_round(sealer, gate, alg):
    if alg == "rsa":
        keys = {"sign": jose.rsa("PS256", "sig", 3072), "seal": jose.rsa("RSA-OAEP-256", "enc", 3072)}
    else:
        keys = {}
    one = Sealer(sealer.client, **keys)
    completion = json.loads(one.open(one.respond(one.seal("My card is 4111 1111 1111 1111.")))[0])
    assert "4111 1111 1111 1111" in completion["choices"][0]["message"]["content"]


def test_a_streamed_answer_is_sealed_in_chunks(sealer, gate):
    envelope = sealer.seal(chat(LETTER), media_type="application/json")
    parts = list(sealer.stream(envelope))
    assert parts[0].WhichOneof("part") == "envelope"
    assert all(part.WhichOneof("part") == "chunk" for part in parts[1:])
    assert len(parts) > 4, "an answer of this length comes in pieces"

    secret, claims, protected = sealer.open(parts[0].envelope, purpose="answer-stream")
    assert protected["typ"] == jose.STREAM and len(secret) == 32
    opener = jose.StreamOpener(secret, claims["jti"])
    plaintexts = [opener.open(part.chunk) for part in parts[1:]]
    assert opener.finished and plaintexts.pop() == b""
    chunks = [json.loads(plaintext) for plaintext in plaintexts]
    said = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert LETTER in said
    assert chunks[-1]["signet"]["model"] == MODEL
    assert gate.chats()[0]["stream"] is True
    assert_nothing_of(SECRETS_OF_LETTER, gate.everything(), "what the provider received")
    assert_nothing_of(SECRETS_OF_LETTER, b"".join(p.SerializeToString() for p in parts), "the stream")


def test_chunks_cannot_be_reordered_or_left_out(sealer, gate):
    parts = list(sealer.stream(sealer.seal(chat("a b c d e f g h i j k l m n"), media_type="application/json")))
    secret, claims, _ = sealer.open(parts[0].envelope, purpose="answer-stream")
    opener = jose.StreamOpener(secret, claims["jti"])
    with pytest.raises(InvalidTag):
        opener.open(parts[2].chunk)
    # The last chunk, said to be one in the middle.
    forged = b"\0" + parts[-1].chunk[1:]
    opener = jose.StreamOpener(secret, claims["jti"])
    for part in parts[1:-1]:
        opener.open(part.chunk)
    with pytest.raises(InvalidTag):
        opener.open(forged)


def test_what_was_sent_is_shown_when_asked_for(sealer, gate):
    answer = sealer.respond(sealer.seal(chat(LETTER), media_type="application/json"), include_sent=True)
    sent = json.loads(sealer.open(answer)[0])["signet"]["sent"]
    assert sent == gate.chats()[0]


def test_placeholders_are_stable_within_a_conversation_only(sealer, stranger, gate):
    text = "Write to eleanor.hartmann57@mail.example please."
    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    for conversation in (one, one, other):
        sealer.respond(sealer.seal(chat(text), media_type="application/json"), conversation=conversation)
    foreign = Sealer(stranger)
    foreign.respond(foreign.seal(chat(text), media_type="application/json"), conversation=one)
    first, second, third, elsewhere = (one["messages"][-1]["content"] for one in gate.chats())
    assert first == second
    assert len({first, third, elsewhere}) == 3


def test_a_stored_prompt_is_sealed_by_its_id(admin, sealer, gate):
    client = sealer.client
    create = stubs.storage.CreatePromptRequest(
        prompt=stubs.storage.Prompt(display_name="letter", text=LETTER), request_id=str(uuid.uuid4())
    )
    prompt = client.call("PromptService", "CreatePrompt", create).prompt
    assert (prompt.revision, prompt.text, prompt.size_bytes) == (1, "", len(LETTER.encode()))
    again = client.call("PromptService", "CreatePrompt", create).prompt
    assert again.name == prompt.name, "a retry creates nothing"

    key = stubs.key.CreateKeyRequest(
        key_id=f"sender-{uuid.uuid4().hex[:12]}",
        purpose=stubs.key.KEY_PURPOSE_SIGN,
        algorithm=stubs.key.KEY_ALGORITHM_EDDSA_ED25519,
    )
    signing = admin.call("KeyService", "CreateKey", key).key
    sealed = client.call(
        "PromptService",
        "SealPrompt",
        stubs.storage.SealPromptRequest(
            name=prompt.name, recipients=["keys/response-seal"], signing_key=signing.name, purpose="respond"
        ),
    ).envelope
    completion = json.loads(sealer.open(sealer.respond(sealed))[0])
    assert LETTER in completion["choices"][0]["message"]["content"]
    assert_nothing_of(SECRETS_OF_LETTER, gate.everything(), "what the provider received")


def test_the_service_seals_opens_and_verifies_for_those_who_keep_no_keys(admin):
    def create(purpose, algorithm):
        request = stubs.key.CreateKeyRequest(purpose=purpose, algorithm=algorithm)
        return admin.call("KeyService", "CreateKey", request).key.name

    sender = create(stubs.key.KEY_PURPOSE_SIGN, stubs.key.KEY_ALGORITHM_EDDSA_ED25519)
    box = create(stubs.key.KEY_PURPOSE_SEAL, stubs.key.KEY_ALGORITHM_ECDH_ES_A256KW_P256)
    seal = stubs.envelope.SealRequest(
        plaintext=LETTER.encode(), content_type="text/plain", recipients=[box], signing_key=sender, purpose="message"
    )
    envelope = admin.call("EnvelopeService", "Seal", seal).envelope
    assert_nothing_of(SECRETS_OF_LETTER, envelope.SerializeToString(), "the envelope")
    manifest = admin.call("EnvelopeService", "Verify", stubs.envelope.VerifyRequest(envelope=envelope)).manifest
    assert (manifest.sender, list(manifest.recipients), manifest.purpose) == (sender, [box], "message")
    opened = admin.call("EnvelopeService", "Open", stubs.envelope.OpenRequest(envelope=envelope))
    assert opened.plaintext.decode() == LETTER


def test_prompts_live_and_end_over_rest(sealer):
    client = sealer.client
    body = {"prompt": {"displayName": "thread", "text": THREAD, "labels": [{"key": "k", "value": "v"}]}}
    created = client.rest("POST", "/v1/prompts", json=body)["prompt"]
    path = f"/v1/{created['name']}"
    assert client.rest("GET", path)["prompt"]["text"] == THREAD
    listed = client.rest("GET", "/v1/prompts?pageSize=1")["prompts"]
    assert [p["name"] for p in listed] == [created["name"]] and not listed[0].get("text")

    changed = {"prompt": {"text": "second", "etag": created["etag"]}}
    updated = client.rest("PATCH", path, json=changed)["prompt"]
    assert (updated["revision"], updated["etag"] != created["etag"]) == (2, True)
    assert client.rest("GET", f"{path}?revision=1")["prompt"]["text"] == THREAD
    revisions = client.rest("GET", f"{path}/revisions")["revisions"]
    assert [one["revision"] for one in revisions] == [2, 1]
    assert client.rest("DELETE", path)["dataKeysDestroyed"] == 2
    assert client.raw("GET", path).status_code == 404


def test_texts_are_anonymized_and_restored_over_rest(sealer):
    client = sealer.client
    found = client.rest("POST", "/v1/text:detect", json={"text": LETTER})["findings"]
    raw = LETTER.encode()
    texts = {raw[int(f["start"]) : int(f["end"])].decode() for f in found}
    assert "eleanor.hartmann57@mail.example" in texts
    done = client.rest("POST", "/v1/text:anonymize", json={"text": LETTER, "operator": "OPERATOR_PLACEHOLDER"})
    assert_nothing_of(SECRETS_OF_LETTER, done["text"], "the anonymized text")
    back = client.rest("POST", "/v1/text:restore", json={"text": done["text"], "mapping": done["mapping"]})
    assert back["text"] == LETTER
    assert client.rest("GET", "/v1/recognizers")["recognizers"]
