"""What an experiment measured: a property of its test, like those of pytest's `record_property`.

A function instead of that fixture, because experiments that run together have no fixtures.
"""

from contextvars import ContextVar

FIGURES: ContextVar[list[tuple[str, object]]] = ContextVar("figures")
"""Where the figures of the test that runs in this thread go."""


def note(name: str, value: object) -> None:
    """Note a figure for the summary."""
    FIGURES.get().append((name, f"{value:.3g}" if isinstance(value, float) else str(value)))
