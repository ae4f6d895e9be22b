"""The hard limit on how long one request may be in work."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from messenger.errors import Overloaded
from messenger.problems import InputProblem
from messenger.time_limit import TOO_SLOW, TimeLimitMiddleware

POST = {"type": "http", "method": "POST"}


async def read_body_then_hang(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Read the whole body, then never answer."""
    while (await receive())["more_body"]:
        pass
    await asyncio.Event().wait()


async def send(message: Message) -> None:
    """Send nothing."""
    raise AssertionError(message)


def sender(*parts: Message) -> Receive:
    """Return what receives these parts of a body, and then waits for ever."""
    left = list(parts)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


async def test_a_body_that_does_not_arrive_is_the_clients_fault() -> None:
    """408, and the connection is of no use any more."""
    app = TimeLimitMiddleware(read_body_then_hang, seconds=0.01)
    with pytest.raises(InputProblem) as caught:
        await app(POST, sender({"type": "http.request", "body": b"{", "more_body": True}), send)

    assert caught.value.kind is TOO_SLOW
    assert caught.value.headers == {"connection": "close"}


async def test_a_delay_after_the_body_is_ours() -> None:
    """503: whoever asked may try another replica."""
    app = TimeLimitMiddleware(read_body_then_hang, seconds=0.01)
    with pytest.raises(Overloaded):
        await app(POST, sender({"type": "http.request", "body": b"", "more_body": False}), send)


async def test_a_request_in_time_is_left_alone() -> None:
    """Nothing is changed about it."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    await TimeLimitMiddleware(app, seconds=1)(POST, sender(), send)

    assert seen == [POST]
