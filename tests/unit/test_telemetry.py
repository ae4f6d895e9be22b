"""The middleware: each request observed once, each answer marked."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messenger.context import CURRENT, RequestContext
from messenger.metrics import Metrics
from messenger.telemetry import Telemetry, TelemetryMiddleware
from messenger.tracing import Passing

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer 200 as a route with a template would, and remember who asked."""
    scope["endpoint"] = answer
    scope["seen"] = CURRENT.get()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body"})


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Raise before any answer."""
    raise LookupError


async def be_cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Be cut short."""
    raise asyncio.CancelledError


def telemetry() -> Telemetry:
    """Build telemetry with seeded dice and a clock that advances by 1 s at each look."""
    dice = random.Random(1)
    ticks = iter(range(1000))
    return Telemetry(
        Metrics(CollectorRegistry(), "1.0"),
        Passing(dice.getrandbits),
        bits=dice.getrandbits,
        clock=lambda: float(next(ticks)),
    )


async def receive() -> Message:
    """Receive nothing."""
    raise AssertionError


async def call(
    app: ASGIApp, told: Telemetry, headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[Scope, list[Message]]:
    """Send one request through the middleware and return its scope and what was sent."""
    scope: Scope = {"type": "http", "method": "GET", "path": "/thing/7", "headers": headers}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = TelemetryMiddleware(
        app, telemetry=told, routes={answer: "/thing/{id}"}, marks=[(b"x-messenger-pod", b"p")]
    )
    await middleware(scope, receive, send)
    return scope, sent


def counted(told: Telemetry) -> dict[tuple[str, ...], float]:
    """Return the requests counted, by the values of the labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in told.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "messenger_requests_total"
    }


async def test_an_answer_is_marked_and_counted_by_its_template() -> None:
    """The application's own headers stay, and the path's id is no label."""
    told = telemetry()
    _, sent = await call(answer, told, [(b"x-request-id", b"abc")])

    assert list(sent[0]["headers"]) == [
        (b"x", b"y"),
        (b"x-messenger-pod", b"p"),
        (b"x-request-id", b"abc"),
    ]
    assert counted(told) == {("GET", "/thing/{id}", "200"): 1}


async def test_the_request_is_known_while_it_is_in_work() -> None:
    """What is logged or called meanwhile carries its ids."""
    scope, _ = await call(
        answer, telemetry(), [(b"x-request-id", b"abc"), (b"traceparent", PARENT)]
    )

    seen: RequestContext = scope["seen"]
    assert seen.request_id == "abc"
    assert seen.trace.traceparent == PARENT.decode()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a b", id="a space"),
        pytest.param(b"\xe4", id="not ASCII"),
        pytest.param(b"x" * 129, id="too long"),
    ],
)
async def test_a_request_id_that_is_no_id_is_replaced(given: bytes) -> None:
    """What a caller sends ends in our logs, so it has a form."""
    scope, sent = await call(answer, telemetry(), [(b"x-request-id", given)])

    new = scope["seen"].request_id
    assert len(new) == 32
    assert (b"x-request-id", new.encode()) in sent[0]["headers"]


async def test_a_request_id_of_the_greatest_length_is_kept() -> None:
    """128 characters are allowed."""
    scope, _ = await call(answer, telemetry(), [(b"x-request-id", b"x" * 128)])

    assert scope["seen"].request_id == "x" * 128


async def test_states_in_several_headers_are_one_list() -> None:
    """RFC 9110, section 5.3: order is kept."""
    headers = [(b"traceparent", PARENT), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    scope, _ = await call(answer, telemetry(), headers)

    assert scope["seen"].trace.state == "a=1,b=2"


@pytest.mark.parametrize(
    ("app", "error", "code"),
    [
        pytest.param(fail, LookupError, "none", id="no answer"),
        pytest.param(be_cancelled, asyncio.CancelledError, "503", id="cut short by the drain"),
    ],
)
async def test_a_request_that_raises_is_counted_too(
    app: ASGIApp, error: type[BaseException], code: str
) -> None:
    """An error outside of any route has no template, and is not swallowed."""
    told = telemetry()
    with pytest.raises(error):
        await call(app, told)

    assert counted(told) == {("GET", "unmatched", code): 1}


async def test_what_is_not_http_passes_untouched() -> None:
    """The lifespan is no request."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    middleware = TelemetryMiddleware(app, telemetry=telemetry(), routes={}, marks=[])
    await middleware({"type": "lifespan"}, receive, receive)  # type: ignore[arg-type]

    assert seen == [{"type": "lifespan"}]


async def test_a_live_call_is_counted_with_its_outcome_and_told_its_place() -> None:
    """Without an exporter the downstream is told the request's own place."""
    told = telemetry()
    observation = told.start("presence", "GET")
    observation.finish("timeout", None)

    assert [name for name, _ in observation.headers] == ["traceparent"]
    samples = [s for f in told.metrics.registry.collect() for s in f.samples]
    (calls,) = (s for s in samples if s.name == "messenger_downstream_calls_total")
    assert (calls.labels, calls.value) == ({"downstream": "presence", "outcome": "timeout"}, 1)
    (seconds,) = (s for s in samples if s.name == "messenger_downstream_seconds_sum")
    assert seconds.value == 1
