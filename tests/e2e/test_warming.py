"""A pod that is not warm gets no traffic, however long it takes."""

from collections.abc import Callable

from tests.e2e.warming import COLD, WARM, WARM_UP_SECONDS, Warming


def test_no_request_reaches_a_pod_that_is_not_warm(
    warming: Warming, record_property: Callable[[str, object], None]
) -> None:
    """Cold pods are added under load and nobody notices; then they serve."""
    report = warming.report
    unready = [round(seconds, 1) for seconds in warming.unready_seconds]
    record_property("warming", f"unready for {unready} s, {report.figures}")

    assert report.failed == 0, report.kinds
    assert len(report.pods) == WARM + COLD, report.pods


def test_probes_answer_during_a_long_warm_up(warming: Warming) -> None:
    """Alive from the first moment, not ready until the last gate, with the progress told."""
    assert set(warming.alive) == {200}, warming.alive
    assert set(warming.ready) == {503}, warming.ready
    # The first look comes up to a few seconds after the start.
    assert min(warming.unready_seconds) >= WARM_UP_SECONDS - 5, warming.unready_seconds
    assert "cache:accounts" in warming.gates
    assert warming.restarts == 0


def test_cold_pods_answer_where_readiness_is_not_asked(
    warming: Warming, record_property: Callable[[str, object], None]
) -> None:
    """The control: without the readiness probe clients are sent to cold pods."""
    record_property("warming without readiness", warming.control.figures)

    assert any(kind.startswith("503") for kind in warming.control.kinds), warming.control.kinds
