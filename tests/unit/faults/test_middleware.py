"""The middleware does to business calls what was drawn, and leaves everything else alone."""

import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from messenger.faults import FaultMiddleware, Faults, parse
from messenger.faults.dice import GARBAGE

ANSWER: list[Message] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]},
    {"type": "http.response.body", "body": b"hello"},
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer hello."""
    del scope, receive
    for message in ANSWER:
        await send(message)


class Call:
    """One call through the middleware, with what happened in its course."""

    def __init__(self, faults: str, path: str = "/v1/x", root_path: str = "") -> None:
        self.events: list[Message | float] = []
        self._scope = {"type": "http", "path": path, "root_path": root_path}
        self._middleware = FaultMiddleware(app, Faults(parse(faults), seed=1), sleep=self._sleep)
        self._incoming: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def make(self) -> list[Message | float]:
        """Make the call, and return what was sent and how long was slept, in order."""
        await self._middleware(self._scope, self._receive, self._send)
        return self.events

    async def _sleep(self, seconds: float) -> None:
        self.events.append(seconds)

    async def _send(self, message: Message) -> None:
        if message.get("status") == 1000:
            raise KeyError(1000)  # as uvicorn does
        self.events.append(message)

    async def _receive(self) -> Message:
        return self._incoming.pop(0)

    @property
    def has_left(self) -> bool:
        """Whether the client's leaving was waited for."""
        return not self._incoming


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        pytest.param("/health/alive", "", id="probe"),
        pytest.param("/debug/faults", "", id="control"),
        pytest.param("/accounts/stats", "/accounts", id="control-below-a-root"),
    ],
)
async def test_faults_spare_what_is_no_business_call(path: str, root_path: str) -> None:
    """Probes and controls are answered whatever the faults."""
    assert await Call("error:100%,latency:1s", path, root_path).make() == ANSWER


async def test_faults_spare_what_is_no_http() -> None:
    """The lifespan of the application reaches it."""
    reached = []

    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        reached.append(scope["type"])

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        del message

    await FaultMiddleware(lifespan, Faults(parse("error:100%")))(
        {"type": "lifespan"}, receive, send
    )

    assert reached == ["lifespan"]


async def test_call_without_faults_is_answered_as_ever() -> None:
    """An idle middleware changes nothing."""
    assert await Call("").make() == ANSWER


async def test_error_is_a_problem_with_its_status() -> None:
    """The answer is RFC 9457's and says that the error was made on purpose."""
    start, body = await Call("error=500:100%", "/accounts/v1/x", "/accounts").make()

    assert isinstance(start, dict)
    assert isinstance(body, dict)
    assert start["status"] == 500
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert dict(start["headers"])[b"x-fault"] == b"error"
    assert json.loads(body["body"]) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "injected fault",
    }


async def test_error_with_a_status_that_nobody_named_has_a_title_too() -> None:
    """Every status of the grammar can be answered."""
    start, _ = await Call("error=599:100%").make()

    assert isinstance(start, dict)
    assert start["status"] == 599


async def test_latency_delays_the_whole_answer() -> None:
    """The wait comes first, then all of the answer."""
    assert await Call("latency:200ms").make() == [0.2, *ANSWER]


async def test_slow_body_sends_one_byte_at_once_and_the_rest_late() -> None:
    """The client sees an answer begin, and waits for its end."""
    assert await Call("slow-body:1s").make() == [
        ANSWER[0],
        {"type": "http.response.body", "body": b"h", "more_body": True},
        1.0,
        {"type": "http.response.body", "body": b"ello"},
    ]


async def test_garbage_looks_like_an_answer_and_is_none() -> None:
    """Status and type are those of a good answer; the body is not what was asked for."""
    start, body = await Call("garbage:100%").make()

    assert isinstance(start, dict)
    assert isinstance(body, dict)
    assert start["status"] == 200
    assert body["body"] in GARBAGE


async def test_hang_answers_nothing_and_ends_when_the_client_leaves() -> None:
    """The call lasts as long as the client's patience, and no longer."""
    call = Call("hang:100%")

    assert await call.make() == []
    assert call.has_left


async def test_reset_sends_nothing_that_could_be_written() -> None:
    """The server is left with an answer begun and not writable, and hangs up."""
    assert await Call("reset:100%").make() == []
