"""How the process ends: the table in the module's docstring, line by line."""

import signal
from typing import NoReturn, cast

import pytest

from messenger.health import Limits
from messenger.health.delivery import EXIT_BACKSTOP, EXIT_BROKEN, Delivery
from messenger.health.departure import ECHO_SECONDS, Departure
from messenger.health.drain import Drain
from messenger.health.lifecycle import Lifecycle, State
from messenger.health.progress import Progress
from messenger.health.verdict import Evidence, Level, Verdict

from .clock import FakeClock


class ExitError(Exception):
    """Raised where the process would have ended."""


class FakeDelivery:
    """Delivers nothing, and raises instead of ending the process."""

    def __init__(self) -> None:
        self.written = 0

    def write_message(self) -> None:
        """Count the message."""
        self.written += 1

    def exit(self, status: int, cause: str) -> NoReturn:
        """Raise instead."""
        raise ExitError(status, cause)


class Process:
    """A process that is about to leave."""

    def __init__(self, *, patience: float | None = None, serving: bool = True) -> None:
        self.clock = FakeClock()
        self.limits = Limits(exit_after_broken_seconds=patience)
        self.lifecycle = Lifecycle()
        self.verdict = Verdict()
        self.progress = Progress(self.clock)
        self.drain = Drain(self.limits, self.clock)
        self.delivery = FakeDelivery()
        self.told = 0
        self.departure = Departure(
            limits=self.limits,
            lifecycle=self.lifecycle,
            verdict=self.verdict,
            progress=self.progress,
            drain=self.drain,
            delivery=lambda: cast("Delivery", self.delivery),
        )
        self.departure.when_leaving(self._tell)
        self.lifecycle.move(State.WARMING, "bound")
        if serving:
            self.lifecycle.move(State.SERVING, "warm")

    def _tell(self) -> None:
        self.told += 1

    def stall(self, seconds: float, level: Level = Level.SUSPECT) -> None:
        """Have the loop stand still."""
        self.progress.observe(seconds, 1.0)
        self._find("event-loop-stalled", level, latched=False)

    def prove(self) -> None:
        """Have a deadlock proven, while the loop runs."""
        self._find("deadlock-threads", Level.BROKEN, latched=True)

    def starve(self) -> None:
        """Have a pool starve, while the loop runs."""
        self._find("pool-starved", Level.BROKEN, latched=False)

    def move_on(self) -> None:
        """Have the loop run again."""
        self.progress.beat()
        self.progress.observe(0.05, 1.0)
        self.verdict.weigh([], 0)

    def _find(self, cause: str, level: Level, *, latched: bool) -> None:
        self.verdict.weigh([Evidence("a:b", cause, level, "H", "E", latched=latched)], 50.0)


def test_a_healthy_process_drains_at_a_signal() -> None:
    """And whoever has to hear of it is told once."""
    process = Process()
    process.departure.on_signal(signal.SIGTERM)

    assert process.lifecycle.state is State.DRAINING
    assert process.lifecycle.history[-1].cause == "SIGTERM"
    assert process.told == 1
    assert not process.drain.is_over(0)
    assert process.departure.exit_status == 0
    assert process.delivery.written == 0


def test_ctrl_c_does_not_wait_for_new_clients() -> None:
    """SIGINT skips the minimum."""
    process = Process()
    process.departure.on_signal(signal.SIGINT)

    assert process.drain.is_over(0)
    assert not process.drain.is_over(1)


def test_a_process_that_was_never_ready_does_not_wait_for_clients_either() -> None:
    """Nobody sends it anything."""
    process = Process(serving=False)
    process.departure.on_signal(signal.SIGTERM)

    assert process.lifecycle.state is State.DRAINING
    assert process.drain.is_over(0)


def test_a_suspect_process_drains_too() -> None:
    """A hiccup must not cost requests."""
    process = Process()
    process.stall(3)
    process.departure.on_signal(signal.SIGTERM)
    process.departure.look(4)

    assert process.lifecycle.state is State.DRAINING


def test_a_stall_that_comes_to_its_limit_while_draining_ends_the_process() -> None:
    """Nothing will be drained by a loop that does not run."""
    process = Process()
    process.stall(3)
    process.departure.on_signal(signal.SIGTERM)
    process.stall(7, Level.BROKEN)

    with pytest.raises(ExitError) as ended:
        process.departure.look(11)
    assert ended.value.args == (EXIT_BROKEN, "broken while draining")


def test_a_stall_that_lasts_to_the_end_of_the_drain_ends_the_process() -> None:
    """Even below its limit."""
    process = Process()
    process.departure.on_signal(signal.SIGTERM)
    process.clock.advance(14.9)
    process.stall(3)
    process.departure.look(20)
    process.clock.advance(0.2)

    with pytest.raises(ExitError) as ended:
        process.departure.look(20)
    assert ended.value.args == (EXIT_BROKEN, "stalled to the end of the drain")


def test_a_loop_that_runs_again_is_left_to_drain() -> None:
    """The control: only who stands still is ended."""
    process = Process()
    process.stall(3)
    process.departure.on_signal(signal.SIGTERM)
    process.clock.advance(16)
    process.move_on()
    process.departure.look(20)

    assert process.departure.exit_status == 0


def test_a_process_broken_by_a_stall_ends_at_once() -> None:
    """The message is written again, with what happens now."""
    process = Process()
    process.stall(12, Level.BROKEN)

    with pytest.raises(ExitError) as ended:
        process.departure.on_signal(signal.SIGTERM)
    assert ended.value.args == (EXIT_BROKEN, "SIGTERM while broken")
    assert process.delivery.written == 1
    assert process.departure.action == "exit by SIGTERM"
    assert process.lifecycle.state is State.SERVING


def test_a_proof_with_a_running_loop_drains_five_seconds() -> None:
    """The rest of the process may still work; the status tells that it was broken."""
    process = Process()
    process.prove()
    process.departure.on_signal(signal.SIGTERM)
    process.departure.look(50)
    assert process.delivery.written == 1
    assert process.drain.is_over(0)
    assert not process.drain.is_over(1)
    process.clock.advance(5)

    assert process.drain.is_over(1)
    assert process.departure.exit_status == EXIT_BROKEN


def test_what_is_broken_without_a_proof_drains_five_seconds_too() -> None:
    """A starved pool, for one: whether it would have recovered nobody waits to see."""
    process = Process()
    process.starve()
    process.departure.on_signal(signal.SIGTERM)
    process.departure.look(50)

    assert process.drain.is_over(0)
    assert process.departure.exit_status == EXIT_BROKEN


def test_a_proof_that_comes_while_draining_shortens_the_drain() -> None:
    """The same rules, in another order."""
    process = Process()
    process.departure.on_signal(signal.SIGTERM)
    process.clock.advance(6)
    process.prove()
    process.departure.look(50)

    assert process.drain.is_over(1)
    assert process.departure.exit_status == EXIT_BROKEN


def test_a_second_signal_ends_the_process_at_once() -> None:
    """With the status that a shell gives to a process ended by it."""
    process = Process()
    process.departure.on_signal(signal.SIGTERM)
    process.clock.advance(1)

    with pytest.raises(ExitError) as ended:
        process.departure.on_signal(signal.SIGINT)
    assert ended.value.args == (130, "second SIGINT")
    assert process.lifecycle.state is State.STOPPING


def test_the_echo_of_a_signal_is_no_second_one() -> None:
    """Process groups and `uv run` deliver it twice within milliseconds."""
    process = Process()
    process.departure.on_signal(signal.SIGINT)
    process.clock.advance(ECHO_SECONDS / 2)
    process.departure.on_signal(signal.SIGINT)

    assert process.lifecycle.state is State.DRAINING


def test_without_a_signal_a_broken_process_is_left_to_the_kubelet() -> None:
    """However long it stays broken."""
    process = Process()
    process.prove()
    process.departure.look(50 + 3600)

    assert process.departure.action == "left to the probe"
    assert process.lifecycle.state is State.SERVING


def test_a_patient_process_ends_itself_after_its_patience() -> None:
    """And not before; its loop does not run, so at once."""
    process = Process(patience=45)
    assert process.departure.action == "exit by itself in 45s"
    process.stall(12, Level.BROKEN)
    process.departure.look(94.9)

    with pytest.raises(ExitError) as ended:
        process.departure.look(95.0)
    assert ended.value.args == (EXIT_BACKSTOP, "broken for too long")


def test_a_patient_process_whose_loop_runs_drains_first() -> None:
    """What still works may finish; nobody else is waited for."""
    process = Process(patience=0)
    process.prove()
    process.departure.look(50)
    assert process.lifecycle.state is State.DRAINING
    assert process.told == 1
    assert process.drain.is_over(0)
    process.departure.look(50.05)

    assert process.departure.exit_status == EXIT_BROKEN
    assert process.told == 1


def test_the_first_signal_after_a_drain_of_its_own_is_no_second_one() -> None:
    """The kubelet did not know of that drain: it goes on, and ends as broken."""
    process = Process(patience=0)
    process.prove()
    process.departure.look(50)
    process.clock.advance(1)
    process.departure.on_signal(signal.SIGTERM)
    process.departure.look(51)
    assert process.lifecycle.state is State.DRAINING
    assert process.told == 1
    assert process.departure.exit_status == EXIT_BROKEN
    assert process.departure.action == "exit by SIGTERM"
    process.departure.on_signal(signal.SIGTERM)
    process.clock.advance(ECHO_SECONDS)

    with pytest.raises(ExitError) as ended:
        process.departure.on_signal(signal.SIGTERM)
    assert ended.value.args == (143, "second SIGTERM")


def test_a_process_that_recovers_is_not_ended() -> None:
    """Patience counts from the verdict that holds now."""
    process = Process(patience=45)
    process.stall(12, Level.BROKEN)
    process.move_on()
    process.departure.look(3600)

    assert process.lifecycle.state is State.SERVING


def test_who_leaves_without_being_waited_for_tells_nobody() -> None:
    """A departure can be had without a server."""
    process = Process()
    process.departure.when_leaving(lambda: None)
    process.departure.leave("operator", skip_min=True)

    assert process.told == 0
    assert process.lifecycle.is_draining
