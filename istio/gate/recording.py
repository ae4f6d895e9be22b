"""What a roll-out has seen, kept: a roll-out on a cluster can be judged again, by another judge."""

import json
from collections.abc import Iterable
from typing import Any, TextIO

from istio.gate.judge import Judge, Verdict
from istio.gate.windows import Answers, Window


class RecordingJudge(Judge):
    """A judge who writes down what he is shown, one line of JSON for each window.

    Args:
        file: Where it is written.
        given: What `Judge` is given.
    """

    def __init__(self, file: TextIO, **given: Any) -> None:  # noqa: ANN401 - the judge's own
        super().__init__(**given)
        self._file = file

    def begin_step(self) -> None:
        """Count anew, and say so."""
        self._write({"step": True})
        super().begin_step()

    def look(self, name: str, window: Window, seconds: float) -> None:
        """Take what one view has seen, and write it down."""
        self._write({"view": name, "seconds": seconds, "old": window.old, "new": window.new})
        super().look(name, window, seconds)

    def _write(self, line: object) -> None:
        print(json.dumps(line), file=self._file, flush=True)


def replay(lines: Iterable[str], judge: Judge) -> Verdict:
    """Show a judge what has been written down, and return what he says first, or at the end."""
    for line in lines:
        told = json.loads(line)
        if "step" in told:
            judge.begin_step()
            continue
        judge.look(
            told["view"], Window(_answers(told["old"]), _answers(told["new"])), told["seconds"]
        )
        if judge.verdict() is Verdict.ABORT:
            break
    return judge.verdict()


def _answers(told: list[Any]) -> Answers:
    total, errors, latencies = told
    return Answers(total, errors, tuple(latencies))
