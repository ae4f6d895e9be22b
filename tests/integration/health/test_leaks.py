"""Requests that outlive every time-out are a leak inside; half of all slots leaked is the end."""

from contextlib import ExitStack

import pytest

from tests.integration.lab.experiment import lab, poke, probe, until, until_serving

LIMITS = {"request_deadline_seconds": 0.5, "request_leak_seconds": 1.0, "concurrency_limit": 8}


@pytest.mark.together
def test_half_of_the_concurrency_limit_leaked_is_broken_and_less_is_a_warning() -> None:
    """Three of eight warn, four of eight are broken; requests that end in time are neither."""
    with lab(limits=LIMITS) as process, ExitStack() as connections:
        until_serving(process)
        connections.enter_context(poke(process, "/hello?seconds=1"))
        for _ in range(3):
            connections.enter_context(poke(process, "/hello?seconds=60"))
        warned = until(process, lambda answer: answer.json["status"] == "warn")
        connections.enter_context(poke(process, "/hello?seconds=60"))
        broken = until(process, lambda answer: answer.code == 503)
        ready = probe(process, "/health/ready")

    assert (warned.code, warned.json["output"]) == (200, "requests-leaked")
    assert broken.json["output"] == "requests-leaked"
    assert ready.code == 503
