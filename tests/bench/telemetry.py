"""What telemetry costs a message: metrics, ids, and a tenth of the traces sent to a collector."""

import os
from collections.abc import Mapping
from contextlib import ExitStack

from tests.integration.collector import collecting
from tests.integration.process import Process, running
from tests.integration.service import Pair, mocks, until_ready

from .load import Client, burst, client, post
from .row import Row, spread

ROUNDS = 60
"""How often the sides take turns: many short bursts see the same machine, whoever else uses it."""

BURST_SECONDS = 0.5
"""Some hundred messages, a tenth of them recorded."""

TENTH = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.1",
}
"""Sampled where they begin, which is here: no request of the load names a trace."""

LEAST_RATIO = 0.9

PATIENT = {"MESSENGER_PORT": "0", "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: a message that does without is another one."""

MESSAGE = post(
    "/v1/messages", b'{"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}'
)


def _started(stack: ExitStack, behind: Process, module: str, env: Mapping[str, str]) -> Process:
    """Run one side on a core that the mocks and the load do without, if there are two."""
    settings = PATIENT | {"MESSENGER_DOWNSTREAM_URL": behind.url + "/{service}"}
    process = stack.enter_context(running(module, env={**settings, **env}))
    until_ready(Pair(process, behind))
    os.sched_setaffinity(process.pid, {0})
    return process


def _speed(process: Process, sender: Client) -> float:
    """Return messages per second of the process's CPU, in which its exports are contained."""
    result = burst(process.pid, process.port, MESSAGE, seconds=BURST_SECONDS, sender=sender)
    assert not result.errors, result
    return result.per_cpu_second


def rows() -> list[Row]:
    """Measure without telemetry, with a tenth of the traces, with none, and with all of them."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        collector = stack.enter_context(collecting())
        behind = stack.enter_context(mocks())
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        sides = {
            "control": _started(stack, behind, "tests.bench.silent", {}),
            "a tenth": _started(stack, behind, "messenger", told | TENTH),
            "none": _started(stack, behind, "messenger", {}),
            "all": _started(stack, behind, "messenger", told),
        }
        rounds = []
        for turn in range(ROUNDS):
            order = list(sides) if turn % 2 else list(reversed(sides))
            rounds.append({name: _speed(sides[name], sender) for name in order})
    return [_row(name, rounds) for name in ("a tenth", "none", "all")]


def _row(name: str, rounds: list[dict[str, float]]) -> Row:
    """Return how one side did against the control of the same round."""
    ratios = spread(each[name] / each["control"] for each in rounds)
    has_target = name == "a tenth"
    return Row(
        f"messages per CPU-second, telemetry on, {name} of the traces recorded",
        str(spread(each["control"] for each in rounds)),
        str(spread(each[name] for each in rounds)),
        f"ratio {f'at least {LEAST_RATIO}' if has_target else 'reported'}: {ratios}",
        ratios.middle >= LEAST_RATIO if has_target else None,
    )
