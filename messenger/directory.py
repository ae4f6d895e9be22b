"""People and templates, from snapshots of the five downstreams that know them.

A look-up is a look into memory. Only a sender or recipient who is not there yet is fetched live,
since nothing can be sent without knowing them; for the rest there are defaults.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from messenger import calls
from messenger.errors import Absent, Unavailable
from messenger.flights import Flights
from messenger.models import Account, Contact, Draft, Preference, Profile, Template
from messenger.parties import Parties
from messenger.ports import Caller
from messenger.snapshot import Identified, Snapshot, Stats

Entry = TypeVar("Entry", bound=Identified)


class Directory:
    """Knows who can send, who can be reached and how they are spoken to.

    Args:
        caller: Puts calls through.
        clock: Seconds, monotonic.
    """

    def __init__(self, caller: Caller, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._caller = caller
        self._clock = clock
        self._accounts = Snapshot("accounts", Account, clock=clock)
        self._contacts = Snapshot("contacts", Contact, clock=clock)
        self._profiles = Snapshot("profiles", Profile, clock=clock)
        self._preferences = Snapshot("preferences", Preference, clock=clock)
        self._templates = Snapshot("templates", Template, clock=clock)
        self._account_flights = Flights[Account]("directory.accounts.live")
        self._contact_flights = Flights[Contact]("directory.contacts.live")
        self._all: tuple[Snapshot[Any], ...] = (
            self._accounts,
            self._contacts,
            self._profiles,
            self._preferences,
            self._templates,
        )

    @property
    def snapshots(self) -> Mapping[str, Snapshot[Any]]:
        """All five snapshots, by the name of the downstream: what a `Refresher` loads."""
        return {each.name: each for each in self._all}

    def stats(self) -> dict[str, Stats]:
        """Return the figures of each snapshot for `/metrics`; from any thread."""
        return {each.name: each.stats() for each in self._all}

    async def parties(self, draft: Draft, within_seconds: float) -> Parties:
        """Return what is known about the people and the channel of a draft.

        Args:
            draft: Whose parties.
            within_seconds: Time for fetching those who are not in a snapshot.

        Raises:
            Unavailable: One of them is not in a snapshot and could not be fetched.
        """
        sender, recipient = draft.sender, draft.recipient
        until = self._clock() + within_seconds
        account = self._accounts.get(sender)
        if account is None:
            account = await self._fetch(self._accounts, self._account_flights, sender, until)
        contact = self._contacts.get(recipient)
        if contact is None:
            contact = await self._fetch(self._contacts, self._contact_flights, recipient, until)
        return Parties(
            account,
            contact,
            self._profiles.get(sender) or Profile(sender, sender),
            self._profiles.get(recipient) or Profile(recipient, recipient),
            self._preferences.get(recipient) or Preference(recipient),
            self._templates.get(draft.channel) or Template(draft.channel, "$body"),
            {each.name for each in self._all if each.is_stale},
        )

    async def _fetch(
        self,
        snapshot: Snapshot[Entry],
        flights: Flights[Entry],
        entry_id: str,
        until: float,
    ) -> Entry | None:
        """Return an entry from its downstream, or None when that has no such entry."""

        async def fetch() -> Entry | None:
            call = calls.entry(snapshot.name, entry_id, snapshot.read)
            try:
                entry = await self._caller.answer(call, until - self._clock())
            except Absent:
                return None
            snapshot.add(entry)
            return entry

        try:
            return await flights.share(entry_id, fetch, until - self._clock())
        except TimeoutError as error:
            raise Unavailable(snapshot.name, "timeout") from error
