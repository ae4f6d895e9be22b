"""What telemetry costs a message: metrics, ids, and a tenth of the traces sent to a collector."""

from collections.abc import Sequence
from contextlib import ExitStack

from tests.integration.collector import collecting

from .load import client
from .row import Length, Row
from .sides import MESSAGE, messenger, mocks, speed
from .turns import Round, ratio_row, take_turns

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


def rows(length: Length) -> list[Row]:
    """Measure without telemetry, with a tenth of the traces, with none, and with all of them."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        collector = stack.enter_context(collecting())
        behind = mocks(stack)
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        sides = {
            "control": messenger(stack, behind, module="tests.bench.silent"),
            "a tenth": messenger(stack, behind, told | TENTH),
            "none": messenger(stack, behind),
            "all": messenger(stack, behind, told),
        }
        rounds = take_turns(
            {
                name: speed(process, MESSAGE, sender, seconds=BURST_SECONDS)
                for name, process in sides.items()
            },
            length.of(quick=2, usual=ROUNDS),
        )
    return [_row(name, rounds) for name in ("a tenth", "none", "all")]


def _row(name: str, rounds: Sequence[Round]) -> Row:
    """Return how one side did against the control of the same round."""
    what = f"messages per CPU-second, telemetry on, {name} of the traces recorded"
    return ratio_row(what, rounds, name, "control", LEAST_RATIO if name == "a tenth" else None)
