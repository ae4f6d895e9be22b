"""The published description: valid, complete, and true."""

from typing import Any

import jsonschema
import msgspec
import pytest

from messenger import intake
from messenger.errors import MessageUnknown
from messenger.models import Draft, Message, Receipt, Version
from messenger.openapi import document
from messenger.problems import KINDS, Problem
from messenger.time_limit import TOO_SLOW

DOCUMENT = document("1.0")
SCHEMAS = DOCUMENT["components"]["schemas"]


def references(node: object) -> list[str]:
    """Return every reference below a node."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [each for child in node.values() for each in references(child)]
    if isinstance(node, list):
        return [each for child in node for each in references(child)]
    return []


def is_valid(shape: str, value: object) -> bool:
    """Return whether a value is what the published schema of a shape says."""
    schema = {"$ref": f"#/components/schemas/{shape}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def test_the_document_is_json() -> None:
    """It survives being written and read, and says which release it describes."""
    assert msgspec.json.decode(msgspec.json.encode(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["info"]["version"] == "1.0"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_schema_is_one(name: str) -> None:
    """JSON Schema 2020-12, which OpenAPI 3.1 uses unchanged, accepts it as a schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_reference_leads_somewhere() -> None:
    """Nothing is described by a name that has no description."""
    names = {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)}

    assert names == set(SCHEMAS)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Draft("alice", "bob", "push", "hello", "pt-BR"), id="draft"),
        pytest.param(Receipt("m1", "accepted", ("links",), "1.0"), id="receipt"),
        pytest.param(
            Receipt("m1", "deferred", (), "2.0", "2026-11-10T07:00:00Z", 3), id="deferred receipt"
        ),
        pytest.param(Message("m1", "delivered", "alice", "bob", "push"), id="message"),
        pytest.param(Problem("about:blank", "Not Found", 404), id="problem"),
        pytest.param(Version("1.0", "pod-1"), id="version"),
    ],
)
def test_what_is_sent_is_what_is_described(value: msgspec.Struct) -> None:
    """The schema accepts what the encoder writes."""
    assert is_valid(type(value).__name__, msgspec.json.decode(msgspec.json.encode(value)))


@pytest.mark.parametrize(
    "change",
    [{"sender": "a b"}, {"sender": "bob\n"}, {"channel": "fax"}, {"body": ""}, {"extra": 1}],
)
def test_what_is_refused_is_described_as_wrong(change: dict[str, object]) -> None:
    """A client that checks against the schema is not surprised."""
    good = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "hello"}

    assert is_valid("Draft", good)
    assert not is_valid("Draft", {**good, **change})


def statuses(path: str, method: str) -> set[int]:
    """Return the statuses that an operation is described to have."""
    operation: dict[str, Any] = DOCUMENT["paths"][path][method]
    return {int(status) for status in operation["responses"]}


def test_every_status_of_sending_is_described() -> None:
    """What the reader and the domain can say, and the receipt."""
    domain = {kind.status for error, kind in KINDS.items() if error is not MessageUnknown}
    reading = {kind.status for kind in intake.KINDS}

    assert statuses("/v1/messages", "post") == {202} | domain | reading | {TOO_SLOW.status}
    assert statuses("/v1/messages", "post") == {202, 400, 403, 408, 411, 413, 415, 422, 503}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/messages/{id}", {200, 404, 503}),
        ("/version", {200}),
        ("/openapi.json", {200}),
    ],
)
def test_every_status_of_asking_is_described(path: str, expected: set[int]) -> None:
    """Nothing more and nothing less."""
    assert statuses(path, "get") == expected


def test_a_503_is_described_with_its_retry_after() -> None:
    """The header is part of the promise."""
    response = DOCUMENT["paths"]["/v1/messages"]["post"]["responses"]["503"]

    assert "Retry-After" in response["headers"]
