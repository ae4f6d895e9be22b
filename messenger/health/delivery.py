"""Delivers a verdict: the termination message, one log line, and the process's end if need be.

Everything here runs in the watchdog's or the signal thread. Nothing takes a lock that a deadlocked
thread could hold: files are written with `os.write`, log lines are handed to the journal.
"""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from .journal import Journal
from .probes import Identity
from .report import all_stacks, verdict_lines
from .termination import TerminationLog
from .verdict import Change, Evidence, Verdict

EXIT_BACKSTOP = 70
"""The process ended itself because it stayed broken (EX_SOFTWARE of sysexits.h)."""

EXIT_BROKEN = 71
"""The process left on a signal while it was broken, without the rest of a drain."""


class Delivery:
    """Tells the world about changes of the verdict.

    Args:
        identity: Who is broken.
        verdict: The verdict.
        journal: Takes the log lines.
        termination_log: What the kubelet reads.
        action: Returns what will happen next, such as `exit by SIGTERM`.
        wall_clock: The time of day.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        verdict: Verdict,
        journal: Journal,
        termination_log: TerminationLog,
        action: Callable[[], str],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._who = f"{identity.service} {identity.release} pod={identity.instance}"
        self._verdict = verdict
        self._journal = journal
        self._termination_log = termination_log
        self._action = action
        self._wall_clock = wall_clock

    def tell(self, change: Change) -> None:
        """Tell what a look changed: once when it is suspected, once when it breaks or recovers."""
        for evidence in change.suspected:
            self._journal.write(
                logging.WARNING,
                "liveness suspect",
                cause=evidence.cause,
                explanation=evidence.explanation,
                stacks=list(evidence.stacks),
            )
        if change.broken:
            self.write_message()
        for evidence in change.broken:
            self._journal.write(
                logging.CRITICAL,
                "liveness broken",
                cause=evidence.cause,
                headline=evidence.headline,
                explanation=evidence.explanation,
                stacks=list(all_stacks()),
            )
        for evidence in change.recovered:
            self._journal.write(logging.WARNING, "liveness recovered", cause=evidence.cause)
            self.write_message()

    def write_message(self) -> None:
        """Write what broke the process to the termination log, or empty it if nothing does."""
        broken = [item for item in self._verdict.evidence if item.is_broken]
        if broken:
            self._termination_log.write(self._lines(broken))
        else:
            self._termination_log.clear()

    def _lines(self, broken: list[Evidence]) -> list[str]:
        """Return the message; the first cause is the root of the others and stands last."""
        at = self._wall_clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        lines: list[str] = []
        for evidence in reversed(broken):
            lines += verdict_lines(evidence, who=self._who, at=at, action=self._action())
        return lines

    def exit(self, status: int, cause: str) -> NoReturn:
        """End the process now, whatever its threads are doing."""
        self._journal.write(logging.CRITICAL, "exit", status=status, cause=cause)
        self._journal.close(timeout_seconds=0.2)
        os._exit(status)
