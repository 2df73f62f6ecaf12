"""Callers of Presidio: its own types read our answers, its own engine is the
oracle of ours, and its decryption undoes our encryption."""

import pytest
from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import OperatorConfig, OperatorResult, RecognizerResult

from support.client import refused_of

TEXT = "Grüße 👋 to Anna Weber (anna.weber@example.org), card 4111 1111 1111 1111."
KEY = "WmZq4t7w!z%C&F)J"


def analyze(client, **request):
    response = client.raw("POST", "/analyze", json={"language": "en", **request})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def anonymize(client, results, anonymizers=None, text=TEXT):
    told = {"text": text, "analyzer_results": results, "anonymizers": anonymizers}
    response = client.raw("POST", "/anonymize", json=told)
    assert response.status_code == 200, response.text
    return response.json()


def test_presidios_types_read_what_was_found(member):
    found = analyze(member, text=TEXT, score_threshold=0.5)
    results = [RecognizerResult.from_json(one) for one in found]
    spans = {result.entity_type: TEXT[result.start : result.end] for result in results}
    assert spans["PERSON"] == "Anna Weber", "code points, as Python counts"
    assert spans["EMAIL_ADDRESS"] == "anna.weber@example.org"
    assert spans["CREDIT_CARD"] == "4111 1111 1111 1111"
    assert all(one["analysis_explanation"] is None for one in found)
    ours = anonymize(member, found)
    theirs = AnonymizerEngine().anonymize(TEXT, results)
    assert ours["text"] == theirs.text
    assert [OperatorResult.from_json(one) for one in ours["items"]] == theirs.items


@pytest.mark.parametrize(
    "operators",
    [
        {},
        {"DEFAULT": {"type": "replace", "new_value": "ANONYMIZED"}},
        {"DEFAULT": {"type": "redact"}, "PERSON": {"type": "keep"}},
        {"CREDIT_CARD": {"type": "mask", "masking_char": "*", "chars_to_mask": 12, "from_end": False}},
        {"CREDIT_CARD": {"type": "mask", "masking_char": "#", "chars_to_mask": 4, "from_end": True}},
        {"PERSON": {"type": "hash", "hash_type": "sha256", "salt": "0123456789abcdef"}},
        {"PERSON": {"type": "hash", "hash_type": "sha512", "salt": "0123456789abcdef"}},
    ],
)
def test_operators_do_what_presidios_do(member, operators):
    found = analyze(member, text=TEXT)
    ours = anonymize(member, found, operators)
    configs = {
        entity: OperatorConfig(told["type"], {name: value for name, value in told.items() if name != "type"})
        for entity, told in operators.items()
    }
    theirs = AnonymizerEngine().anonymize(TEXT, [RecognizerResult.from_json(one) for one in found], configs)
    assert ours["text"] == theirs.text
    assert [OperatorResult.from_json(one) for one in ours["items"]] == theirs.items


def test_presidio_decrypts_what_was_encrypted(member):
    found = analyze(member, text=TEXT)
    done = anonymize(member, found, {"DEFAULT": {"type": "encrypt", "key": KEY}})
    assert "Anna" not in done["text"]
    entities = [OperatorResult.from_json(one) for one in done["items"]]
    config = {"DEFAULT": OperatorConfig("decrypt", {"key": KEY})}
    assert DeanonymizeEngine().deanonymize(done["text"], entities, config).text == TEXT
    unsalted = [anonymize(member, found, {"DEFAULT": {"type": "hash"}})["text"] for _ in range(2)]
    assert unsalted[0] != unsalted[1], "a salt for each value"


def test_options_of_the_analyzer(member):
    def types(**request):
        return {one["entity_type"] for one in analyze(member, text=TEXT, **request)}

    assert types(entities=["CREDIT_CARD"]) == {"CREDIT_CARD"}
    assert "EMAIL_ADDRESS" not in types(allow_list=["anna.weber@example.org"])
    assert "EMAIL_ADDRESS" not in types(allow_list=["@example"], allow_list_match="regex")
    ticket = {
        "name": "tickets",
        "supported_language": "en",
        "supported_entity": "GREETING",
        "patterns": [{"name": "one", "regex": r"\bgrüße\b", "score": 0.9}],
        "deny_list": ["TO"],
    }
    found = analyze(member, text=TEXT, ad_hoc_recognizers=[ticket], entities=["GREETING"], return_decision_process=True)
    assert {TEXT[one["start"] : one["end"]] for one in found} == {"Grüße", "to"}
    assert all(one["analysis_explanation"]["recognizer"] == "tickets" for one in found)
    several = analyze(member, text=[TEXT, "nothing here"])
    assert len(several) == 2 and several[0] == analyze(member, text=TEXT) and several[1] == []


def test_what_can_be_found_is_listed(member):
    names = member.raw("GET", "/recognizers?language=en").json()
    types = member.raw("GET", "/supportedentities?language=en").json()
    assert "PERSON" in types and "CREDIT_CARD" in types and len(names) >= len(types)
    assert len(member.raw("GET", "/recognizers").json()) >= len(names)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/analyze", {"language": "en"}, "text"),
        ("/analyze", {"text": TEXT}, "language"),
        ("/analyze", {"text": TEXT, "language": "English"}, "languages[0]"),
        ("/analyze", {"text": TEXT, "language": "en", "entities": ["SHOE"]}, "types[0]"),
        ("/analyze", {"text": TEXT, "language": "en", "allow_list": ["("], "allow_list_match": "regex"}, "allow_patterns[0]"),
        ("/anonymize", {"text": TEXT}, "analyzer_results"),
        (
            "/anonymize",
            {"text": TEXT, "analyzer_results": [{"start": 5, "end": 900, "score": 1, "entity_type": "PERSON"}]},
            "analyzer_results[0]",
        ),
        (
            "/anonymize",
            {"text": TEXT, "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "encrypt", "key": "short"}}},
            "anonymizers.DEFAULT.key",
        ),
        ("/anonymize", {"text": TEXT, "analyzer_results": [], "anonymizers": {"DEFAULT": {"type": "custom"}}}, "anonymizers"),
    ],
)
def test_errors_have_presidios_shape(member, path, body, field):
    response = member.raw("POST", path, json=body)
    assert response.status_code == 400, response.text
    error = response.json()
    assert set(error) == {"error"} and field in error["error"], error
    assert "Anna" not in response.text and "short" not in response.text


def test_who_is_nobody_hears_it_in_our_shape(admin):
    response = admin.edge.anonymous().raw("POST", "/analyze", json={"text": TEXT, "language": "en"})
    assert (response.status_code, refused_of(response).code) == (401, "UNAUTHENTICATED")
