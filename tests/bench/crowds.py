"""Messages and their latency with 1 to 1,024 clients, each of which waits for its answer."""

from contextlib import ExitStack

from .load import Burst, burst, client
from .plot import Plot
from .row import Length, Row, quantile
from .sides import MESSAGE, messenger, mocks, plain

CLIENTS = tuple(2**power for power in range(11))

UNLIMITED = {"MESSENGER_CONCURRENCY_LIMIT": "2000"}
"""All clients are served: what is refused beyond the limit is another benchmark."""

LEAST_KEPT = 0.8
"""What has to be left of the highest throughput with the most clients: more of them share it, and
do not take from it."""


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
                done = burst(
                    each.pid,
                    each.port,
                    MESSAGE,
                    connections=number,
                    seconds=seconds,
                    sender=sender,
                )
                assert done.latencies, f"{name}: no message of {number} clients was accepted"
                found[name].append(done)
    return [_throughput(numbers, found), _latency(numbers, found)]


def _throughput(numbers: tuple[int, ...], found: dict[str, list[Burst]]) -> Row:
    lines = {
        name: [
            (n, len(done.latencies) / done.seconds) for n, done in zip(numbers, bursts, strict=True)
        ]
        for name, bursts in found.items()
    }
    rates = [rate for _, rate in lines["messenger"]]
    kept = rates[-1] / max(rates)
    failed = {name: sum(done.errors for done in bursts) for name, bursts in found.items()}
    return Row(
        f"messages per second, {numbers[0]} to {numbers[-1]:,} clients",
        f"{_told(lines['plain'])}; {failed['plain']} failed",
        f"{_told(lines['messenger'])}; {failed['messenger']} failed",
        f"with the most clients at least {LEAST_KEPT} of the highest: {kept:.2f}; none failed",
        kept >= LEAST_KEPT and not failed["messenger"],
        Plot("clients-throughput", "Messages per second", "clients", "messages / s", lines),
    )


def _latency(numbers: tuple[int, ...], found: dict[str, list[Burst]]) -> Row:
    lines = {
        name: [
            (n, 1000 * quantile(done.latencies, 0.99))
            for n, done in zip(numbers, bursts, strict=True)
        ]
        for name, bursts in found.items()
    }
    return Row(
        f"latency, 99th percentile, ms, {numbers[0]} to {numbers[-1]:,} clients",
        _told(lines["plain"]),
        _told(lines["messenger"]),
        "reported",
        None,
        Plot("clients-latency", "Latency, 99th percentile", "clients", "ms", lines),
    )


def _told(line: list[tuple[int, float]]) -> str:
    return ", ".join(f"{n}: {value:.0f}" for n, value in line)
