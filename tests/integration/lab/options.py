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
    responder: bool = True
    signal_thread: bool = True
    gil_timer: bool = True
    detectors: tuple[str, ...] = ("deadlocks", "leaks", "pools", "stall", "workers")
    limits: dict[str, float | str | bool | None] = field(default_factory=dict)
    """Fields of `messenger.health.Limits`."""
    termination_log: str | None = None
    debug_token: str | None = None
    gate_seconds: float = 0.0
    """How long the warm-up gate `cache:lab` takes, with progress every 50 ms."""
    gate_fails: bool = False
    """Whether the gate fails at each try, as if a downstream were gone."""
    worker: str = "fine"
    """What the background worker does: see workers.py."""


def parse(text: str) -> Options:
    """Return the options in a JSON object; unknown fields are refused."""
    known = set(Options.__dataclass_fields__)
    given = msgspec.json.decode(text.encode(), type=dict[str, object])
    unknown = set(given) - known
    if unknown:
        raise ValueError(f"unknown options: {sorted(unknown)}")
    return msgspec.json.decode(text.encode(), type=Options)
