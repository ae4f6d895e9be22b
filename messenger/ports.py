"""The ports of the domain: what it needs from outside, as Protocols of one method each.

A test puts a fake of a few lines behind a port; `app` puts the real thing there.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ParamSpec, Protocol, TypeVar

from messenger.calls import Call
from messenger.models import Draft
from messenger.parties import Parties

Answer = TypeVar("Answer")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Caller(Protocol):
    """Whoever can put a call through to a downstream."""

    async def answer(self, call: Call[Answer], within_seconds: float) -> Answer:
        """Return the downstream's answer.

        Raises:
            MessengerError: Unavailable, or the error that the call names for a refusal.
        """
        ...


class PartyFinder(Protocol):
    """Whoever knows people and templates."""

    async def parties(self, draft: Draft, within_seconds: float) -> Parties:
        """Return what is known about the parties of a draft.

        Raises:
            Unavailable: It is not known whether sender or recipient exist.
        """
        ...


class Threads(Protocol):
    """A pool of threads for work that would hold the event loop up."""

    async def run(
        self,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Return what the function returned in a thread."""
        ...


class Progress(Protocol):
    """A warm-up gate, as the one who warms up sees it."""

    def progress(self, done: int, total: int) -> object:
        """Say how far the work has come, which keeps the gate's budget from running out."""
        ...


class Beat(Protocol):
    """The sign of life of a supervised worker; with a second method since one needs the other."""

    def __call__(self) -> object:
        """Say that the worker is at work."""
        ...

    def waiting(self) -> AbstractContextManager[object]:
        """Mark a wait for others, during which silence is no sign of death."""
        ...
