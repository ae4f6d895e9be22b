"""The warm-up happens in sight of the probes, and an absent downstream does not hold a pod back."""

import time

import pytest

from tests.integration.lab.experiment import get, lab, logged, probe, until, until_serving, watch

from .figures import note
from .loops import BOTH_LOOPS, UVLOOP

BIND_SECONDS = 2.0
"""What the specification allows from the start of the process to an answered probe."""


def check_warm_up(stack: dict[str, str], gate_seconds: float, budget_seconds: float) -> None:
    """Check a warm-up that makes progress for longer than its budget."""
    limits = {"warmup_budget_seconds": budget_seconds}
    with lab(**stack, gate_seconds=gate_seconds, limits=limits) as process:
        began = time.monotonic()
        first = probe(process, "/health/ready")
        refused = get(process, "/hello")
        seen = {"alive": set[int](), "started": set[int]()}
        notes = []
        while (ready := probe(process, "/health/ready")).code != 200:
            notes += ready.json["notes"]
            for name, codes in seen.items():
                codes.add(probe(process, f"/health/{name}").code)
            time.sleep(0.1)
            assert time.monotonic() - began < 2 * gate_seconds + 10, f"never ready: {ready}"
        took = time.monotonic() - began
        served = get(process, "/hello")

    assert (first.code, first.json["output"]) == (503, "warming")
    assert first.headers["retry-after"] == "1"
    assert (refused.code, refused.headers["retry-after"]) == (503, "1")
    assert seen == {"alive": {200}, "started": {200}}
    progress = [int(line.split()[-1].split("/")[0]) for line in notes if "cache:lab " in line]
    assert progress == sorted(progress)
    assert progress[-1] > progress[0]
    assert took > gate_seconds - 1
    assert (served.code, ready.json["status"]) == (200, "pass")


@pytest.mark.together
@BOTH_LOOPS
def test_pod_is_alive_and_not_ready_while_it_warms_with_progress(stack: dict[str, str]) -> None:
    """Three times its budget: the gate is listed with its progress, requests are turned away."""
    check_warm_up(stack, 3.0, 1.0)


@pytest.mark.slow
@pytest.mark.together(seconds=60)
@BOTH_LOOPS
def test_pod_stays_alive_through_a_warm_up_of_a_minute(stack: dict[str, str]) -> None:
    """The same for 60 s with the real budget of 20 s."""
    check_warm_up(stack, 60.0, 20.0)


@pytest.mark.together
def test_plain_server_refuses_probes_while_it_warms_in_its_lifespan() -> None:
    """The control: a warm-up awaited in the lifespan hides the port, and with it the probes."""
    with lab(plain=True, plain_lifespan_seconds=2.0) as process:
        answers = watch(process, 1.2)
        later = until(process, lambda answer: answer.code == 200)

    assert {(answer.code, answer.error) for answer in answers} == {(0, "ConnectionRefusedError")}
    assert later.code == 200


def test_port_is_bound_within_two_seconds() -> None:
    """From the start of the interpreter to the answer of the first probe; the best of three."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        with lab(gate_seconds=60) as process:
            answer = probe(process, "/health/started")
            took.append(time.monotonic() - began)
            assert answer.code == 200
    note("start of the process to the first answered probe, s", min(took))

    assert min(took) < BIND_SECONDS


@pytest.mark.together
@pytest.mark.parametrize("gate", ["fails", "hangs"])
def test_pod_becomes_ready_with_a_warning_when_the_budget_is_spent(gate: str) -> None:
    """A downstream that is gone or silent at boot: ready within the budget, shown to who asks."""
    with lab(**UVLOOP, gate=gate, limits={"warmup_budget_seconds": 2.0}) as process:
        began = time.monotonic()
        warming = probe(process, "/health/ready")
        alive = probe(process)
        until_serving(process)
        took = time.monotonic() - began
        ready = probe(process, "/health/ready?verbose")
        failures = logged(process, "warm-up gate failed")

    assert (warming.code, alive.code) == (503, 200)
    assert 1.0 < took < 2.0 + 2.0
    assert (ready.code, ready.json["status"]) == (200, "warn")
    assert ready.json["checks"]["warmup:cache:lab"][0]["output"] == "gave-up"
    assert len(failures) == (1 if gate == "fails" else 0)


@pytest.mark.together
@pytest.mark.parametrize("gate", ["fails", "hangs"])
def test_pod_stays_unready_when_it_is_to_fail_closed(gate: str) -> None:
    """By configuration a spent budget keeps the pod out; nobody restarts it for that."""
    limits = {"warmup_budget_seconds": 0.5, "warmup_fail_closed": True}
    with lab(gate=gate, limits=limits) as process:
        time.sleep(2.0)
        ready = watch(process, 1.0, "/health/ready")
        alive, started = probe(process), probe(process, "/health/started")
        shown = probe(process, "/health/ready?verbose").json

    assert {answer.code for answer in ready} == {503}
    assert (alive.code, started.code) == (200, 200)
    assert shown["checks"]["warmup:cache:lab"][0]["output"] == "blocked"
