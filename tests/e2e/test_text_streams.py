"""Texts of any size through the real edge, and many small ones in one call."""

import itertools

import grpc
import pytest

from support import stubs
from support.client import refused_of_grpc
from support.texts import LETTER, SECRETS_OF_LETTER, assert_nothing_of

Detect, Anonymize, Restore = (
    stubs.anonymizer.DetectStreamRequest,
    stubs.anonymizer.AnonymizeStreamRequest,
    stubs.anonymizer.RestoreStreamRequest,
)


def pieces(text, size):
    data = text.encode()
    return (data[at : at + size] for at in range(0, len(data), size))


def detect(client, text, size, **options):
    head = stubs.anonymizer.DetectStreamHead(options=stubs.anonymizer.DetectionOptions(**options))
    parts = itertools.chain([Detect(head=head)], (Detect(text=piece) for piece in pieces(text, size)))
    findings, searched = [], 0
    for answer in client.call("AnonymizerService", "DetectStream", parts, timeout=120):
        assert answer.searched > searched
        searched = answer.searched
        findings.extend(answer.findings)
    return findings, searched


def anonymize(client, text, size, **head):
    head = stubs.anonymizer.AnonymizeStreamHead(**head)
    parts = itertools.chain([Anonymize(head=head)], (Anonymize(text=piece) for piece in pieces(text, size)))
    new, end = [], None
    for answer in client.call("AnonymizerService", "AnonymizeStream", parts, timeout=120):
        assert end is None, "nothing comes after the end"
        if answer.WhichOneof("part") == "end":
            end = answer.end
        else:
            new.append(answer.piece.text)
    return "".join(new), end


def restore(client, text, mapping, size):
    head = stubs.anonymizer.RestoreStreamHead(mapping=mapping)
    parts = itertools.chain([Restore(head=head)], (Restore(text=piece) for piece in pieces(text, size)))
    return "".join(answer.text for answer in client.call("AnonymizerService", "RestoreStream", parts, timeout=120))


@pytest.fixture(scope="module")
def long():
    """2 MB, twice what a single call takes, with letters far apart."""
    filler = "Nothing of note was said in the meeting, and nobody wrote it down.\n" * 2_000
    return "".join(f"{LETTER}\nReply to user{number}@example.net — grüße.\n{filler}" for number in range(15))


def test_a_long_text_goes_round(sealer, long):
    new, end = anonymize(sealer.client, long, 300_001, operator="OPERATOR_PLACEHOLDER")
    assert len(long) > 2_000_000 and end is not None and end.mapping
    assert_nothing_of(SECRETS_OF_LETTER, new, "the anonymized text")
    assert "@example.net" not in new
    assert restore(sealer.client, new, end.mapping, 77_777) == long


def test_tokens_need_no_mapping(sealer, stranger, long):
    new, end = anonymize(sealer.client, long, 1 << 20, operator="OPERATOR_ENCRYPT")
    assert not end.mapping and "[enc1:" in new
    assert restore(sealer.client, new, b"", 50_000) == long
    assert restore(stranger, new, b"", 50_000) == new


def test_offsets_count_from_the_start_of_the_stream(sealer, long):
    unit = "OFFSET_UNIT_CODE_POINTS"
    findings, searched = detect(sealer.client, long, 123_457, types=["EMAIL_ADDRESS"], offset_unit=unit)
    assert searched == len(long)
    found = {long[finding.start : finding.end] for finding in findings}
    assert {f"user{number}@example.net" for number in range(15)} <= found
    again, _ = detect(sealer.client, long, 1 << 20, types=["EMAIL_ADDRESS"], offset_unit=unit)
    assert again == findings


def test_what_is_wrong_is_named(sealer, stranger):
    def refused(method, parts):
        with pytest.raises(grpc.RpcError) as caught:
            list(sealer.client.call("AnonymizerService", method, iter(parts), timeout=30))
        return refused_of_grpc(caught.value)

    head = stubs.anonymizer.AnonymizeStreamHead
    for method, parts, field in [
        ("DetectStream", [Detect(text=b"x")], "head"),
        ("AnonymizeStream", [], "head"),
        ("AnonymizeStream", [Anonymize(head=head()), Anonymize(head=head())], "text"),
        ("AnonymizeStream", [Anonymize(head=head()), Anonymize(text=b"\xff")], "text"),
        ("AnonymizeStream", [Anonymize(head=head()), Anonymize(text=b"\xc3")], "text"),
        ("AnonymizeStream", [Anonymize(head=head(policy="policies/none-such"))], "policy"),
        ("AnonymizeStream", [Anonymize(head=head(operator=8))], "policy"),
        ("DetectStream", [Detect(head=stubs.anonymizer.DetectStreamHead(options={"explain": True}))], "options.explain"),
    ]:
        error = refused(method, parts)
        assert error.fields == [field], (method, field, error)
    error = refused("RestoreStream", [Restore(head=stubs.anonymizer.RestoreStreamHead(mapping=b"\x02" * 40))])
    assert error.reason == "MAPPING_INVALID", error


def test_many_texts_in_one_call(sealer):
    texts = ["Write to anna.weber@example.org.", "", "anna.weber@example.org and 4111 1111 1111 1111"]
    found = sealer.client.rest("POST", "/v1/text:batchDetect", json={"texts": texts})["results"]
    assert [len(one["findings"]) for one in found] == [1, 0, 2]
    done = sealer.client.rest("POST", "/v1/text:batchAnonymize", json={"texts": texts})["results"]
    done = [one["anonymized"] for one in done]
    first = done[0]["text"].split()[2].rstrip(".")
    assert first.startswith("<EMAIL_ADDRESS_") and done[2]["text"].startswith(first)
    requests = [{"text": one["text"], "mapping": one["mapping"]} for one in (done[0], done[2])]
    requests.append({"mapping": "AQ=="})
    back = sealer.client.rest("POST", "/v1/text:batchRestore", json={"requests": requests})["results"]
    assert [one["restored"]["text"] for one in back[:2]] == [texts[0], texts[2]]
    assert back[2]["error"]["code"] == 3


def test_a_misspelled_text_is_missing(sealer):
    for method in ("detect", "anonymize", "restore"):
        with pytest.raises(Exception) as caught:
            sealer.client.rest("POST", f"/v1/text:{method}", json={"txt": "Anna Weber"})
        assert caught.value.http == 400 and caught.value.fields == ["text"], (method, caught.value)
    assert sealer.client.rest("POST", "/v1/text:detect", json={"text": ""}) == {"findings": []}
