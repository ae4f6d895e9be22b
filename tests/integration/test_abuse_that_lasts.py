"""Abuse that takes time or thousands of connections gets what README says, and keeps nobody out.

While each of them lasts, probes are asked as a kubelet asks them, and what is left afterwards is
held against what was there before: memory, and open connections.
"""

import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from messenger.parser import ARRIVAL_SECONDS, MAX_AHEAD, SILENCE_SECONDS
from messenger.time_limit import BODY_SECONDS
from tests.integration import abuse, clients, crowd
from tests.integration.abuse import GET, LASTING, NEXT, TABLE
from tests.integration.crowd import Dripper
from tests.integration.lab.experiment import KUBELET_FAILURES, longest_failure, probe
from tests.integration.lab.wire import Reply
from tests.integration.meanwhile import meanwhile
from tests.integration.service import Pair, code, in_front_of, pair, until, until_ready

GROWTH_MEBIBYTES = 64
"""How much memory any abuse may leave behind: what the allocator does not give back."""

IDLE = 10_000
IDLE_KIBIBYTES = 20
"""How much memory an idle connection may have: measured are 5."""

BURST = 100
"""So many of them come in one go."""

SLOW = 100
"""Slow senders of each kind at a time."""

LATE_SECONDS = 4.0
"""How much later than it should a limit may strike on a machine that has other things to do."""

RANDOM_SECONDS = 60.0
PROBES = ("/health/alive", "/health/ready")


@contextmanager
def probing(service: Pair) -> Iterator[dict[str, list[Reply]]]:
    """Probe twice a second for as long as the block lasts; yield what each probe heard."""
    answers: dict[str, list[Reply]] = {path: [] for path in PROBES}

    def ask() -> None:
        for path, heard in answers.items():
            heard.append(probe(service.messenger, path))

    with meanwhile(ask, 0.5):
        yield answers


@pytest.fixture(scope="module")
def service() -> Iterator[Pair]:
    """Run a service for all tests of this file."""
    crowd.many(IDLE)  # a process has the limit of the one that starts it
    with pair() as service:
        until_ready(service)
        yield service


def answered(service: Pair, drippers: list[Dripper], status: int, after: float) -> None:
    """Assert that all drippers get one answer, and that their connections end in time."""
    heard = crowd.sit(service.messenger.port, drippers * SLOW, after + LATE_SECONDS)

    assert {tuple(each.statuses) for each in heard} == {(status,)}
    assert all(each.is_closed for each in heard)
    assert min(each.seconds for each in heard) > after - 1


def heads_that_stop(service: Pair) -> None:
    """On business and health routes, from the first line on, and behind a request."""
    shapes = (GET + b"X: ", abuse.POST, b"GET /health/al", b"GET /health/alive HTTP/1.1\r\n")
    drippers = [Dripper(b"G", b""), *map(Dripper, shapes)]
    answered(service, drippers, 408, ARRIVAL_SECONDS)


def messages_that_stop(service: Pair) -> None:
    """With a length and in chunks, of one byte each."""
    drippers = [
        Dripper(abuse.post(abuse.LENGTH, b"{"), b" "),
        Dripper(abuse.post(abuse.CHUNKED, b""), b"1\r\n \r\n"),
    ]
    answered(service, drippers, 408, 3 + BODY_SECONDS)


def bodies_that_nobody_reads(service: Pair) -> None:
    """Answered before they have arrived; the rest has to come in time all the same."""
    head = b"POST /nowhere HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n"
    answered(service, [Dripper(head)], 404, ARRIVAL_SECONDS)


def silence(service: Pair) -> None:
    """Not even the beginning of a request."""
    patience = SILENCE_SECONDS + LATE_SECONDS
    heard = crowd.sit(service.messenger.port, [Dripper(b"", b"")] * SLOW, patience)

    assert {(each.data, each.is_closed) for each in heard} == {(b"", True)}
    assert min(each.seconds for each in heard) > SILENCE_SECONDS - 1


def answers_that_nobody_reads(service: Pair) -> None:
    """Asked for until no more fit between the two; the connections are gone, not just silent."""
    few = b"GET /page.js HTTP/1.1\r\nHost: x\r\n\r\n" * (MAX_AHEAD // 2)
    with ExitStack() as stack:
        deaf = [stack.enter_context(socket.socket()) for _ in range(SLOW // 10)]
        for each in deaf:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.connect(("127.0.0.1", service.messenger.port))
            each.setblocking(False)
        until(
            lambda: crowd.connections(service.messenger.port) >= len(deaf),
            "deaf clients are accepted",
            service.messenger,
        )
        for _ in range(15):  # some 12 MB each, three times what the kernel keeps
            for each in deaf:
                with suppress(OSError):
                    each.send(few)
            time.sleep(0.3)
        until(
            lambda: crowd.connections(service.messenger.port) < len(deaf) // 2,
            "deaf clients are hung up on",
            service.messenger,
            timeout=2 * ARRIVAL_SECONDS + LATE_SECONDS,
        )


def requests_without_end(service: Pair) -> None:
    """Those that were taken in are answered, and the rest is not even read."""
    heard = abuse.converse(service.messenger.port, (GET + b"\r\n") * 20_000)

    # The first piece that arrives may hold few of them, and is answered before the next is read.
    assert set(heard.statuses) == {200}
    assert len(heard.statuses) < 20_000
    assert heard.is_closed


def idle_connections(service: Pair) -> None:
    """As many as the limit on descriptors lets there be; messages are accepted beside them."""
    number = crowd.many(IDLE)
    before = crowd.resident_mebibytes(service.messenger.pid)
    with ExitStack() as stack, clients.client() as client:
        for turn in range(number):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.messenger.port)))
            if turn % BURST == 0:
                time.sleep(0.05)  # they are to be many, not to come all at once
        until(
            lambda: crowd.connections(service.messenger.port) >= number,
            "all connections are accepted",
            service.messenger,
        )
        status = service.send(client).status_code
        held = crowd.resident_mebibytes(service.messenger.pid) - before

    assert status == 202
    assert held * 1024 / number < IDLE_KIBIBYTES
    print(f"{number} idle connections: {held * 1024 / number:.1f} KiB each")  # noqa: T201 - a figure


def random_bytes(service: Pair) -> None:
    """Pure noise is 400; noise in a shape that is nearly right is nothing worse."""
    dice = random.Random(8)
    shapes = [shape for row in TABLE.values() for shape in row.shapes if len(shape) < 1_000]
    ends_at = time.monotonic() + RANDOM_SECONDS
    pure, spoiled = set(), set()
    while time.monotonic() < ends_at:
        noise = b"\x00" + dice.randbytes(dice.randrange(1, 4_000))
        pure.update(abuse.converse(service.messenger.port, noise).statuses)
        shape = bytearray(dice.choice(shapes) + NEXT)
        for _ in range(dice.randrange(1, 4)):
            shape[dice.randrange(len(shape))] = dice.randrange(256)
        spoiled.update(abuse.converse(service.messenger.port, bytes(shape), 0.2).statuses)

    assert pure == {400}
    assert max(spoiled) < 500


CHECKS: dict[str, Callable[[Pair], None]] = {
    "a head that stops": heads_that_stop,
    "a message that stops": messages_that_stop,
    "a body that drips where none is read": bodies_that_nobody_reads,
    "nothing": silence,
    "requests whose answers are not read": answers_that_nobody_reads,
    "requests without end before an answer is read": requests_without_end,
    "10,000 connections that say nothing": idle_connections,
    "random bytes for a minute": random_bytes,
}


@pytest.mark.slow
@pytest.mark.parametrize("sent", CHECKS)
def test_abuse_that_lasts_is_bounded_and_keeps_no_probe_out(service: Pair, sent: str) -> None:
    """The row of the table holds, no kubelet restarts, and memory and connections come back."""
    pid = service.messenger.pid
    before = crowd.resident_mebibytes(pid)
    with probing(service) as answers:
        CHECKS[sent](service)
    port = service.messenger.port
    until(lambda: crowd.connections(port) == 0, "connections are gone", service.messenger)

    assert all(longest_failure(heard) < KUBELET_FAILURES for heard in answers.values()), answers
    assert crowd.resident_mebibytes(pid) - before < GROWTH_MEBIBYTES
    assert code(f"{service.messenger.url}/health/ready") == 200
    assert not [line for line in service.messenger.stderr if "exc_info" in json.loads(line)]


@pytest.mark.slow
def test_without_our_parser_nothing_ends(service: Pair, tmp_path: Path) -> None:
    """The control: a head may stop for ever, and nobody is hung up on for asking too far ahead."""
    root = abuse.without_our_parser(tmp_path)
    with in_front_of(service.downstream, root=root) as plain:
        until_ready(plain)
        asked = abuse.converse(plain.messenger.port, (GET + b"\r\n") * 3_000)
        heard = crowd.sit(
            plain.messenger.port, [Dripper(b"GET /health/al")], ARRIVAL_SECONDS + LATE_SECONDS
        )

    assert len(asked.statuses) == 3_000
    assert [(each.statuses, each.is_closed) for each in heard] == [([], False)]


def test_every_row_that_lasts_is_checked() -> None:
    """And no check has no row."""
    assert set(CHECKS) == set(LASTING)
