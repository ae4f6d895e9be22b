"""Fakes that several unit tests put behind the ports, each of a few lines."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import httpx
from typing_extensions import override

from messenger.calls import Call

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

Behaviour = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""How a fake downstream treats a request."""

ANSWERS: Mapping[str, tuple[int, object]] = {
    "consent": (200, {"allowed": True}),
    "presence": (200, {"online": True}),
    "translation": (200, {"text": "[fr] See https://example.com/long"}),
    "spam": (200, {"score": 0.1}),
    "links": (200, {"links": {"https://example.com/long": "https://sho.rt/1"}}),
    "delivery": (201, {"id": "m1", "status": "accepted", "not_before": None}),
    "audit": (201, {}),
}
"""What the live downstreams answer on a good day."""


class FakeCaller:
    """Answers calls from a table: a value, an error to raise, or a function of the call."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = dict(answers)
        self.calls: list[Call[Any]] = []

    async def answer(self, call: Call[Any], within_seconds: float) -> Any:  # noqa: ANN401, ARG002 - of any call
        """Answer one call."""
        self.calls.append(call)
        answer = self.answers[call.downstream]
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, Exception):
            raise answer
        return answer


class InlineThreads:
    """A pool that runs everything here and now, and counts it."""

    def __init__(self) -> None:
        self.runs_total = 0

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run one function."""
        self.runs_total += 1
        return function(*args, **kwargs)


class FakeTransport(httpx.AsyncBaseTransport):
    """A network whose hosts answer from a table, or behave as they are told."""

    def __init__(self, behaviours: Mapping[str, Behaviour] | None = None) -> None:
        self.behaviours = dict(behaviours or {})
        self.requests: list[httpx.Request] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        behaviour = self.behaviours.get(request.url.host)
        if behaviour is not None:
            return await behaviour(request)
        status, content = ANSWERS[request.url.host]
        return httpx.Response(status, json=content)


class Clock:
    """A clock that a test sets."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds
