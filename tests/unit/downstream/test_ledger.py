"""The ledger remembers beyond the end of its process."""

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
