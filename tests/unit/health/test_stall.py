"""A loop that stands still: suspected after a second, broken after ten."""

import sys
import threading

import pytest

from messenger.health.limits import Limits
from messenger.health.progress import Progress
from messenger.health.stall import StallDetector
from messenger.health.verdict import Evidence

from .clock import FakeClock
from .parties import kinds, thread, until_in


def stalled(seconds: float, limits: Limits | None = None) -> list[Evidence]:
    """Return what is found of this thread's loop when it has stood still for `seconds`."""
    limits = limits or Limits()
    progress = Progress(FakeClock())
    progress.observe(seconds, limits.stall_suspect_seconds)
    detector = StallDetector(progress, limits)
    detector.loop_thread = threading.current_thread()
    return list(detector.look(0))


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0.95, None), (1.0, "SUSPECT"), (9.95, "SUSPECT"), (10.0, "BROKEN"), (60.0, "BROKEN")],
)
def test_a_stall_is_weighed_by_its_length(seconds: float, level: str | None) -> None:
    """And is never latched: it can pass."""
    found = stalled(seconds)

    assert kinds(found) == ([] if level is None else [("event-loop-stalled", level)])
    assert not any(item.latched for item in found)


def test_without_a_limit_a_stall_never_breaks() -> None:
    """For whoever works with a debugger."""
    found = stalled(3600, Limits(stall_broken_seconds=None))

    assert kinds(found) == [("event-loop-stalled", "SUSPECT")]


def test_the_explanation_names_the_line_that_the_loop_is_at() -> None:
    """In the one line that has to survive, and in the stack."""
    (found,) = stalled(12)

    assert found.headline == "STALL after 12.0s"
    assert "for 12.0s, at " in found.explanation
    assert "stall.py" in found.explanation
    assert any("test_the_explanation_names_the_line" in line for line in found.stacks)


def test_the_stack_of_the_beginning_is_kept_beside_that_of_the_end() -> None:
    """What began it may be over when it is judged."""
    progress, go, next_ = Progress(FakeClock()), threading.Event(), threading.Event()

    def first() -> None:
        go.wait(5)

    def second() -> None:
        next_.wait(5)

    def both() -> None:
        first()
        second()

    looping = thread(both, "loop")
    detector = StallDetector(progress, Limits())
    detector.loop_thread = looping
    until_in(looping, "wait")
    progress.observe(2, 1)
    (early,) = detector.look(2)
    go.set()
    until_in(looping, "second")
    progress.observe(9, 1)
    (late,) = detector.look(11)
    next_.set()
    looping.join(5)

    assert any("in test_the_stack" in line and "first" in line for line in early.stacks)
    assert late.stacks[: len(early.stacks)] == early.stacks
    assert any("next_.wait" in line for line in late.stacks)


def test_a_new_stall_begins_with_a_new_stack() -> None:
    """What was seen of the last one is forgotten when the loop moves."""
    progress = Progress(FakeClock())
    detector = StallDetector(progress, Limits())
    detector.loop_thread = threading.current_thread()
    progress.observe(2, 1)
    line = sys._getframe().f_lineno + 1  # noqa: SLF001 - this line
    (first,) = detector.look(2)
    progress.beat()
    progress.observe(0.05, 1)
    assert list(detector.look(3)) == []
    progress.observe(2, 1)
    (second,) = detector.look(4)

    assert any(f":{line} in" in text for text in first.stacks)
    assert not any(f":{line} in" in text for text in second.stacks)


def test_without_a_loop_there_is_no_stall() -> None:
    """Nothing is said of a loop that has not begun."""
    progress = Progress(FakeClock())
    progress.observe(60, 1)

    assert list(StallDetector(progress, Limits()).look(60)) == []


def test_the_end_of_the_loop_s_thread_is_no_crash() -> None:
    """A snapshot without its frame still says how long."""
    ended = thread(int, "loop")
    ended.join(5)
    progress = Progress(FakeClock())
    progress.observe(12, 1)
    detector = StallDetector(progress, Limits())
    detector.loop_thread = ended
    (found,) = detector.look(12)

    assert found.explanation.endswith("at ?")
    assert found.stacks == ()
