"""The ledger remembers beyond the end of its process."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from downstream.ledger import Delivery, KeyReusedError, Ledger, Receipt

DELIVERY = Delivery(
    id="m1",
    sender="alice",
    recipient="bob",
    channel="push",
    address="device-bob",
    body="hello",
    text="alice: hello",
    status="accepted",
)
NOON = "2026-11-25T12:00:00+00:00"

MANY = 80_000
"""More than SQLite sorts in memory, which is some 60,000."""


@contextmanager
def no_place_for_files() -> Iterator[None]:
    """Let no file grow, as in a container whose root is read-only (setrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_ledger_that_was_not_closed_has_forgotten_nothing(tmp_path: Path) -> None:
    """A second connection, as after a kill, finds key, content and id."""
    Ledger(tmp_path).enter("k", DELIVERY, NOON)
    ledger = Ledger(tmp_path)
    again = msgspec.structs.replace(DELIVERY, id="m2")
    other = msgspec.structs.replace(DELIVERY, body="other")

    assert ledger.enter("k", again, NOON) == (Receipt("m1", "accepted", None), False)
    assert ledger.find("m1") is not None
    with pytest.raises(KeyReusedError):
        ledger.enter("k", other, NOON)
    ledger.close()


def test_two_ledgers_on_one_file_deliver_once(tmp_path: Path) -> None:
    """A successor that starts while its predecessor drains does not deliver a second time."""
    ledgers = [Ledger(tmp_path), Ledger(tmp_path)]

    firsts = [ledger.enter("k", DELIVERY, NOON)[1] for ledger in ledgers]

    assert firsts == [True, False]
    for ledger in ledgers:
        assert ledger.stats().deliveries == 1
        ledger.close()


def test_many_deliveries_are_counted_where_no_file_can_be_written() -> None:
    """Also the one duplicate, among more of them than can be sorted in memory."""
    ledger = Ledger()
    for number in range(MANY):
        delivery = msgspec.structs.replace(DELIVERY, id=f"m{number}", body=f"{max(1, number)}")
        ledger.enter(f"k{number}", delivery, NOON)

    with no_place_for_files():
        stats = ledger.stats()

    assert (stats.deliveries, stats.duplicates) == (MANY, 1)
    ledger.close()


def test_so_many_cannot_be_sorted_where_no_file_can_be_written() -> None:
    """The control: SQLite alone, of the same number of contents."""
    count = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    SELECT count(DISTINCT randomblob(16)) FROM n
    """
    sqlite = sqlite3.connect(":memory:")

    with no_place_for_files(), pytest.raises(sqlite3.OperationalError, match="disk"):
        sqlite.execute(count, (MANY,)).fetchone()
    sqlite.close()
