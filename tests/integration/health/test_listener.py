"""The listening socket of the real system."""

from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from messenger.health.listener import bind
from tests.integration.lab.experiment import lab, until_serving
from tests.integration.lab.wire import Connection, request
from tests.integration.meanwhile import meanwhile
from tests.integration.service import until

from .figures import note
from .loops import UVLOOP

KNOCKING = 40
"""Connections that come at once."""

AT_ONCE_TURNS = 15
"""Answers of the busy loop within which all of them are to be served: those of the turns in which
they are accepted and read, and some that come while the others still knock."""


def test_a_port_that_somebody_has_cannot_be_bound() -> None:
    """The caller is told so before anything else has begun."""
    with bind("127.0.0.1", 0) as first:
        first.listen()

        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", first.getsockname()[1])


def turns_until_served(options: dict[str, Any]) -> int:
    """Let many knock at a busy laboratory; return how many turns it takes to serve them all.

    Two clients keep the loop busy, with 20 ms of CPU for each request: while one of them has its
    answer and asks again, the loop works for the other. Its answers count the turns.
    """
    turns = 0

    def keep_busy(connection: Connection) -> None:
        nonlocal turns
        connection.send(request("/heavy?ms=20"))
        assert connection.receive().code == 200
        turns += 1

    with lab(**options) as process, ExitStack() as stack:
        if not options.get("plain"):
            until_serving(process)
        for _ in range(2):
            busy = stack.enter_context(Connection(process.port))
            stack.enter_context(meanwhile(partial(keep_busy, busy), 0))
        until(lambda: turns >= 2, "is busy", process)
        began = turns
        knocking = [stack.enter_context(Connection(process.port)) for _ in range(KNOCKING)]
        for connection in knocking:
            connection.send(request("/hello"))
        replies = [connection.receive() for connection in knocking]
        took = turns - began
    assert {reply.code for reply in replies} == {200}
    return took


def test_whoever_knocks_at_a_busy_loop_is_accepted_in_its_next_turn() -> None:
    """The control, uvloop alone, accepts one a turn: a probe would wait for all before it."""
    subject, control = (
        turns_until_served({**UVLOOP, **how}) for how in ({"responder": False}, {"plain": True})
    )
    note(f"turns until {KNOCKING} connections are served: ours, plain uvloop", (subject, control))

    assert subject <= AT_ONCE_TURNS
    assert control >= 2 * AT_ONCE_TURNS
