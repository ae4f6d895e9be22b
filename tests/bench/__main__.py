"""Run the benchmarks, print the table, and fail if a target is missed."""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from . import (
    crowds,
    drains,
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
from .plot import svg
from .row import Bench, Length, Row, table

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
        "images": images.rows,
        "starts": starts.rows,
        "transports": transports.rows,
        "telemetry": telemetry.rows,
    },
}
"""Every benchmark, by group and name."""


def main() -> int:
    """Return 0 if every target is met, 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "group", nargs="?", choices=sorted(GROUPS), help=f"all but {CLUSTER} if left out"
    )
    parser.add_argument("--only", help="one benchmark of the group")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--plots", type=Path, help="also draw what grows into this directory")
    parser.add_argument("--length", type=Length, choices=list(Length), default=Length.USUAL)
    arguments = parser.parse_args()
    groups = [arguments.group] if arguments.group else sorted({*GROUPS} - {CLUSTER})
    rows: list[Row] = []
    for group in groups:
        for name, bench in GROUPS[group].items():
            if arguments.only in {None, name}:
                began = time.monotonic()
                rows += bench(arguments.length)
                took = time.monotonic() - began
                print(f"{group} {name}: {took:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
    print(table(rows))  # noqa: T201
    if arguments.plots:
        for plot in filter(None, (row.plot for row in rows)):
            (arguments.plots / f"{plot.name}.svg").write_text(svg(plot), encoding="utf-8")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
