"""A copy of what one downstream knows, kept in memory and replaced as a whole."""

import time
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from messenger.errors import Unavailable
from messenger.health import AsyncLock, Lock


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """The key under which a snapshot keeps it."""
        ...


Entry = TypeVar("Entry", bound=Identified)


class Page(Struct, frozen=True):
    """What a snapshot's downstream answers to one question; the entries still undecoded."""

    entries: Raw
    next: str | None
    """The id to go on after, None on the last page."""

    total: int


class Stats(NamedTuple):
    """What `/metrics` tells about one snapshot."""

    entries: int
    age_seconds: float | None
    """Since the last complete load, None before the first."""

    is_stale: bool
    """Whether there is no snapshot, or the last attempt to renew it failed."""

    loads_total: int
    failures_total: int
    live_fetches_total: int


class Snapshot(Generic[Entry]):
    """The entries of one downstream by id.

    Look-ups take no lock: they read one reference, which a load replaces as a whole. Whatever
    changes more than one thing takes `lock`: loads end in a thread of the pool, live fetches in the
    event loop.

    Args:
        name: The downstream.
        kind: Struct that one entry is decoded to.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, name: str, kind: type[Entry], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.lock = Lock(f"directory.{name}.swap")
        """Held while entries are replaced or one is added."""

        self.tally_lock = Lock(f"directory.{name}.tally")
        """Held while loads and fetches are counted, or read as one consistent set."""

        self.refresh_lock = AsyncLock(f"directory.{name}.refresh")
        """Held during a load: the warm-up and the refresher never do the same work twice."""

        self.read: Callable[[bytes], Entry] = msgspec.json.Decoder(kind).decode
        """Decodes one entry. Raises msgspec.MsgspecError."""

        self.is_stale = True
        self._clock = clock
        self._read_page = msgspec.json.Decoder(Page).decode
        self._read_entries: Callable[[Raw], list[Entry]] = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._entries: dict[str, Entry] = {}
        self._fetched: dict[str, Entry] = {}
        self._loaded_at: float | None = None
        self._loads = self._failures = self._live_fetches = 0

    def get(self, entry_id: str) -> Entry | None:
        """Return an entry, or None when it is not in the snapshot."""
        return self._entries.get(entry_id)

    def absorb(self, content: bytes, into: dict[str, Entry]) -> Page:
        """Decode one page and add its entries to those of a load; meant for a thread.

        Raises:
            msgspec.MsgspecError: The content is no page of entries.
            Unavailable: The page promises another one and brings nothing new, without end.
        """
        page = self._read_page(content)
        before = len(into)
        into.update((entry.id, entry) for entry in self._read_entries(page.entries))
        if page.next is not None and len(into) == before:
            raise Unavailable(self.name, "garbage")
        return page

    def swap(self, entries: dict[str, Entry]) -> None:
        """Replace all entries; the dict belongs to the snapshot from now on."""
        with self.lock:
            # What was fetched live while the pages came in may be younger than its page.
            for entry_id, entry in self._fetched.items():
                entries.setdefault(entry_id, entry)
            self._fetched = {}
            self._entries = entries
            self._loaded_at = self._clock()
            self.is_stale = False
        with self.tally_lock:
            self._loads += 1

    def add(self, entry: Entry) -> None:
        """Keep an entry that was fetched live, until the load after the next one."""
        with self.lock:
            self._entries[entry.id] = entry
            self._fetched[entry.id] = entry
        with self.tally_lock:
            self._live_fetches += 1

    def fail(self) -> None:
        """Take note that a load failed: what there is stays, and is stale."""
        with self.lock:
            self.is_stale = True
        with self.tally_lock:
            self._failures += 1

    def stats(self) -> Stats:
        """Return the figures for `/metrics`; from any thread."""
        # Without the lock: a scrape that waited in the loop for whoever holds it would make of a
        # deadlock of two threads a stall of all, and nobody could be told of either.
        entries, loaded_at, is_stale = len(self._entries), self._loaded_at, self.is_stale
        age = None if loaded_at is None else self._clock() - loaded_at
        with self.tally_lock:
            counts = self._loads, self._failures, self._live_fetches
        return Stats(entries, age, is_stale, *counts)
