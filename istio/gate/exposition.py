"""The text that Prometheus reads, as far as the gate needs it."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    """One number with its name and labels."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str, names: frozenset[str]) -> Iterator[Sample]:
    """Yield the samples of these names; a sidecar has thousands of others."""
    for line in text.splitlines():
        # Envoy takes most of a line for labels: what cannot be meant is not taken apart.
        if line.partition("{")[0].partition(" ")[0] not in names:
            continue
        found = LINE.match(line)
        if found:
            yield Sample(found[1], dict(LABEL.findall(found[2] or "")), float(found[3]))
