"""Documents over REST and with the client: only their values change, and all of it comes back."""

import json

import pytest

from support.client import refusal

SECRETS = ["Zo\\u00eb", "Hartmann", "536228145", "DE89", "weber@example.org"]
CUSTOMER = (
    '{"customer": {"firstName": "Zo\\u00eb", "lastName": "Hartmann", "ssn": 536228145},\r\n'
    ' "payload": "{\\"iban\\": \\"DE89 3704 0044 0532 0130 00\\"}", "rate": 1.50,\n'
    ' "note": "Write to anna.weber@example.org."}\n'
)
MAIL = (
    "From: =?utf-8?Q?Zo=C3=AB_Hartmann?= <zoe@example.org>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    "--x\r\nContent-Transfer-Encoding: base64\r\n\r\nV3JpdGUgdG8gYW5uYS53ZWJlckBleGFtcGxlLm9yZyE=\r\n--x--\r\n"
)
NOTES = "# For Eleanor Hartmann\n\n| Name | E-Mail |\n|---|---|\n| Anna Weber | anna\\_weber@example.org |\n"
PERSON = "<p><name id='7'>Eleanor Hartmann</name><mail>anna.o&apos;neill@example.org</mail></p>\n"


def post(client, what, **body):
    return client.rest("POST", f"/v1/text:{what}", json=body)


@pytest.mark.parametrize(
    ("text", "kind"), [(CUSTOMER, "JSON"), (PERSON, "XML"), (MAIL, "EMAIL"), (NOTES, "MARKDOWN"), (f"name;mail\r\n7;\"{'a@example.org'}\"\r\n", "CSV")]
)
def test_a_document_comes_back_byte_for_byte(sealer, text, kind):
    kind = f"DOCUMENT_FORMAT_{kind}"
    found = post(sealer.client, "detect", text=text, format=kind)["findings"]
    for operator in ("OPERATOR_PLACEHOLDER", "OPERATOR_ENCRYPT"):
        done = post(sealer.client, "anonymize", text=text, format=kind, operator=operator)
        raw, new = text.encode(), done["text"].encode()
        for action in done["actions"]:
            original = raw[int(action["start"]) : int(action["end"])].decode()
            assert original and original not in done["text"], original
            became = new[int(action["outputStart"]) : int(action["outputEnd"])].decode()
            # What is packed into base64 cannot be read.
            assert action["type"] in became or kind.endswith("EMAIL")
        assert len(done["actions"]) == len(found) > 0
        back = post(sealer.client, "restore", text=done["text"], mapping=done["mapping"], format=kind)
        assert back["text"] == text


def test_what_is_wrong_is_named(sealer):
    rule = {"path": "customer", "type": "PERSON"}
    for body, field in [
        ({"text": '{"a": \n', "format": "DOCUMENT_FORMAT_JSON"}, "text"),
        ({"text": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "format": "DOCUMENT_FORMAT_XML"}, "text"),
        ({"text": "{}", "format": "DOCUMENT_FORMAT_JSON", "options": {"fields": [rule]}}, "options.fields[0].path"),
    ]:
        with refusal() as caught:
            post(sealer.client, "anonymize", **body)
        assert (caught.value.http, caught.value.fields) == (400, [field])


def test_files_go_and_come_back(signet, tmp_path):
    (tmp_path / "in.json").write_text(CUSTOMER, newline="")
    done = signet("anonymize", "in.json", "-o", "out.json", "--mapping", "kept", online=True)
    assert done.returncode == 0, done.stderr
    hidden = (tmp_path / "out.json").read_text()
    assert not [secret for secret in SECRETS if secret in hidden]
    assert (tmp_path / "out.json").stat().st_mode & 0o777 == 0o600
    json.loads(hidden)
    back = signet("restore", "out.json", "-o", "back.json", "--mapping", "kept", online=True)
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back.json").read_bytes() == CUSTOMER.encode()

    (tmp_path / "bad.json").write_text('{"mail": "anna.weber@example.org"')
    refused = signet("anonymize", "bad.json", "-o", "bad.out", online=True)
    assert refused.returncode != 0 and not (tmp_path / "bad.out").exists()


def test_large_tables_go_in_pieces_with_the_same_placeholders(signet, tmp_path):
    rows = "".join(f'{number};anna.weber@example.org;"row ""{number}"", nothing in it{" ." * 500}"\r\n' for number in range(1_200))
    table = "id;E-Mail;note\r\n" + rows
    assert len(table) > 1_200_000
    (tmp_path / "in.csv").write_text(table, newline="")
    done = signet("anonymize", "in.csv", "-o", "out.csv", "--mapping", "kept", "--type", "EMAIL_ADDRESS", online=True)
    assert done.returncode == 0, done.stderr
    hidden = (tmp_path / "out.csv").read_bytes().decode()
    assert "weber@" not in hidden
    assert len({line.split(";")[1] for line in hidden.splitlines()[1:]}) == 1, "one person, one placeholder"
    back = signet("restore", "out.csv", "-o", "back.csv", "--mapping", "kept", online=True)
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back.csv").read_bytes() == table.encode()
    # A file that lost something is not taken for one.
    (tmp_path / "out.csv").write_text(hidden[:-40], newline="")
    assert signet("restore", "out.csv", "--mapping", "kept", online=True).returncode != 0
