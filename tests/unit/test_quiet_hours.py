"""Quiet hours: when they hold, and when they end."""

from datetime import UTC, datetime

import pytest

from messenger.models import Preference
from messenger.quiet_hours import end_of_quiet


def at(clock: str, day: int = 10) -> datetime:
    """Return a moment of one month."""
    return datetime.fromisoformat(f"2026-11-{day}T{clock}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "now", "ends_at"),
    [
        pytest.param("12:00", "14:00", at("13:00"), at("14:00"), id="within a day"),
        pytest.param("12:00", "14:00", at("12:00"), at("14:00"), id="in the first minute"),
        pytest.param("12:00", "14:00", at("14:00"), None, id="not in the last one"),
        pytest.param("12:00", "14:00", at("11:59:59"), None, id="not before"),
        pytest.param("22:00", "07:00", at("23:30"), at("07:00", 11), id="before midnight"),
        pytest.param("22:00", "07:00", at("00:00"), at("07:00"), id="at midnight"),
        pytest.param("22:00", "07:00", at("06:59:59"), at("07:00"), id="after midnight"),
        pytest.param("22:00", "07:00", at("12:00"), None, id="not at noon"),
        pytest.param("08:00", "08:00", at("08:00"), None, id="equal times are none"),
        pytest.param(None, "08:00", at("07:00"), None, id="no begin"),
        pytest.param("07:00", None, at("07:00"), None, id="no end"),
    ],
)
def test_quiet_hours_end_when_they_should(
    begin: str | None, end: str | None, now: datetime, ends_at: datetime | None
) -> None:
    """The end is the next one after now, and there is none outside the quiet hours."""
    actual = end_of_quiet(Preference("alice", begin, end), now)

    assert actual == ends_at
