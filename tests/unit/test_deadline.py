"""The request's deadline: how much of it is whose."""

import pytest

from messenger.deadline import Deadline
from messenger.twelve import TABLE, in_order
from tests.unit.fakes import Clock


def test_shares_are_moments_counted_from_the_start() -> None:
    """What one downstream did not use the next one has."""
    clock = Clock(100.0)
    deadline = Deadline(3.0, clock)
    clock.seconds = 100.5

    assert deadline.left_for("consent") == pytest.approx(1.3)
    assert deadline.left_for("delivery") == pytest.approx(2.35)


def test_what_is_over_is_not_more_than_zero() -> None:
    """A downstream whose moment has passed has no time."""
    clock = Clock()
    deadline = Deadline(3.0, clock)
    clock.seconds = 2.0

    assert deadline.left_for("presence") <= 0


def test_the_hand_over_always_has_a_third_of_the_deadline() -> None:
    """Nothing before delivery may take so long that it could not be tried in earnest."""
    shares = {each.name: each.deadline_share for each in TABLE}
    before = max(share for name, share in shares.items() if name not in {"delivery", "audit"})

    assert shares["delivery"] - before >= 1 / 3


def test_names_come_in_the_order_of_the_table() -> None:
    """The order of `degraded` depends on the table alone."""
    assert in_order({"audit", "links", "accounts"}) == ("accounts", "links", "audit")


def test_the_table_has_twelve_downstreams_of_which_four_are_required() -> None:
    """The table is the article's dozen; four of them are required."""
    required = [each.name for each in TABLE if each.needed == "required"]

    assert len({each.name for each in TABLE}) == 12
    assert required == ["accounts", "contacts", "consent", "delivery"]
