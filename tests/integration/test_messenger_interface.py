"""Whatever is sent to the published interface is answered as it is published.

The server is real, and the document is the one that it serves. Nothing that a client can send makes
an answer that the document does not have, and least of all a 500.
"""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration import clients
from tests.integration.service import Pair, pair, until_ready

PROBLEM = "application/problem+json"
SEND = "/v1/messages"
CAST = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "nobody")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

often = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""No deadline: it is a machine's load that it would measure."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


class Interface(NamedTuple):
    """A service, a connection to it, and what it says of itself."""

    service: Pair
    client: httpx.Client
    document: Mapping[str, Any]

    def is_valid(self, schema: Mapping[str, Any], value: object) -> bool:
        """Return whether a value is what a schema of the document says."""
        return not any(self._errors(schema, value))

    def blamed(self, draft: object) -> set[str]:
        """Return the fields that the published schema of a draft finds at fault; $ for the body."""
        blamed = set()
        for error in self._errors({"$ref": "#/components/schemas/Draft"}, draft):
            if error.path:
                blamed.add(str(error.path[0]))
            elif error.validator == "required" and isinstance(draft, dict):
                blamed |= set(error.validator_value) - set(draft)
            elif error.validator == "additionalProperties" and isinstance(draft, dict):
                blamed |= set(draft) - set(error.schema["properties"])
            else:
                blamed.add("$")
        return blamed

    def check(self, response: httpx.Response, template: str) -> None:
        """Assert that an answer is one of those that the document has for its operation."""
        operation = self.document["paths"][template][response.request.method.lower()]
        described = operation["responses"].get(str(response.status_code))
        assert described, (response.status_code, response.text)
        media_type = response.headers["content-type"]
        assert media_type in described["content"], (media_type, response.text)
        schema = described["content"][media_type]["schema"]
        assert self.is_valid(schema, response.json()), response.text
        for name in described.get("headers", {}):
            assert name in response.headers, response.headers
        check_marks(response)

    def _errors(
        self, schema: Mapping[str, Any], value: object
    ) -> Iterator[Any]:  # the types of its errors allow for ones that were never raised
        whole = {**schema, "components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole).iter_errors(value)


def check_marks(response: httpx.Response) -> None:
    """Assert that an answer says who gave it, and is a problem where it is an error."""
    assert {"x-messenger-version", "x-messenger-pod", "x-request-id"} <= set(response.headers)
    assert response.status_code < 500
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert response.headers["content-type"] == PROBLEM
        assert response.json()["status"] == response.status_code


@pytest.fixture(scope="module")
def interface() -> Iterator[Interface]:
    """Run a service for all tests of this file."""
    with pair() as service, clients.client(base_url=service.messenger.url, timeout=10) as client:
        until_ready(service)
        yield Interface(service, client, client.get("/openapi.json").json())
        bad = [line for line in service.messenger.stderr if not isinstance(json.loads(line), dict)]
        assert bad == []


def described(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a schema of a field allows."""
    if "anyOf" in schema:
        return st.one_of([described(each) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "null":
        return st.none()
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    return st.text(min_size=schema["minLength"], max_size=min(schema["maxLength"], 300))


@often
@given(data=st.data())
def test_what_the_schema_allows_is_read_and_judged(
    interface: Interface, data: st.DataObject
) -> None:
    """Accepted, or refused for what people are and want: never for its form."""
    properties = interface.document["components"]["schemas"]["Draft"]["properties"]
    draft = {name: data.draw(described(schema), name) for name, schema in properties.items()}
    draft |= data.draw(
        st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(CAST) for name in ("sender", "recipient")}
        )
    )
    response = interface.client.post(SEND, json=draft)

    assert interface.blamed(draft) == set()
    interface.check(response, SEND)
    assert response.status_code in {202, 403, 422}
    assert response.json().get("type", "").partition(":")[2] != "messenger.example,2026:no-draft"
    if response.status_code != 202:
        assert response.json()["field"] in draft


@pytest.mark.parametrize(
    ("length", "status"), [(10_000, 202), (10_001, 422)], ids=["longest", "too long"]
)
@pytest.mark.parametrize("character", ["x", "é", "\N{GRINNING FACE}", "\n"])
def test_the_longest_body_is_counted_in_characters(
    interface: Interface, character: str, length: int, status: int
) -> None:
    """As the schema counts, whatever a character takes on the wire."""
    draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": character * length}
    response = interface.client.post(
        SEND,
        content=json.dumps(draft, ensure_ascii=False).encode(),
        headers={"content-type": "application/json"},
    )

    interface.check(response, SEND)
    assert response.status_code == status
    assert (interface.blamed(draft) == set()) == (status == 202)


CHANGES = st.dictionaries(
    st.sampled_from(["sender", "recipient", "channel", "body", "locale", "extra"])
    | st.text(max_size=5),
    JSON,
    min_size=1,
    max_size=3,
)


@often
@given(
    changes=CHANGES,
    dropped=st.sets(st.sampled_from(["sender", "recipient", "channel", "body"]), max_size=1),
)
def test_what_the_schema_forbids_is_refused_with_the_name_of_the_field(
    interface: Interface, changes: dict[str, Any], dropped: set[str]
) -> None:
    """422, and the field is one of those that the published schema finds at fault."""
    good = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}
    draft = {name: value for name, value in {**good, **changes}.items() if name not in dropped}
    blamed = interface.blamed(draft)
    content = json.dumps(draft).encode()
    response = interface.client.post(
        SEND, content=content, headers={"content-type": "application/json"}
    )

    interface.check(response, SEND)
    if blamed and response.status_code != 400:
        assert response.status_code == 422
        assert response.json()["field"] in blamed
    elif blamed:
        # Python writes numbers that JSON does not have.
        assert b"NaN" in content or b"Infinity" in content
        assert response.json()["field"] == "$"
    else:
        assert response.status_code in {202, 403, 422}


TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
"""What a header may hold: Latin-1 without control characters."""

HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            ["application/json", "APPLICATION/JSON; charset=utf-8", "text/plain", ""]
        )
        | TEXT,
        "content-encoding": st.sampled_from(["identity", "gzip", ""]) | TEXT,
        "idempotency-key": TEXT,
        "x-request-id": TEXT,
        "traceparent": st.from_regex(r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\Z") | TEXT,
        "tracestate": TEXT,
        "accept": TEXT,
        "accept-encoding": TEXT,
        "expect": st.just("100-continue"),
    },
)


SEGMENT = st.text(min_size=1, max_size=80).filter(lambda text: text not in {".", ".."})
"""What may stand in a path; a client takes dots for another place (RFC 3986, section 5.2.4)."""


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as they go over the wire."""
    # Spaces around a value are no part of it (RFC 9110, section 5.5), and httpx does not cut them.
    return [(name.encode(), value.strip(" ").encode("latin-1")) for name, value in headers.items()]


@often
@given(
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    headers=HEADERS,
)
def test_any_bytes_with_any_headers_get_an_answer_that_is_described(
    interface: Interface, body: bytes, headers: dict[str, str]
) -> None:
    """A problem, since no draft comes about by chance; it names what is at fault."""
    response = interface.client.post(SEND, content=body, headers=encoded(headers))

    interface.check(response, SEND)
    assert response.status_code in {400, 411, 415, 422}
    assert "field" in response.json()


@often
@given(message_id=SEGMENT, headers=HEADERS)
def test_any_id_is_looked_up(
    interface: Interface, message_id: str, headers: dict[str, str]
) -> None:
    """404 for what is no id; a slash makes it another path, which is 404 as well."""
    path = f"{SEND}/{quote(message_id, safe='')}"
    response = interface.client.get(path, headers=encoded(headers))

    assert response.status_code == 404
    interface.check(response, SEND + "/{id}")


UNDESCRIBED = ("/", "/page.css", "/page.js", "/metrics")
"""What is served and is no part of the interface that the document describes."""


@often
@example(method="DELETE", path="//")
@example(method="DELETE", path="/.")
@example(method="DELETE", path="/%0A")
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(
        [*UNDESCRIBED, "/version", "/openapi.json", SEND, SEND + "/m1", "/v1", "/page"]
    )
    | st.text(max_size=20).map(lambda text: "/" + quote(text)),
)
def test_wrong_paths_are_404_and_wrong_verbs_405(
    interface: Interface, method: str, path: str
) -> None:
    """The latter with Allow, which names the verbs of the document, or GET for what is in none."""
    # As a whole: behind a base address httpx takes "//" for "/".
    response = interface.client.request(method, interface.service.messenger.url + path)
    # And dots it resolves before it sends them: "/." is "/".
    path = response.request.url.raw_path.decode()

    check_marks(response)
    template = SEND + "/{id}" if path.startswith(SEND + "/") and path.count("/") == 3 else path
    if template in UNDESCRIBED:
        allowed = {"GET"}
    else:
        allowed = {name.upper() for name in interface.document["paths"].get(template, ())}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    if not allowed:
        assert response.status_code == 404
    elif method not in allowed:
        assert response.status_code == 405
        assert set(response.headers["allow"].split(", ")) == allowed
    else:
        assert response.status_code not in {405, 500}


def test_the_answer_to_a_message_that_was_accepted_is_described(interface: Interface) -> None:
    """What can be asked for afterwards is, too."""
    draft = {"sender": "alice", "recipient": "erin", "channel": "sms", "body": "Good night"}
    accepted = interface.client.post(SEND, json=draft)
    found = interface.client.get(accepted.headers["location"])

    interface.check(accepted, SEND)
    interface.check(found, SEND + "/{id}")
    assert (accepted.json()["status"], found.json()["status"]) == ("deferred", "deferred")


def converse(interface: Interface, *parts: bytes) -> bytes:
    """Send parts of a request and nothing more, and return all that is answered until the end."""
    port = interface.service.messenger.port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        # Whoever closes a connection with something unread in it resets it, behind the answer.
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    return received


HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([HEAD, b"Content-Length: 65537\r\n\r\n"], id="announced"),
        pytest.param([HEAD, b"Content-Length: 1000000000000\r\n\r\n", b"{"], id="begun"),
        pytest.param(
            [HEAD, b"Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"], id="asked for"
        ),
        pytest.param(
            [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"10001\r\n" + b"x" * 65537],
            id="in chunks",
        ),
    ],
)
def test_a_body_that_is_too_long_is_refused_before_the_rest_is_sent(
    interface: Interface, parts: list[bytes]
) -> None:
    """413 while the client still holds the rest back, and the connection is closed."""
    head, _, body = converse(interface, *parts).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close" in head
    assert b"100 Continue" not in head
    assert json.loads(body)["field"] == "$"


def test_a_body_of_the_longest_length_is_read(interface: Interface) -> None:
    """The control: the limit is where it is said to be."""
    draft = b'{"sender":"alice","recipient":"bob","channel":"push","body":"Hello"}'
    headers = {"content-type": "application/json"}
    longest = interface.client.post(SEND, content=draft.ljust(65536), headers=headers)
    too_long = interface.client.post(SEND, content=draft.ljust(65537), headers=headers)

    assert (longest.status_code, too_long.status_code) == (202, 413)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"hello\r\n\r\n", id="prose"),
        pytest.param(b"BREW /version HTTP/1.1\r\nHost: x\r\n\r\n", id="unknown method"),
        pytest.param(HEAD + b"Content-Length: many\r\n\r\n", id="a length that is none"),
        pytest.param(HEAD + b"no colon\r\n\r\n", id="a header that is none"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", id="a chunk that is none"),
        pytest.param(b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", id="a path that is none"),
    ],
)
def test_what_is_no_http_is_a_problem_too(interface: Interface, request_bytes: bytes) -> None:
    """400 in the same format, and the connection is closed."""
    head, _, body = converse(interface, request_bytes).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"\r\ncontent-type: application/problem+json" in head
    assert json.loads(body)["status"] == 400
