"""From a fault to a new container with the article's probe: how long it takes, what is said."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.lab.experiment import lab, message_file, poke, until_serving

from .figures import note
from .kubelet import PERIOD_SECONDS, Restart, restart

PHASES = 12
"""How many phases of the probe against the fault; they run at the same time."""

FULL_PHASES = 50

STALL = "/stall?kind=sleep&seconds=120"
CYCLE = "/deadlock?kind=threads"
EXIT = {"limits": {"exit_after_broken_seconds": 0}}
SLACK_SECONDS = 0.5
"""What a busy machine may add to figures that are added up from limits."""


def one(options: dict[str, Any], fault: str, phase: float) -> Restart:
    """Run one container until it is gone."""
    with message_file() as message, lab(**options, termination_log=str(message)) as process:
        until_serving(process)
        with poke(process, fault):
            return restart(process, message, time.monotonic(), phase)


def plain(fault: str, phase: float) -> Restart:
    """Run the control until it is gone."""
    with message_file() as message, lab(plain=True) as process, poke(process, fault):
        return restart(process, message, time.monotonic(), phase)


def many(options: dict[str, Any], fault: str, phases: int) -> list[Restart]:
    """Run containers in all phases at once; the control if the options say so."""
    spread = [PERIOD_SECONDS * number / phases for number in range(phases)]
    with ThreadPoolExecutor(phases) as pool:
        if options.get("plain"):
            return list(pool.map(lambda phase: plain(fault, phase), spread))
        return list(pool.map(lambda phase: one(options, fault, phase), spread))


def told(name: str, restarts: list[Restart]) -> tuple[float, float]:
    """Note the range of seconds and return it."""
    seconds = sorted(each.seconds for each in restarts)
    note(f"fault to container gone, {name}, s", f"{seconds[0]:.1f} to {seconds[-1]:.1f}")
    return seconds[0], seconds[-1]


@pytest.mark.slow
@pytest.mark.at_once
def test_containers_are_gone_in_time_and_say_why(full: bool) -> None:  # noqa: FBT001 - a fixture
    """A stall within 41 s, a cycle within 35 s, each with its reason; a plain one takes 51 s."""
    phases = FULL_PHASES if full else PHASES
    with ThreadPoolExecutor(3) as pool:
        stalls = pool.submit(many, {}, STALL, phases)
        cycles = pool.submit(many, {}, CYCLE, phases)
        controls = pool.submit(many, {"plain": True}, STALL, 4)
        stalled, deadlocked, control = stalls.result(), cycles.result(), controls.result()
    _, slowest_stall = told("stall", stalled)
    _, slowest_cycle = told("cycle", deadlocked)
    quickest_control, _ = told("stall, plain uvicorn", control)

    assert slowest_stall <= 41 + SLACK_SECONDS
    assert slowest_cycle <= 35 + SLACK_SECONDS
    assert quickest_control >= 51 - SLACK_SECONDS
    assert {each.status for each in stalled} == {71}
    assert {each.status for each in deadlocked} == {71}
    assert {each.status for each in control} == {-9}
    assert all("stalls.py:" in each.message for each in stalled)
    assert all(each.message.startswith("cycle: ") for each in deadlocked)
    assert {each.message for each in control} == {""}


@pytest.mark.slow
@pytest.mark.at_once
def test_containers_that_exit_by_themselves_are_gone_sooner() -> None:
    """With exit-on-broken a stall ends within 12.5 s and a cycle within 5 s."""
    with ThreadPoolExecutor(2) as pool:
        stalls = pool.submit(many, EXIT, STALL, 4)
        cycles = pool.submit(many, EXIT, CYCLE, 4)
        _, slowest_stall = told("stall, exit on broken", stalls.result())
        _, slowest_cycle = told("cycle, exit on broken", cycles.result())

    assert slowest_stall <= 12.5
    assert slowest_cycle <= 5.0
    assert {each.status for each in stalls.result()} == {70}
    assert {each.status for each in cycles.result()} == {71}


@pytest.mark.slow
@pytest.mark.at_once
def test_a_threads_deadlock_is_never_noticed_by_a_plain_application() -> None:
    """The control: its event loop answers, and the work that the threads did is not done."""
    with lab(plain=True) as process, poke(process, CYCLE):
        codes = []
        for _ in range(4):
            time.sleep(PERIOD_SECONDS)
            with poke(process, "/health/alive") as asked:
                codes.append(asked.receive(1.0).code)

    assert codes == [200] * 4
