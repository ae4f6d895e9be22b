"""Messages and their latency with 1 to 1,024 clients, each of which waits for its answer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from tests.integration.process import Process

from .load import Burst, Client, burst, client
from .plot import Plot, Points
from .row import Length, Row, quantile
from .sides import MESSAGE, messenger, mocks, plain

CLIENTS = tuple(2**power for power in range(11))

UNLIMITED = {
    "MESSENGER_CONCURRENCY_LIMIT": "2000",
    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "60",
}
"""All clients are served, however long it takes: what is refused beyond the limit is another
benchmark."""

ROUNDS = 3
"""Messages that each client sends at least. A thousand have five thousand calls under way, and need
seconds for one message each: by time alone nothing would be measured but how connections are made,
and how the last clients wait alone."""

LEAST_KEPT = 0.8
"""What has to be left of the highest throughput with the most clients, by the CPU of Messenger and
beside what is left of that of the plain lines: they too have thousands of connections to look
after, and do nothing else."""


def rows(length: Length) -> list[Row]:
    """Measure Messenger and the plain lines on aiohttp, in turns for each number of clients."""
    seconds = length.of(quick=1, usual=4)
    numbers = CLIENTS[:: length.of(quick=5, usual=1)]
    found: dict[str, list[Burst]] = {"plain": [], "messenger": []}
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = mocks(stack)
        sides = {
            "plain": plain(stack, behind, "aiohttp"),
            "messenger": messenger(stack, behind, UNLIMITED),
        }
        for number in numbers:
            for name, each in sides.items():
                found[name].append(_crowd(each, sender, number, seconds))
    return [_throughput(numbers, found), _efficiency(numbers, found), _latency(numbers, found)]


def _crowd(process: Process, sender: Client, number: int, seconds: float) -> Burst:
    """Return what so many clients had, all connections to the mocks being there already."""
    for part, least in ((0.0, 1), (seconds, ROUNDS)):
        done = burst(
            process.pid,
            process.port,
            MESSAGE,
            connections=number,
            seconds=part,
            least=least,
            sender=sender,
        )
    assert done.latencies, f"process {process.pid}: no message of {number} clients was accepted"
    return done


def _throughput(numbers: Sequence[int], found: dict[str, list[Burst]]) -> Row:
    lines = _lines(numbers, found, lambda done: len(done.latencies) / done.seconds)
    failed = {name: sum(done.errors for done in bursts) for name, bursts in found.items()}
    return Row(
        f"messages per second, {numbers[0]} to {numbers[-1]:,} clients",
        f"{_told(lines['plain'])}; {failed['plain']} failed",
        f"{_told(lines['messenger'])}; {failed['messenger']} failed",
        "reported; none failed",
        not failed["messenger"],
        Plot("clients-throughput", "Messages per second", "clients", "messages / s", lines),
    )


def _efficiency(numbers: Sequence[int], found: dict[str, list[Burst]]) -> Row:
    lines = _lines(numbers, found, lambda done: len(done.latencies) / done.server_cpu_seconds)
    kept = {name: line[-1][1] / max(rate for _, rate in line) for name, line in lines.items()}
    ratio = kept["messenger"] / kept["plain"]
    told = f"{kept['messenger']:.2f} beside {kept['plain']:.2f}, ratio {ratio:.2f}"
    return Row(
        f"messages per CPU-second, {numbers[0]} to {numbers[-1]:,} clients",
        _told(lines["plain"]),
        _told(lines["messenger"]),
        f"kept of the highest with the most clients: {told}, at least {LEAST_KEPT}",
        ratio >= LEAST_KEPT,
    )


def _latency(numbers: Sequence[int], found: dict[str, list[Burst]]) -> Row:
    lines = _lines(numbers, found, lambda done: 1000 * quantile(done.latencies, 0.99))
    return Row(
        f"latency, 99th percentile, ms, {numbers[0]} to {numbers[-1]:,} clients",
        _told(lines["plain"]),
        _told(lines["messenger"]),
        "reported",
        None,
        Plot("clients-latency", "Latency, 99th percentile", "clients", "ms", lines),
    )


def _lines(
    numbers: Sequence[int], found: dict[str, list[Burst]], measure: Callable[[Burst], float]
) -> Mapping[str, Points]:
    """Return a measure of each side, by the number of clients."""
    return {
        name: [(number, measure(done)) for number, done in zip(numbers, bursts, strict=True)]
        for name, bursts in found.items()
    }


def _told(line: Points) -> str:
    return ", ".join(f"{n:g}: {value:.0f}" for n, value in line)
