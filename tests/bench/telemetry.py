"""What telemetry costs a message: metrics, ids, and a tenth of the traces sent to a collector."""

from contextlib import ExitStack

from tests.integration.collector import collecting
from tests.integration.service import mocks

from .load import client
from .messages import ROUNDS, speed, started
from .row import Row, spread

TENTH = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.1",
}
"""Sampled where they begin, which is here: no request of the load names a trace."""

LEAST_RATIO = 0.9


def rows() -> list[Row]:
    """Measure without telemetry, with a tenth of the traces, with none, and with all of them."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        collector = stack.enter_context(collecting())
        behind = stack.enter_context(mocks())
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        sides = {
            "control": started(stack, behind, "tests.bench.silent"),
            "a tenth": started(stack, behind, "messenger", told | TENTH),
            "none": started(stack, behind, "messenger"),
            "all": started(stack, behind, "messenger", told),
        }
        rounds = []
        for turn in range(ROUNDS):
            order = list(sides) if turn % 2 else list(reversed(sides))
            rounds.append({name: speed(sides[name], sender) for name in order})
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
