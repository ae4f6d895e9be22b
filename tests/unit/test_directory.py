"""The directory: who is found where, and what is done about those who are not."""

import asyncio

import pytest

from messenger.calls import Call
from messenger.directory import Directory
from messenger.errors import Absent, Unavailable
from messenger.models import Account, Contact, Draft, Preference, Profile, Template
from tests.unit.fakes import FakeCaller

DRAFT = Draft("alice", "bob", "push", "hello")
ALICE = Account("alice", enabled=True)
BOB = Contact("bob", push="device-b")


def warm(caller: FakeCaller) -> Directory:
    """Return a directory that knows the two, and a template."""
    directory = Directory(caller)
    contents: dict[str, dict[str, object]] = {
        "accounts": {"alice": ALICE},
        "contacts": {"bob": BOB},
        "profiles": {"bob": Profile("bob", "Bob", "fr")},
        "preferences": {"bob": Preference("bob", "22:00", "07:00")},
        "templates": {"push": Template("push", "$sender: $body")},
    }
    for name, entries in contents.items():
        directory.snapshots[name].swap(entries)
    return directory


async def test_those_in_the_snapshots_cost_no_call() -> None:
    """All is there, nothing is stale; a missing profile is no failure but a default."""
    caller = FakeCaller({})
    parties = await warm(caller).parties(DRAFT, 1.0)

    assert (parties.account, parties.contact) == (ALICE, BOB)
    assert (parties.sender.name, parties.recipient.name) == ("alice", "Bob")
    assert parties.preference.quiet_from == "22:00"
    assert parties.template.text == "$sender: $body"
    assert parties.stale == set()
    assert caller.calls == []


async def test_a_cold_directory_fetches_the_two_and_does_without_the_rest() -> None:
    """Defaults: the id as name, English, no quiet hours, the body alone; all five are named."""
    caller = FakeCaller({"accounts": ALICE, "contacts": BOB})
    directory = Directory(caller)
    parties = await directory.parties(DRAFT, 1.0)
    again = await directory.parties(DRAFT, 1.0)

    assert (parties.account, parties.contact) == (ALICE, BOB)
    assert parties.recipient == Profile("bob", "bob", "en")
    assert parties.preference == Preference("bob")
    assert parties.template.text == "$body"
    assert parties.stale == {"accounts", "contacts", "profiles", "preferences", "templates"}
    assert again == parties
    assert [call.target for call in caller.calls] == ["/v1/entries/alice", "/v1/entries/bob"]
    assert directory.stats()["accounts"].live_fetches_total == 1


async def test_who_is_absent_downstream_is_nobody() -> None:
    """A live 404 is the answer that there is no such entry."""
    caller = FakeCaller({"accounts": Absent(), "contacts": Absent()})
    parties = await Directory(caller).parties(DRAFT, 1.0)

    assert (parties.account, parties.contact) == (None, None)


@pytest.mark.parametrize("name", ["accounts", "contacts"])
async def test_a_cold_entry_that_cannot_be_fetched_is_unavailable(name: str) -> None:
    """Not knowing is not the same as there being nobody."""
    answers: dict[str, object] = {"accounts": ALICE, "contacts": BOB}
    caller = FakeCaller({**answers, name: Unavailable(name, "status")})
    with pytest.raises(Unavailable) as caught:
        await Directory(caller).parties(DRAFT, 1.0)

    assert caught.value.downstream == name


async def test_a_stale_snapshot_is_served_and_named() -> None:
    """After a failed load all is known as before, and the answer says that it may be old."""
    directory = warm(FakeCaller({}))
    directory.snapshots["contacts"].fail()
    parties = await directory.parties(DRAFT, 1.0)

    assert parties.contact == BOB
    assert parties.stale == {"contacts"}


async def test_many_messages_of_one_cold_sender_cause_one_fetch() -> None:
    """A start without snapshots is no avalanche for accounts."""
    caller = FakeCaller({"accounts": ALICE, "contacts": BOB})
    directory = Directory(caller)
    await asyncio.gather(*(directory.parties(DRAFT, 1.0) for _ in range(10)))

    assert len(caller.calls) == 2


class Slow:
    """A downstream that never answers, with a caller who never loses patience."""

    async def answer(self, call: Call[object], within_seconds: float) -> object:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError(call, within_seconds)


async def test_waiting_for_another_requests_fetch_ends_with_the_own_deadline() -> None:
    """Whoever comes second has no less of a deadline."""
    directory = Directory(Slow())  # type: ignore[arg-type]  # answers nothing, of whatever type
    first = asyncio.create_task(directory.parties(DRAFT, 60.0))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await directory.parties(DRAFT, 0.01)
    first.cancel()
    await asyncio.wait([first])

    assert caught.value.reason == "timeout"
