"""Requests in flight: refused while cold, told to close while draining, always answered."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from messenger.health.inflight import InFlight, LeakDetector
from messenger.health.lifecycle import Lifecycle, State
from messenger.health.progress import Progress

from .asgi import Client, http, receive
from .clock import FakeClock
from .parties import kinds


def ok(content_type: bytes = b"text/plain") -> ASGIApp:
    """Return an application that answers at once."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"Content-Type", content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


class Slow:
    """An application that waits in the middle: before its answer, or after its beginning."""

    def __init__(self, *, content_type: bytes | None = None) -> None:
        self.go = asyncio.Event()
        self._content_type = content_type

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer when told to."""
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", self._content_type or b"text/plain")],
        }
        if self._content_type is not None:
            await send(start)
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await self.go.wait()
        if self._content_type is None:
            await send(start)
        await send({"type": "http.response.body", "body": b"ended"})


class Site:
    """An application in flight, and its process."""

    def __init__(self, app: ASGIApp, *steps: State) -> None:
        self.clock = FakeClock()
        self.progress = Progress(self.clock)
        self.lifecycle = Lifecycle()
        self.flight = InFlight(
            app,
            lifecycle=self.lifecycle,
            progress=self.progress,
            now=self.clock,
            marks=lambda headers: [(b"x-request-id", dict(headers).get(b"x-request-id", b"none"))],
        )
        self.move(*steps)

    def move(self, *steps: State) -> None:
        """Go through some steps of the life."""
        for step in steps:
            assert self.lifecycle.move(step, "test")

    async def begin(self) -> tuple[Client, asyncio.Task[None]]:
        """Begin a request and let it get stuck."""
        client = Client()
        task = asyncio.create_task(client.call(self.flight))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return client, task


SERVING = (State.WARMING, State.SERVING)
DRAINING = (*SERVING, State.DRAINING)


async def test_a_serving_process_serves_and_counts() -> None:
    """The answer is the application's own, and its end is progress."""
    site = Site(ok(), *SERVING)
    client = Client()
    await client.call(site.flight)

    assert (client.status, client.body) == (200, b"ok")
    assert "connection" not in client.headers
    assert site.flight.count == 0
    assert site.progress.completed == 1
    assert site.flight.drained_total == 0


@pytest.mark.parametrize("steps", [(), (State.WARMING,)], ids=["BOOTING", "WARMING"])
async def test_a_cold_process_refuses(steps: tuple[State, ...]) -> None:
    """With 503 and the hint to come back, without asking the application."""
    site = Site(never, *steps)
    client = Client()
    await client.call(site.flight)

    assert client.status == 503
    assert client.headers["retry-after"] == "1"
    assert "connection" not in client.headers
    assert client.headers["x-request-id"] == "none"
    assert client.headers["content-length"] == str(len(client.body))
    assert json.loads(client.body)["detail"] == "warming"
    assert site.flight.count == 0


async def test_a_cold_process_answers_what_needs_no_warmth() -> None:
    """Paths that the application named; each other one is refused."""
    site = Site(ok(), State.WARMING)
    site.flight.lifecycle.early_paths = frozenset({"/"})
    early, other = Client(), Client()
    await early.call(site.flight)
    site.flight.lifecycle.early_paths = frozenset({"/page"})
    await other.call(site.flight)

    assert (early.status, other.status) == (200, 503)


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Be an application that must not be asked."""
    raise AssertionError


@pytest.mark.parametrize(
    "steps", [DRAINING, (*DRAINING, State.STOPPING)], ids=["DRAINING", "STOPPING"]
)
async def test_a_draining_process_serves_and_asks_to_close(steps: tuple[State, ...]) -> None:
    """On every response, so that the next request goes elsewhere."""
    site = Site(ok(), *steps)
    client = Client()
    await client.call(site.flight)

    assert (client.status, client.body) == (200, b"ok")
    assert client.headers["connection"] == "close"
    assert site.flight.drained_total == 1


async def test_a_response_without_headers_is_told_to_close_too() -> None:
    """They may be left out."""

    async def bare(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    site = Site(bare, *DRAINING)
    client = Client()
    await client.call(site.flight)

    assert client.headers == {"connection": "close"}


async def test_an_error_of_the_application_passes_through() -> None:
    """It is the server's to answer, and the request is over."""

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError

    site = Site(fail, *SERVING)
    with pytest.raises(LookupError):
        await Client().call(site.flight)

    assert site.flight.count == 0
    assert site.progress.completed == 1


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_request_passes_through(kind: str) -> None:
    """In any state, and uncounted."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    site = Site(app)
    await Client().call(site.flight, {"type": kind})

    assert seen == [kind]
    assert site.progress.completed == 0


async def test_a_request_that_is_cut_short_at_the_end_of_the_drain_is_answered() -> None:
    """With 503 and Retry-After where uvicorn would say 500."""
    site = Site(Slow(), *SERVING)
    client, task = await site.begin()
    assert site.flight.count == 1
    site.move(State.DRAINING, State.STOPPING)
    site.flight.cancel_all()
    await task

    assert client.status == 503
    assert client.headers["retry-after"] == "1"
    assert client.headers["connection"] == "close"
    assert client.headers["x-request-id"] == "none"
    assert json.loads(client.body)["detail"] == "draining"
    assert site.flight.cancelled_total == 1
    assert site.flight.count == 0


async def test_a_request_that_has_half_answered_is_just_ended() -> None:
    """A second beginning would be nonsense; the server closes the connection."""
    site = Site(Slow(content_type=b"text/plain"), *SERVING)
    client, task = await site.begin()
    site.move(State.DRAINING)
    site.flight.cancel_all()
    await task

    assert client.body == b"begun"
    assert [message["type"] for message in client.messages].count("http.response.start") == 1
    assert site.flight.cancelled_total == 1


async def test_a_cancellation_that_is_no_drain_passes_through() -> None:
    """A client that went away, for example."""
    site = Site(Slow(), *SERVING)
    client, task = await site.begin()
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert client.messages == []
    assert site.flight.count == 0


async def test_an_event_stream_ends_in_good_order_when_the_drain_begins() -> None:
    """It would never end by itself; the last chunk is written, and other requests go on."""
    site = Site(Slow(content_type=b"text/event-stream; charset=utf-8"), *SERVING)
    stream, streaming = await site.begin()
    other = Slow()
    site.flight._app = other  # noqa: SLF001 - a second endpoint
    client, asking = await site.begin()
    site.move(State.DRAINING)
    site.flight.end_streams()
    await streaming

    assert stream.messages[-1] == {"type": "http.response.body", "body": b""}
    assert site.flight.cancelled_total == 0
    assert site.flight.count == 1
    other.go.set()
    await asking
    assert client.body == b"ended"
    assert client.headers["connection"] == "close"


async def test_streams_that_have_not_begun_are_no_streams() -> None:
    """What a request will be is not known before its answer begins."""
    slow = Slow()
    site = Site(slow, *SERVING)
    _, task = await site.begin()
    site.move(State.DRAINING)
    site.flight.end_streams()
    await asyncio.sleep(0)

    assert not task.done()
    slow.go.set()
    await task


async def test_a_request_that_no_task_runs_cannot_be_cancelled() -> None:
    """It is left alone, and is no error."""
    site = Site(Slow(), *SERVING)
    client = Client()
    call: Coroutine[Any, Any, None] = site.flight(http(), receive, client.send)
    asyncio.get_running_loop().call_soon(call.send, None)
    await asyncio.sleep(0)
    assert site.flight.count == 1
    site.flight.cancel_all()
    await asyncio.sleep(0)

    assert client.messages == []
    call.close()


async def leaked(site: Site, requests: int, seconds: float) -> list[tuple[str, str]]:
    """Return what is found when requests have been unanswered for `seconds`."""
    begun = [await site.begin() for _ in range(requests)]
    site.clock.advance(seconds)
    detector = LeakDetector(site.flight, after_seconds=33, concurrency_limit=8)
    found = list(detector.look(0))
    site.move(State.DRAINING)
    site.flight.cancel_all()
    await asyncio.gather(*(task for _, task in begun))
    assert list(detector.look(0)) == []
    return kinds(found)


@pytest.mark.parametrize(
    ("requests", "seconds", "expected"),
    [
        (8, 32.9, []),
        (1, 33.1, [("requests-leaked", "SUSPECT")]),
        (3, 33.1, [("requests-leaked", "SUSPECT")]),
        (4, 33.1, [("requests-leaked", "BROKEN")]),
    ],
)
async def test_requests_beyond_every_time_out_are_leaked(
    requests: int, seconds: float, expected: list[tuple[str, str]]
) -> None:
    """One is suspect, half of what may run at once is broken."""
    assert await leaked(Site(Slow(), *SERVING), requests, seconds) == expected


async def test_a_long_download_is_not_leaked() -> None:
    """Its answer has begun: somebody is at work."""
    site = Site(Slow(content_type=b"application/zip"), *SERVING)

    assert await leaked(site, 8, 3600) == []
