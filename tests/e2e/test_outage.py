"""An outage of everything that Messenger calls is not made worse by Kubernetes."""

from collections.abc import Callable

from tests.e2e.outage import REPLICAS, Outage

SLACK_SECONDS = 5.0
"""How long after the downstreams' return the last answer may tell of their absence."""


def test_no_pod_is_restarted_or_unready_while_all_downstreams_are_dead(outage: Outage) -> None:
    """A restart would help nobody, and without ready pods nobody would say what is wrong."""
    pods = [pod for moment in outage.moments for pod in moment.objects.values()]

    assert sum(pod.restarts for pod in pods) == 0
    assert {len(moment.objects) for moment in outage.moments} == {REPLICAS}
    assert all(pod.is_ready for pod in pods), [pod for pod in pods if not pod.is_ready]


def test_answers_in_an_outage_are_declared(
    outage: Outage, record_property: Callable[[str, object], None]
) -> None:
    """Each is 202, 202 with what is degraded, or 503 as a problem with a time to try again."""
    report = outage.report
    record_property("outage", report.figures)

    assert report.failed > 0, "the outage did nothing"
    assert report.declared == report.failed, report.kinds


def test_service_is_well_when_its_downstreams_are_back(outage: Outage) -> None:
    """Nothing has to be restarted, and nothing fails outside the outage."""
    ranges = outage.report.failing_seconds

    assert ranges[0][0] >= outage.dead_from_second - 1, outage
    assert ranges[-1][1] <= outage.back_at_second + SLACK_SECONDS, outage.report.figures
