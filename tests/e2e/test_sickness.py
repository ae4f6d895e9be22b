"""A process that is beyond help is restarted, says why, and takes nobody with it."""

import re
from collections.abc import Callable

import pytest

from tests.e2e.sickness import FAULTS, Sickness

PROVEN = ("threads", "tasks", "mixed")
"""The faults of which a cycle of waits is the proof."""

SLACK_SECONDS = 6.0
"""What a busy machine may add to the time budget, and the start of the next container takes."""


@pytest.mark.parametrize("fault", FAULTS)
def test_container_beyond_help_is_restarted_within_the_budget(
    sickness: Sickness, fault: str, record_property: Callable[[str, object], None]
) -> None:
    """A cycle costs 35 s at most and a stall 41 s, with the probes of the article."""
    case = sickness.cases[fault]
    record_property(f"sick {fault}", case.figures)

    assert case.exit_code == 71, case
    assert case.restarted_seconds is not None
    # A proven cycle leaves the loop running: what is in work is finished first, in 5 s at most.
    limit = 41 if fault == "stall" else 35 + 5
    assert case.restarted_seconds <= limit + SLACK_SECONDS, case.figures


@pytest.mark.parametrize("fault", FAULTS)
def test_pod_beyond_help_leaves_the_endpoints_before_it_is_restarted(
    sickness: Sickness, fault: str
) -> None:
    """Traffic goes elsewhere first: readiness says no while liveness still counts."""
    case = sickness.cases[fault]

    assert case.left_seconds is not None, case
    assert case.restarted_seconds is not None
    assert case.left_seconds < case.restarted_seconds, case.figures


@pytest.mark.parametrize("fault", PROVEN)
def test_describe_shows_the_cycle_and_the_lines_of_code(sickness: Sickness, fault: str) -> None:
    """Whoever runs `kubectl describe pod` reads who waits for whom, and where in the code."""
    case = sickness.cases[fault]

    last = case.message.splitlines()[-1]
    assert last.startswith("cycle: "), case.message
    assert re.search(r"-\[holds .+ @\S+\.py:\d+\]-> (waits|needs) .+ -> ", last), case.message
    assert re.search(r"stack .*\w+\.py:\d+ in \w+", case.message), case.message
    assert last[:200] in " ".join(case.described.split()), case.described


def test_describe_shows_the_line_at_which_the_loop_stands(sickness: Sickness) -> None:
    """A stall has no cycle to show: the line that the loop does not leave is shown."""
    case = sickness.cases["stall"]

    head, last = case.message.splitlines()[-2:]
    assert head.startswith("STALL "), case.message
    assert re.search(r"\w+\.py:\d+ in \w+", last), case.message
    assert last[:60] in " ".join(case.described.split()), case.described


def test_termination_log_is_written_on_a_read_only_root_by_a_user_who_is_not_root(
    sickness: Sickness,
) -> None:
    """The kubelet's file is there and writable, whatever the container may not do otherwise."""
    spec = sickness.pod["spec"]
    (container,) = spec["containers"]
    security = {**spec["securityContext"], **container["securityContext"]}

    assert security["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    # Not the end of the log, which would stand here without the file, and is JSON.
    assert not sickness.cases["threads"].message.startswith("{")


def test_other_pods_serve_on(sickness: Sickness) -> None:
    """Four sick pods of six cost no answer of the two that are well."""
    victims = {case.pod for case in sickness.cases.values()}
    well = {
        name: share for name, share in sickness.report.pods.items() if name and name not in victims
    }

    assert len(well) == 2, sickness.report.figures
    assert all(share["failed"] == 0 for share in well.values()), sickness.report.figures
    over = sickness.report.elapsed_seconds
    assert all(share["last_seconds"] > over - 10 for share in well.values()), well


def test_nothing_is_lost_once_the_sick_have_left(
    sickness: Sickness, record_property: Callable[[str, object], None]
) -> None:
    """What fails, fails before the sick pods have left the endpoints, and not for long."""
    record_property("sick report", sickness.report.figures)
    ranges = sickness.report.failing_seconds
    lasted = ranges[-1][1] - ranges[0][0] + 1 if ranges else 0

    slowest = max(case.left_seconds or 0 for case in sickness.cases.values())
    assert lasted <= slowest + SLACK_SECONDS, sickness.report.figures


def test_plain_process_that_stalls_is_killed_without_a_word(
    sickness: Sickness, record_property: Callable[[str, object], None]
) -> None:
    """The control: 51 s to 61 s, by SIGKILL, and nobody knows why."""
    case = sickness.plain["stall"]
    record_property("sick plain stall", case.figures)

    assert case.exit_code == 137, case
    assert case.message == ""
    assert case.restarted_seconds is not None
    assert 50 <= case.restarted_seconds <= 61 + SLACK_SECONDS, case.figures


def test_plain_process_with_deadlocked_threads_is_never_noticed(
    sickness: Sickness, record_property: Callable[[str, object], None]
) -> None:
    """The control: its probes go on saying that all is well."""
    case = sickness.plain["threads"]
    record_property("sick plain threads", case.figures)

    assert case.restarted_seconds is None, case
    assert case.left_seconds is None, case
