"""A roll-out that was recorded is judged again as it was, and otherwise by another judge."""

import io
import random
from typing import Any

import pytest

from istio.gate.judge import Judge, Verdict
from istio.gate.recording import RecordingJudge, replay
from istio.gate.windows import Window
from tests.unit.gate.fakes import BAD, GOOD

GIVEN: dict[str, Any] = {"bounds": {"callers": (0.01,)}}


@pytest.mark.parametrize(
    ("window", "verdict"),
    [
        pytest.param(GOOD, Verdict.GO_ON, id="a good version"),
        pytest.param(BAD, Verdict.ABORT, id="a bad version"),
    ],
)
def test_what_was_recorded_is_judged_again(window: Window, verdict: Verdict) -> None:
    """With the same end and the same numbers."""
    file = io.StringIO()
    judge = RecordingJudge(file, **GIVEN, dice=random.Random(0))
    judge.begin_step()
    for _ in range(20):
        if judge.verdict() is not Verdict.ABORT:
            judge.look("callers", window, 3.0)
    again = Judge(**GIVEN, dice=random.Random(0))
    blind = Judge(**GIVEN, dice=random.Random(0), is_blind=True)

    assert replay(file.getvalue().splitlines(), again) is judge.verdict() is verdict
    assert again.numbers() == judge.numbers()
    assert replay(file.getvalue().splitlines(), blind) is Verdict.GO_ON
