"""The catalogue of types through the edge."""


def test_types(member):
    asked = {"regulation": "REGULATION_HIPAA", "country": "US", "pageSize": 1000}
    page = member.rest("GET", "/v1/infoTypes", params=asked)
    names = {info["name"]: info for info in page["infoTypes"]}
    assert names["US_SSN"]["parent"] == "ID_NUMBER"
    assert "OPERATOR_TOKENIZE" in names["US_SSN"]["operators"]
    assert all(info["country"] == "US" for info in names.values())
