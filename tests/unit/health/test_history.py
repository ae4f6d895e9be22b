"""The last changes of what each probe was told."""

from messenger.health.history import KEPT_CHANGES, Change, History

from .clock import NOON, noon


def test_only_changes_are_kept() -> None:
    """Every question is counted, and every answer that differs from the last one is noted."""
    history = History(noon)
    for code, output in [(503, "warming"), (503, "warming"), (200, ""), (200, "")]:
        history.note("ready", code, output, "loop")

    assert list(history.changes) == [
        Change(NOON, "ready", 503, "warming", "loop"),
        Change(NOON, "ready", 200, "", "loop"),
    ]
    assert history.asked == {"ready": 4}


def test_probes_do_not_mix() -> None:
    """Each has its own last answer."""
    history = History(noon)
    for probe in ("ready", "alive", "ready", "alive"):
        history.note(probe, 200, "", "loop")

    assert [change.probe for change in history.changes] == ["ready", "alive"]


def test_another_reason_is_a_change() -> None:
    """With the same code."""
    history = History(noon)
    history.note("ready", 503, "warming", "loop")
    history.note("ready", 503, "draining", "responder")

    assert [change.output for change in history.changes] == ["warming", "draining"]
    assert history.changes[-1].source == "responder"


def test_a_day_of_flapping_does_not_pile_up() -> None:
    """The last twenty are enough."""
    history = History(noon)
    for number in range(1_000):
        history.note("ready", 200 if number % 2 else 503, "", "loop")

    assert len(history.changes) == KEPT_CHANGES
    assert history.asked == {"ready": 1_000}
