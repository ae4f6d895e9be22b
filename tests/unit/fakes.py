"""Fakes that several unit tests put behind the ports, each of a few lines."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import httpx
from typing_extensions import override

from messenger import calls
from messenger.calls import Call
from messenger.models import Account, Contact, Draft, Preference, Profile, Template
from messenger.parties import Parties

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

Behaviour = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""How a fake downstream treats a request."""

DRAFT = Draft("alice", "bob", "push", "See https://example.com/long")
"""A message with a link."""

PARTIES = Parties(
    account=Account("alice", enabled=True),
    contact=Contact("bob", push="device-b"),
    sender=Profile("alice", "Alice"),
    recipient=Profile("bob", "Bob", "fr"),
    preference=Preference("bob"),
    template=Template("push", "$sender: $body"),
    stale=frozenset(),
)
"""Those of the draft: all is known, nothing stands in the way."""

ANSWERS: Mapping[str, tuple[int, object]] = {
    "consent": (200, {"allowed": True}),
    "presence": (200, {"online": True}),
    "translation": (200, {"text": "[fr] See https://example.com/long"}),
    "spam": (200, {"score": 0.1}),
    "links": (200, {"links": {"https://example.com/long": "https://sho.rt/1"}}),
    "delivery": (201, {"id": "m1", "status": "accepted", "not_before": None}),
    "audit": (201, {}),
}
"""What the live downstreams answer over HTTP on a good day."""

GOOD_DAY: Mapping[str, object] = {
    "consent": calls.Consent(allowed=True),
    "presence": calls.Presence(online=True),
    "translation": calls.Translation("Voir https://example.com/long"),
    "spam": calls.Score(0.1),
    "links": calls.Links({"https://example.com/long": "https://sho.rt/1"}),
    "delivery": calls.Delivery("first-id", "accepted"),
    "audit": calls.Nothing(),
}
"""The same, as whoever calls them gets it."""


class FakeDirectory:
    """Knows the parties it was given."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties

    async def parties(self, draft: Draft, within_seconds: float) -> Parties:  # noqa: ARG002 - a fake
        """Return the parties."""
        return self._parties


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
