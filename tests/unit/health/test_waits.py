"""The deadline: a time-out that marks the waits begun inside it."""

import asyncio

import pytest

from messenger.health.waits import deadline, is_under_deadline


async def test_a_deadline_cancels_its_block() -> None:
    """With TimeoutError, like `asyncio.timeout`."""
    with pytest.raises(TimeoutError):
        async with deadline(0):
            await asyncio.Event().wait()


async def test_inside_a_deadline_waits_are_timed() -> None:
    """Inside, in the tasks begun inside, and not afterwards."""
    marks: list[bool] = []

    async def child() -> None:
        marks.append(is_under_deadline())

    async with deadline(30):
        marks.append(is_under_deadline())
        await asyncio.create_task(child())

    assert marks == [True, True]
    assert not is_under_deadline()


async def test_an_inner_deadline_ends_without_ending_the_outer_one() -> None:
    """The mark is given back, not taken away."""
    async with deadline(30):
        async with deadline(20):
            pass
        assert is_under_deadline()


async def test_no_limit_marks_nothing() -> None:
    """`deadline(None)` breaks nothing up, so it must not say that it will."""
    async with deadline(None):
        assert not is_under_deadline()


async def test_an_error_passes_through_a_deadline() -> None:
    """And the mark is gone."""
    with pytest.raises(LookupError):
        async with deadline(30):
            raise LookupError

    assert not is_under_deadline()
