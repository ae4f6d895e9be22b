"""Faults of the process itself are of the same grammar."""

import pytest

from messenger.faults import FaultSyntaxError, ProcessFault, parse_process
from messenger.faults.process import ALLOWED


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "deadlock=threads",
            ProcessFault("deadlock=threads", "deadlock", "threads"),
            id="variant",
        ),
        pytest.param("lock-orphan", ProcessFault("lock-orphan", "lock-orphan"), id="bare"),
        pytest.param(
            "stall=gil:1.5s", ProcessFault("stall=gil:1.5s", "stall", "gil", 1.5), id="timed"
        ),
    ],
)
def test_fault_is_read_into_kind_variant_and_time(text: str, fault: ProcessFault) -> None:
    """A fault of the process says what, in which way, and for how long."""
    assert parse_process(text) == fault


def test_every_form_that_a_refusal_offers_is_accepted() -> None:
    """The twelve forms of the product's list can be used as they are printed."""
    assert [parse_process(text).text for text in ALLOWED] == [
        "deadlock=threads",
        "deadlock=tasks",
        "deadlock=mixed",
        "lock-orphan",
        "stall=sleep:15s",
        "stall=cpu:15s",
        "stall=gil:15s",
        "pool=starve",
        "worker=crash",
        "worker=hang",
        "never-ready",
        "leak",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "deadlock", "deadlock=fibres", "lock-orphan=x", "stall=gil", "leak:15s"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    """The message names the text and every form."""
    with pytest.raises(FaultSyntaxError, match=r"is no fault of the process; allowed: deadlock="):
        parse_process(text)


def test_a_wrong_duration_is_refused_with_the_units() -> None:
    """The message names the duration and the units."""
    with pytest.raises(FaultSyntaxError, match=r"'15' is no duration; allowed: 200ms, 1.5s, 2m"):
        parse_process("stall=gil:15")
