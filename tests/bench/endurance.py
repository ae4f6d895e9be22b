"""Memory after many messages beside memory after a tenth of them: nothing is kept of a message."""

import json
from contextlib import ExitStack

from .load import burst, client, post
from .memory import resident_megabytes
from .plot import Plot
from .row import Length, Row
from .sides import messenger, mocks

MOST_GROWTH = 0.05
"""What the second nine tenths of the messages may add, as a share."""

BURST_SECONDS = 5.0
"""How often it is looked whether there were enough."""

PAIRS = 5_000
"""Who writes to whom: more than the 4,096 addresses that Messenger remembers."""

PEOPLE = range(8, 1000)
"""Numbers of those who can all write and be written to; see `downstream.people`."""


def rows(length: Length) -> list[Row]:
    """Send messages from everybody to everybody; 10,000 and 100,000, at full length a million."""
    first = length.of(quick=300, usual=10_000, full=100_000)
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        subject = messenger(stack, mocks(stack))
        messages = [_message(number) for number in range(PAIRS)]
        line, sent = [], 0
        while sent < 10 * first:
            done = burst(
                subject.pid,
                subject.port,
                messages,
                seconds=length.of(quick=1, usual=int(BURST_SECONDS)),
                sender=sender,
            )
            assert not done.errors, done.errors
            assert done.requests
            sent += done.requests
            line.append((sent, resident_megabytes(subject.pid)))
    early = next(megabytes for count, megabytes in line if count >= first)
    late = line[-1][1]
    growth = late / early - 1
    return [
        Row(
            f"resident memory, MB, after {first:,} and {10 * first:,} messages",
            f"{early:.1f}",
            f"{late:.1f}",
            f"at most +{MOST_GROWTH:.0%}: {growth:+.1%}",
            growth <= MOST_GROWTH,
            Plot("memory", "Resident memory", "messages", "MB", {"messenger": line}),
        )
    ]


def _message(number: int) -> bytes:
    """Return a message of a pair of its own."""
    people = len(PEOPLE)
    sender, recipient = PEOPLE[number % people], PEOPLE[(number + 1 + number // people) % people]
    draft = {
        "sender": f"p{sender:05}",
        "recipient": f"p{recipient:05}",
        "channel": "push",
        "body": "Hello",
    }
    return post("/v1/messages", json.dumps(draft).encode())
