"""Run the benchmarks, print the table, and fail if a target is missed."""

import argparse
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from . import (
    crowds,
    drains,
    edits,
    endurance,
    images,
    latency,
    locks,
    messages,
    overhead,
    overload,
    people,
    replicas,
    restarts,
    routes,
    starts,
    telemetry,
    transports,
    verdicts,
    waits,
)
from .conditions import Conditions
from .record import Record
from .row import Bench, Length, Row

CLUSTER = "cluster"
"""The group that has to be asked for: it wants a cluster to itself, and images in it."""

GROUPS: dict[str, dict[str, Bench]] = {
    "health": {
        "locks": locks.rows,
        "overhead": overhead.rows,
        "latency": latency.rows,
        "verdicts": verdicts.rows,
        "drains": drains.rows,
        "restarts": restarts.rows,
    },
    CLUSTER: {
        "replicas": replicas.rows,
    },
    "growth": {
        "crowds": crowds.rows,
        "endurance": endurance.rows,
        "people": people.rows,
        "waits": waits.rows,
    },
    "service": {
        "messages": messages.rows,
        "overload": overload.rows,
        "routes": routes.rows,
        "edits": edits.rows,
        "images": images.rows,
        "starts": starts.rows,
        "transports": transports.rows,
        "telemetry": telemetry.rows,
    },
}
"""Every benchmark, by group and name."""


def main() -> int:
    """Return 0 if every target is met, 1 if one is missed."""
    arguments = _parser().parse_args()
    if arguments.show:
        record = Record.read(arguments.show)
    else:
        record = Record(Conditions.now(arguments.length))
        for name, bench in _chosen(arguments.group, arguments.only):
            began = time.monotonic()
            rows = _measured(name, bench, arguments.length)
            record.add(name, rows, time.monotonic() - began)
            print(f"{name}: {record.seconds[name]:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
            if arguments.json:
                record.write(arguments.json)
    print(record)  # noqa: T201
    if arguments.plots:
        record.draw(arguments.plots)
    return int(record.is_missed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "group", nargs="?", choices=sorted(GROUPS), help=f"all but {CLUSTER} if left out"
    )
    parser.add_argument("--only", help="one benchmark of the group")
    parser.add_argument("--json", type=Path, help="write the rows here, after each benchmark")
    parser.add_argument("--show", type=Path, help="measure nothing: print what --json has written")
    parser.add_argument("--plots", type=Path, help="also draw what grows into this directory")
    parser.add_argument("--length", type=Length, choices=list(Length), default=Length.USUAL)
    return parser


def _chosen(group: str | None, only: str | None) -> Iterator[tuple[str, Bench]]:
    """Return the benchmarks of a group, or of all but the one that has to be asked for."""
    for each in [group] if group else sorted({*GROUPS} - {CLUSTER}):
        for name, bench in GROUPS[each].items():
            if only in {None, name}:
                yield f"{each} {name}", bench


def _measured(name: str, bench: Bench, length: Length) -> list[Row]:
    """Return the rows of a benchmark; one that breaks off has missed its targets."""
    try:
        return list(bench(length))
    except (AssertionError, OSError) as error:
        # The others are measured all the same: they may take half an hour.
        traceback.print_exc()
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return [Row(name, "-", f"broke off: {reason[:200]}", "rows", is_met=False)]


if __name__ == "__main__":
    sys.exit(main())
