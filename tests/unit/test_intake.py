"""Reading a draft: whatever comes is a draft, or a problem that names the field at fault."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from messenger.intake import (
    BROKEN_JSON,
    MAX_BODY_BYTES,
    NO_DRAFT,
    NO_LENGTH,
    NOT_JSON,
    TOO_LONG,
    read_draft,
    read_key,
)
from messenger.models import Draft
from messenger.problems import InputProblem

GOOD = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "hello"}
FIELDS = ("sender", "recipient", "channel", "body", "locale")


class Client:
    """A client that sends a body in chunks, and knows how many were taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = list(chunks)
        self.taken = 0

    async def receive(self) -> Message:
        """Send the next chunk; after the last, leave."""
        if self.taken == len(self._chunks):
            return {"type": "http.disconnect"}
        chunk = self._chunks[self.taken]
        self.taken += 1
        more = self.taken < len(self._chunks)
        return {"type": "http.request", "body": chunk, "more_body": more}


def request(client: Client, **headers: str | list[str]) -> Request[Any]:
    """Return a request with these headers; underscores stand for dashes."""
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return Request({"type": "http", "method": "POST", "headers": raw}, client.receive)


async def read(body: bytes) -> Draft:
    """Read a draft from a body that is announced as it should be."""
    length = str(len(body))
    return await read_draft(
        request(Client([body]), content_type="application/json", content_length=length)
    )


async def refuse(body: bytes) -> InputProblem:
    """Return the problem with a body."""
    with pytest.raises(InputProblem) as caught:
        await read(body)
    return caught.value


async def test_a_draft_is_read() -> None:
    """The locale may be left out."""
    draft = await read(json.dumps(GOOD).encode())

    assert draft == Draft("alice", "bob", "push", "hello", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"sender": None}, "sender", id="null"),
        pytest.param({"sender": 1}, "sender", id="number"),
        pytest.param({"sender": ""}, "sender", id="empty id"),
        pytest.param({"sender": "a" * 65}, "sender", id="long id"),
        pytest.param({"recipient": "../bob"}, "recipient", id="path in id"),
        pytest.param({"recipient": "bob\n"}, "recipient", id="newline after id"),
        pytest.param({"recipient": "bob&channel=sms"}, "recipient", id="query in id"),
        pytest.param({"channel": "fax"}, "channel", id="unknown channel"),
        pytest.param({"body": ""}, "body", id="empty body"),
        pytest.param({"body": "x" * 10_001}, "body", id="long body"),
        pytest.param({"locale": "french"}, "locale", id="no locale"),
        pytest.param({"locale": "fr\n"}, "locale", id="newline after locale"),
        pytest.param({"Sender": "alice"}, "Sender", id="misspelt"),
        pytest.param({"a` - at `$.b": 1}, "a` - at `$.b", id="misleading name"),
        pytest.param({"x" * 200: 1}, "x" * 100, id="long name"),
    ],
)
async def test_the_field_at_fault_is_named(change: dict[str, object], field: str) -> None:
    """422, and the field as its author spelt it."""
    problem = await refuse(json.dumps({**GOOD, **change}).encode())

    assert (problem.kind, problem.field) == (NO_DRAFT, field)


@pytest.mark.parametrize("field", ["sender", "recipient", "channel", "body"])
async def test_a_missing_field_is_named(field: str) -> None:
    """422 for each of the four that must be there."""
    problem = await refuse(json.dumps({k: v for k, v in GOOD.items() if k != field}).encode())

    assert (problem.kind, problem.field) == (NO_DRAFT, field)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"[" * 60_000, b"1e999"])
async def test_what_is_no_object_is_at_fault_as_a_whole(body: bytes) -> None:
    """422 with "$", JSONPath's name for all of it."""
    problem = await refuse(body)

    assert (problem.kind, problem.field) == (NO_DRAFT, "$")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(json.dumps(GOOD).encode() * 2, id="two"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(json.dumps(GOOD).encode("utf-16"), id="UTF-16"),
        pytest.param(json.dumps(GOOD).encode().replace(b"hello", b"\xff"), id="no UTF-8"),
        pytest.param(json.dumps(GOOD).replace("hello", "\\ud800").encode(), id="half a character"),
    ],
)
async def test_what_is_no_json_is_broken(body: bytes) -> None:
    """400: no field is at fault, the body as a whole is."""
    problem = await refuse(body)

    assert (problem.kind, problem.field) == (BROKEN_JSON, "$")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {}, optional={field: st.sampled_from([GOOD.get(field, "fr")]) | JSON for field in FIELDS}
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(JSON, NEARLY).map(lambda value: json.dumps(value).encode()))
@example(b"Infinity")
@example(b'{"sender": NaN}')
async def test_any_json_is_a_draft_or_a_problem_that_names_the_field(body: bytes) -> None:
    """Nothing else is ever raised, and what is taken can be written as it was read."""
    outcome = await outcome_of(body)

    match outcome:
        case Draft():
            assert msgspec.json.decode(msgspec.json.encode(outcome), type=Draft) == outcome
        case InputProblem():
            # Python writes Infinity and NaN, which are no JSON: the whole body is at fault.
            assert outcome.kind in {NO_DRAFT, BROKEN_JSON}
            assert outcome.field is not None
            if outcome.kind is BROKEN_JSON:
                assert outcome.field == "$"


async def outcome_of(body: bytes) -> Draft | InputProblem:
    """Return what a body is read as."""
    try:
        return await read(body)
    except InputProblem as problem:
        return problem


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
async def test_any_bytes_are_a_draft_or_a_problem(body: bytes) -> None:
    """Nothing else is ever raised."""
    with pytest.raises(InputProblem):
        await read(body)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no type"),
        pytest.param({"content_type": "text/plain"}, id="text"),
        pytest.param({"content_type": "application/jsonp"}, id="nearly"),
        pytest.param(
            {"content_type": "application/json", "content_encoding": "gzip"}, id="compressed"
        ),
    ],
)
async def test_another_media_type_is_refused_unread(headers: dict[str, str]) -> None:
    """415, naming the header."""
    client = Client([b"{}"])
    with pytest.raises(InputProblem) as caught:
        await read_draft(request(client, content_length="2", **headers))

    assert (caught.value.kind, client.taken) == (NOT_JSON, 0)
    assert caught.value.field in {"Content-Type", "Content-Encoding"}


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_json_however_it_is_spelt(media_type: str) -> None:
    """Parameters and case do not matter (RFC 9110, section 8.3.1)."""
    body = json.dumps(GOOD).encode()
    length = str(len(body))
    draft = await read_draft(
        request(Client([body]), content_type=media_type, content_length=length)
    )

    assert draft.sender == "alice"


async def test_a_body_announced_as_too_long_is_refused_unread() -> None:
    """413 before the first byte, and the connection is closed rather than drained."""
    client = Client([b"x"])
    with pytest.raises(InputProblem) as caught:
        await read_draft(
            request(client, content_type="application/json", content_length=str(MAX_BODY_BYTES + 1))
        )

    assert (caught.value.kind, client.taken) == (TOO_LONG, 0)
    assert caught.value.headers == {"connection": "close"}


async def test_a_body_that_proves_too_long_is_not_read_to_its_end() -> None:
    """413 as soon as the count is over the limit, whatever was announced."""
    client = Client([b" " * 10_000] * 1_000)
    with pytest.raises(InputProblem) as caught:
        await read_draft(
            request(client, content_type="application/json", transfer_encoding="chunked")
        )

    assert (caught.value.kind, client.taken) == (TOO_LONG, 7)


async def test_a_body_of_just_the_limit_is_read() -> None:
    """The limit is the last length that is allowed; chunks add up."""
    body = json.dumps(GOOD).encode().ljust(MAX_BODY_BYTES)
    client = Client([body[:5], body[5:]])
    draft = await read_draft(
        request(client, content_type="application/json", transfer_encoding="chunked")
    )

    assert draft.sender == "alice"


async def test_a_request_without_a_body_is_told_so() -> None:
    """411: neither a length nor chunks."""
    with pytest.raises(InputProblem) as caught:
        await read_draft(request(Client([]), content_type="application/json"))

    assert caught.value.kind == NO_LENGTH


async def test_a_client_that_leaves_half_way_is_no_defect() -> None:
    """Starlette's own error for it passes through, to be answered by `problems`."""
    with pytest.raises(ClientDisconnect):
        await read_draft(request(Client([]), content_type="application/json", content_length="10"))


@pytest.mark.parametrize("key", ["k", "a-b_c.d", "!" * 128])
def test_a_key_is_read(key: str) -> None:
    """1 to 128 visible characters."""
    assert read_key(request(Client([]), idempotency_key=key)) == key


def test_a_key_may_be_left_out() -> None:
    """Then one is made for the request."""
    assert read_key(request(Client([]))) is None


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("k" * 129, id="long"),
        pytest.param("a b", id="space"),
        pytest.param("é", id="not ASCII"),
        pytest.param(["a", "a"], id="twice"),
    ],
)
def test_a_bad_key_is_refused_by_its_headers_name(key: str | list[str]) -> None:
    """400, since a key that is not kept as it came would not protect from a second message."""
    with pytest.raises(InputProblem) as caught:
        read_key(request(Client([]), idempotency_key=key))

    assert (caught.value.kind.status, caught.value.field) == (400, "Idempotency-Key")
