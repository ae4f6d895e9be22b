"""The text that Prometheus reads, as far as the gate needs it."""

import contextlib
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def samples(text: str, names: frozenset[str]) -> Iterator[Sample]:
    """Yield the samples of these names; what is none, such as a line cut short, is passed over."""
    for line in text.splitlines():
        # A sidecar has thousands of others, and Envoy takes most of a line for labels: what cannot
        # be meant is not taken apart.
        if line.partition("{")[0].partition(" ")[0] in names:
            with contextlib.suppress(ValueError):
                for family in text_string_to_metric_families(line):
                    yield from family.samples
