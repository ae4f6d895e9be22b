"""One snapshot: what a load replaces, and what it leaves."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from messenger.errors import Unavailable
from messenger.models import Account
from messenger.snapshot import Snapshot, Stats
from tests.unit.fakes import Clock

ALICE = Account("alice", enabled=True)
BOB = Account("bob", enabled=True)


def page(*entries: Account, after: str | None = None) -> bytes:
    """Return a page as a downstream sends it."""
    return msgspec.json.encode({"entries": entries, "next": after, "total": len(entries)})


def test_a_snapshot_is_stale_until_it_is_loaded() -> None:
    """Nobody mistakes an empty snapshot for one of nobody."""
    snapshot = Snapshot("accounts", Account, clock=Clock())

    assert snapshot.stats() == Stats(0, None, True, 0, 0, 0)


def test_a_load_replaces_all_entries() -> None:
    """Who is gone from the downstream is gone from the snapshot; its age begins anew."""
    clock = Clock()
    snapshot = Snapshot("accounts", Account, clock=clock)
    snapshot.swap({"alice": ALICE})
    snapshot.swap({"bob": BOB})
    clock.seconds = 7.0

    assert (snapshot.get("alice"), snapshot.get("bob")) == (None, BOB)
    assert snapshot.stats() == Stats(1, 7.0, False, 2, 0, 0)


def test_pages_add_up() -> None:
    """A load is complete when all its pages are absorbed."""
    snapshot = Snapshot("accounts", Account)
    entries: dict[str, Account] = {}
    first = snapshot.absorb(page(ALICE, after="alice"), entries)
    last = snapshot.absorb(page(BOB), entries)

    assert entries == {"alice": ALICE, "bob": BOB}
    assert (first.next, last.next) == ("alice", None)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b'{"entries":[{"id":1}],"next":null,"total":1}', id="other entries"),
        pytest.param(b'{"entries":{},"next":null,"total":1}', id="no list"),
        pytest.param(b"[]", id="no page"),
    ],
)
def test_a_page_of_garbage_adds_nothing(content: bytes) -> None:
    """A page is taken as a whole or not at all."""
    entries: dict[str, Account] = {}
    with pytest.raises(msgspec.MsgspecError):
        Snapshot("accounts", Account).absorb(content, entries)

    assert entries == {}


def test_pages_without_end_are_garbage() -> None:
    """A downstream that promises one more page for ever does not keep the loader for ever."""
    snapshot = Snapshot("accounts", Account)
    entries = {"alice": ALICE}
    with pytest.raises(Unavailable):
        snapshot.absorb(page(ALICE, after="alice"), entries)


def test_an_entry_fetched_live_survives_the_load_that_was_under_way() -> None:
    """It may be younger than its page; the load after that one decides."""
    snapshot = Snapshot("accounts", Account)
    snapshot.add(ALICE)
    snapshot.swap({"bob": BOB})
    after_one = snapshot.get("alice")
    snapshot.swap({"bob": BOB})

    assert (after_one, snapshot.get("alice")) == (ALICE, None)


def test_a_failure_leaves_the_entries_and_makes_them_stale() -> None:
    """What was known stays known."""
    snapshot = Snapshot("accounts", Account, clock=Clock())
    snapshot.swap({"alice": ALICE})
    snapshot.fail()

    assert snapshot.get("alice") == ALICE
    assert snapshot.stats() == Stats(1, 0.0, True, 1, 1, 0)


def test_the_figures_can_be_read_while_an_entry_is_being_changed() -> None:
    """A scrape of a process with a deadlock is answered: the loop waits for no lock of it."""
    snapshot = Snapshot("accounts", Account, clock=Clock())
    with ThreadPoolExecutor(1) as pool, snapshot.lock:
        stats = pool.submit(snapshot.stats).result(timeout=5)

    assert stats == Stats(0, None, True, 0, 0, 0)
