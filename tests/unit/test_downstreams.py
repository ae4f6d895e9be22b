"""Calls over HTTP: what is sent, what counts as an answer, and how everything else fails."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import msgspec
import pytest

from messenger import calls
from messenger.downstreams import (
    KEEP_ALIVE_SECONDS,
    MAX_ANSWER_BYTES,
    Downstreams,
    Transport,
)
from messenger.errors import Absent, KeyReused, MessengerError, Unavailable
from messenger.models import Draft
from messenger.observation import Observation, Outcome
from tests.unit.fakes import Behaviour, FakeTransport

DRAFT = Draft("alice", "bob", "push", "hello")
PROBLEM = {"content-type": "application/problem+json"}


class Observed:
    """An observer, and observation, that keeps what it is told."""

    headers = (("traceparent", "00-1-2-01"),)

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def start(self, downstream: str, method: str) -> Observation:
        """Begin."""
        self.told.append((downstream, method))
        return self

    def finish(self, outcome: Outcome, status: int | None) -> None:
        """End."""
        self.told.append((outcome, status))


def network(behaviour: Behaviour) -> tuple[Downstreams, Observed, FakeTransport]:
    """Return downstreams of which `consent`, `accounts` and `delivery` behave as given."""
    observer = Observed()
    transport = FakeTransport(dict.fromkeys(("consent", "accounts", "delivery"), behaviour))
    return Downstreams("http://{service}:8080", transport, observer=observer), observer, transport


def answering(
    status: int, content: bytes, headers: dict[str, str] | None = None
) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    """Return a behaviour that answers so."""

    async def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content, headers=headers)

    return answer


def raising(error: Exception) -> Behaviour:
    """Return a behaviour that fails so."""

    async def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    return fail


async def hang(_request: httpx.Request) -> httpx.Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


class EndlessBody(httpx.AsyncByteStream):
    """A body whose first byte comes at once and whose rest never does."""

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204 - an async generator
        """Send one byte."""
        yield b"{"
        await asyncio.Event().wait()


async def dribble(_request: httpx.Request) -> httpx.Response:
    """Answer with a body that never ends."""
    return httpx.Response(200, stream=EndlessBody())


async def test_a_get_carries_its_query_and_the_trace() -> None:
    """The address is the template's, the target the call's, the headers the observer's."""
    downstreams, _, transport = network(answering(200, b'{"allowed":true}'))
    answer = await downstreams.answer(calls.consent(DRAFT), 1.0)
    [request] = transport.requests

    assert answer == calls.Consent(allowed=True)
    assert str(request.url) == (
        "http://consent:8080/v1/consent?sender=alice&recipient=bob&channel=push"
    )
    assert request.headers["traceparent"] == "00-1-2-01"


async def test_a_post_carries_json_and_its_key() -> None:
    """The body is encoded once and can be read by the transport as it is."""
    downstreams, _, transport = network(answering(201, b'{"id":"m1","status":"accepted"}'))
    handover = calls.Handover(
        "m1", "alice", "bob", "push", "device", "hello", "hi", None, "accepted", None
    )
    await downstreams.answer(calls.delivery(handover, "key-1"), 1.0)
    [request] = transport.requests

    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "key-1"
    assert msgspec.json.decode(request.content, type=calls.Handover) == handover


@pytest.mark.parametrize(
    ("behaviour", "reason", "status"),
    [
        pytest.param(answering(503, b"{}", PROBLEM), "status", 503, id="error"),
        pytest.param(answering(404, b"{}", PROBLEM), "status", 404, id="refusal nobody named"),
        pytest.param(answering(302, b""), "status", 302, id="redirect"),
        pytest.param(answering(200, b"<html>"), "garbage", 200, id="no JSON"),
        pytest.param(answering(200, b'{"allowed":"yes"}'), "garbage", 200, id="other JSON"),
        pytest.param(answering(200, b'{"allowed":"\xff"}'), "garbage", 200, id="no UTF-8"),
        pytest.param(answering(200, b'{"x":' + b"[" * 9999), "garbage", 200, id="too deep"),
        pytest.param(answering(200, b" " * (MAX_ANSWER_BYTES + 1)), "garbage", 200, id="too long"),
        pytest.param(hang, "timeout", None, id="hang"),
        pytest.param(dribble, "timeout", 200, id="slow body"),
        pytest.param(raising(httpx.ConnectError("refused")), "connection", None, id="refused"),
        pytest.param(raising(httpx.ReadError("reset")), "connection", None, id="reset"),
        pytest.param(raising(UnicodeError("odd")), "garbage", None, id="no text"),
        pytest.param(raising(OSError("no route")), "connection", None, id="system"),
    ],
)
async def test_all_that_is_no_answer_is_unavailable(
    behaviour: Behaviour, reason: str, status: int | None
) -> None:
    """The reason is one of a closed set; observer and health see the same failure."""
    downstreams, observer, _ = network(behaviour)
    with pytest.raises(Unavailable) as caught:
        await downstreams.answer(calls.consent(DRAFT), 0.05)

    assert (caught.value.downstream, caught.value.reason) == ("consent", reason)
    assert observer.told == [("consent", "GET"), (reason, status)]
    assert downstreams.outcomes["consent"].recent() == (1, 1)


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        pytest.param(calls.entry("accounts", "x", bytes), 404, Absent, id="no such entry"),
        pytest.param(
            calls.delivery(
                calls.Handover("m", "a", "b", "sms", "+1", "x", "x", None, "accepted", None), "k"
            ),
            409,
            KeyReused,
            id="key reused",
        ),
    ],
)
async def test_a_refusal_that_the_call_names_is_an_answer(
    call: calls.Call[object], status: int, error: type[MessengerError]
) -> None:
    """It is raised as what it means, and is no failure of the downstream."""
    downstreams, observer, _ = network(answering(status, b"{}", PROBLEM))
    with pytest.raises(error):
        await downstreams.answer(call, 1.0)

    assert observer.told[-1] == ("refused", status)
    assert downstreams.outcomes[call.downstream].recent() == (1, 0)


async def test_a_refusal_that_is_no_problem_json_is_none() -> None:
    """A proxy's 404 does not make an account unknown."""
    downstreams, _, _ = network(answering(404, b"no route", {"content-type": "text/plain"}))
    with pytest.raises(Unavailable):
        await downstreams.answer(calls.entry("accounts", "alice", bytes), 1.0)


async def test_a_call_given_up_by_its_caller_is_no_failure() -> None:
    """A client that leaves makes no downstream look bad."""
    downstreams, observer, _ = network(hang)
    task = asyncio.create_task(downstreams.answer(calls.consent(DRAFT), 1.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert observer.told[-1] == ("cancelled", None)
    assert downstreams.outcomes["consent"].recent() == (0, 0)


async def test_nobody_has_to_observe() -> None:
    """Without an observer a call works the same."""
    downstreams = Downstreams("http://{service}:8080", FakeTransport())

    assert await downstreams.answer(calls.presence("bob"), 1.0) == calls.Presence(online=True)


@pytest.mark.parametrize("template", ["http://{service}", "https://{service}"])
async def test_a_transport_opens_nothing_before_its_first_request(template: str) -> None:
    """It can be made and closed without a network, with and without TLS."""
    transport = Transport(template, connections_per_host=5)

    await Downstreams(template, transport).aclose()


def test_idle_connections_are_dropped_before_the_other_side_drops_them() -> None:
    """Uvicorn closes them after five seconds; a second is left for what is on its way."""
    assert KEEP_ALIVE_SECONDS <= 5 - 1
