"""The example texts, and what in them nobody in the middle may see."""

from .process import ROOT

LETTER = (ROOT / "examples/discharge-letter.txt").read_text()
THREAD = (ROOT / "examples/email-thread.txt").read_text()

SECRETS_OF_LETTER = [
    "Eleanor Hartmann",
    "Thomas Hartmann",
    "Sophie Lindqvist",
    "Yasemin Aydin",
    "Martin Okafor",
    "9 November 1957",
    "536-22-8765",
    "0171 2345678",
    "+46 31 555 01 42",
    "eleanor.hartmann57@mail.example",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "203.0.113.77",
    "portal.st-hedwig-freiburg.example",
]
SECRETS_OF_THREAD = [
    "Priya Raman",
    "Jonas Becker",
    "priya.raman@northwind-logistics.example",
    "GB82 WEST 1234 5698 7654 32",
    "5555-5555-5555-4444",
    "219-09-8765",
    "(217) 555-0182",
    "198.51.100.23",
    "2001:db8:85a3::8a2e:370:7334",
    "DE02 1203 0000 0000 2020 51",
    "t.wisniewski@umzug-wisniewski.example",
]

for text, secrets in ((LETTER, SECRETS_OF_LETTER), (THREAD, SECRETS_OF_THREAD)):
    assert all(secret in text for secret in secrets)


def assert_nothing_of(secrets, data, where):
    if isinstance(data, bytes):
        data = data.decode(errors="replace")
    found = [secret for secret in secrets if secret in data]
    assert not found, f"{where} has {found}"
