"""Handlers: a request in, an answer out, through Starlette's own routing and error handling."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from messenger import handlers
from messenger.errors import MessageUnknown, Unavailable
from messenger.models import Message
from messenger.problems import ERRORS
from messenger.rendering import Renderer
from messenger.service import MessageService
from messenger.state import State
from tests.unit.fakes import GOOD_DAY, PARTIES, FakeCaller, FakeDirectory, InlineThreads

GOOD = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "hello"}


def state(answers: dict[str, object], counted: list[object]) -> State:
    """Return what the lifespan would yield, on a good day but for what is given."""
    service = MessageService(
        directory=FakeDirectory(PARTIES),
        downstreams=FakeCaller({**GOOD_DAY, **answers}),
        renderer=Renderer(InlineThreads()),
        version="1.0",
        deadline_seconds=3.0,
        now=lambda: datetime(2026, 11, 10, tzinfo=UTC),
        new_id=lambda: "new-id",
    )
    return {"service": service, "count_degraded": counted.append}


@asynccontextmanager
async def client(
    counted: list[object] | None = None, **answers: object
) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to the handlers without a socket; what they count as degraded goes to `counted`."""
    app = Starlette(
        routes=[
            Route("/v1/messages", handlers.send_message, methods=["POST"]),
            Route("/v1/messages/{id}", handlers.find_message),
        ],
        exception_handlers=ERRORS,
    )
    yielded = state(answers, [] if counted is None else counted)

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        # What a server does with what the lifespan yields, which httpx does not.
        await app({**scope, "state": dict(yielded)}, receive, send)

    transport = httpx.ASGITransport(with_state)
    async with httpx.AsyncClient(transport=transport, base_url="http://messenger") as opened:
        yield opened


async def post(
    opened: httpx.AsyncClient, change: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """Send the good draft, changed as given."""
    return await opened.post("/v1/messages", json={**GOOD, **(change or {})}, headers=headers)


async def test_a_message_is_accepted_with_its_receipt() -> None:
    """202, where to ask for it, and the key that was made for the client."""
    async with client() as opened:
        response = await post(opened)

    assert (response.status_code, response.json()) == (
        202,
        {"id": "first-id", "status": "accepted", "degraded": [], "version": "1.0"},
    )
    assert response.headers["location"] == "/v1/messages/first-id"
    assert response.headers["idempotency-key"] == "new-id"


async def test_the_clients_key_is_kept() -> None:
    """It comes back as it was sent."""
    async with client() as opened:
        response = await post(opened, None, **{"Idempotency-Key": "key-1"})

    assert response.headers["idempotency-key"] == "key-1"


async def test_a_503_tells_the_key_with_which_trying_again_is_safe() -> None:
    """`delivery` may have taken the message over before it fell silent."""
    async with client(delivery=Unavailable("delivery", "timeout")) as opened:
        response = await post(opened)

    assert response.status_code == 503
    assert response.headers["idempotency-key"] == "new-id"
    assert response.headers["retry-after"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"sender": 1}, "sender", id="bad field"),
        pytest.param({"channel": "sms"}, "channel", id="no address"),
    ],
)
async def test_a_bad_field_is_422(change: dict[str, Any], field: str) -> None:
    """Whether the reader or the domain finds it, the answer has one form."""
    async with client() as opened:
        response = await post(opened, change)

    assert (response.status_code, response.json()["field"]) == (422, field)
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_bad_key_is_400() -> None:
    """The header is named."""
    async with client() as opened:
        response = await post(opened, None, **{"Idempotency-Key": "two words"})

    assert (response.status_code, response.json()["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(Message("m1", "delivered", "alice", "bob", "push"), 200, id="found"),
        pytest.param(MessageUnknown(), 404, id="unknown"),
        pytest.param(Unavailable("delivery", "status"), 503, id="nobody knows"),
    ],
)
async def test_a_message_is_looked_up(answer: object, status: int) -> None:
    """What `delivery` knows is the answer."""
    async with client(delivery=answer) as opened:
        response = await opened.get("/v1/messages/m1")

    assert response.status_code == status


async def test_what_a_message_went_without_is_counted() -> None:
    """Once for each message that was accepted, and not for one that was refused."""
    counted: list[object] = []
    async with client(counted, links=Unavailable("links", "status")) as opened:
        await post(opened)
        await post(opened, {"channel": "sms"})

    assert counted == [("links",)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v1/messages", 405), ("POST", "/v1/messages/7", 405)],
)
async def test_wrong_paths_and_verbs_are_problems_too(method: str, path: str, status: int) -> None:
    """404 and 405 in the same format, the latter with Allow."""
    async with client() as opened:
        response = await opened.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert ("allow" in response.headers) == (status == 405)


async def test_a_receipt_leaves_out_what_there_is_not() -> None:
    """No `not_before` unless deferred, no `links` before version 2."""
    async with client() as opened:
        response = await post(opened)

    assert set(msgspec.json.decode(response.content)) == {"id", "status", "degraded", "version"}
