"""How the laboratory is set up: one JSON object on the command line."""

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The switches of one experiment; the defaults are a healthy process."""

    loop: str = "uvloop"
    http: str = "auto"
    plain: bool = False
    """Whether uvicorn runs as it is, without the health package."""
    plain_lifespan_seconds: float = 0.0
    """How long the plain server warms up in its lifespan, as most services do."""
    plain_graceful_seconds: int | None = None
    """uvicorn's own `timeout_graceful_shutdown`."""
    responder: bool = True
    signal_thread: bool = True
    gil_timer: bool = True
    detectors: tuple[str, ...] = ("deadlocks", "leaks", "pools", "stall", "workers")
    limits: dict[str, int | float | str | bool | None] = field(default_factory=dict)
    """Fields of `messenger.health.Limits`."""
    constants: dict[str, int | float | list[str]] = field(default_factory=dict)
    """Constants of the package that are set to another value: see constants.py."""
    termination_log: str | None = None
    debug_token: str | None = None
    gate: str = "passes"
    """What the warm-up gate `cache:lab` does: see gates.py."""
    gate_seconds: float = 0.0
    """How long a gate that passes takes, with progress every 50 ms."""
    workers: tuple[str, ...] = ("fine",)
    """What the background workers do: see workers.py."""
    worker_deadline_seconds: float = 30.0
    check_crashes: bool = False
    """Whether the application's own check raises."""


def parse(text: str) -> Options:
    """Return the options in a JSON object; unknown fields are refused."""
    known = set(Options.__dataclass_fields__)
    given = msgspec.json.decode(text.encode(), type=dict[str, object])
    unknown = set(given) - known
    if unknown:
        raise ValueError(f"unknown options: {sorted(unknown)}")
    return msgspec.json.decode(text.encode(), type=Options)
