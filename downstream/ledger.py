"""What has been delivered, in SQLite: a mock that is killed has forgotten nothing.

Every statement runs on the event loop. One takes some 50 µs, less than handing it to a thread and
back, and one writer at a time is what SQLite allows anyway. A commit is with the operating system
before the answer is sent. It is not waited for until it is on disk, which would take four times as
long: a process that is killed loses nothing, and a mock may lose its file with its machine.
"""

import sqlite3
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec

FILE_NAME = "delivery.sqlite"
"""The file in the state directory; SQLite keeps two more beside it."""

_BUSY_SECONDS = 2.0
"""How long to wait for another writer: the predecessor of this process, while that drains."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    key TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    content BLOB NOT NULL,
    status TEXT NOT NULL,
    not_before TEXT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    channel TEXT NOT NULL,
    delivered_at TEXT,
    replays INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deliveries_by_content ON deliveries (content);
"""

_INSERT = """
INSERT INTO deliveries
    (key, id, content, status, not_before, sender, recipient, channel, delivered_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING
"""

_FIND = """
SELECT id, status, sender, recipient, channel, delivered_at, not_before
FROM deliveries WHERE id = ?
"""

# What is distinct is counted apart, where the index has it in order: to sort it, SQLite would want
# a temporary file from some 60,000 deliveries on, for which a read-only container has no place.
_STATS = """
SELECT count(*), coalesce(sum(replays), 0),
    count(*) - (SELECT count(DISTINCT content) FROM deliveries)
FROM deliveries
"""


Status = Literal["accepted", "deferred"]
"""Whether a message is delivered now or later."""


class LedgerError(Exception):
    """Raised when a delivery contradicts one that is in the ledger."""


class KeyReusedError(LedgerError):
    """Raised when a key comes again with other content."""


class IdTakenError(LedgerError):
    """Raised when an id comes again with another key."""


class Delivery(msgspec.Struct, frozen=True):
    """A message that is to be delivered."""

    id: str
    sender: str
    recipient: str
    channel: str
    address: str
    body: str
    text: str
    status: Status
    locale: str | None = None
    not_before: str | None = None

    def content(self) -> bytes:
        """Return a digest of what makes this message another one."""
        told = (self.sender, self.recipient, self.channel, self.body, self.locale)
        return blake2b(msgspec.json.encode(told), digest_size=16).digest()


class Receipt(msgspec.Struct, frozen=True):
    """What was answered the first time, and is answered every time."""

    id: str
    status: str
    not_before: str | None


class Record(msgspec.Struct, frozen=True):
    """One delivery, as it is remembered."""

    id: str
    status: str
    sender: str
    recipient: str
    channel: str
    delivered_at: str | None
    not_before: str | None


class Stats(msgspec.Struct, frozen=True):
    """How much has been delivered."""

    deliveries: int
    replays: int
    """Deliveries that came again with their key, and were not made again."""
    duplicates: int
    """Deliveries of what had already been delivered under another key."""


class Ledger:
    """Remembers deliveries by key and by id.

    Args:
        directory: Where the file is; None keeps the ledger in memory.
    """

    def __init__(self, directory: Path | None = None) -> None:
        path = ":memory:" if directory is None else directory / FILE_NAME
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL").close()
        self._connection.execute("PRAGMA synchronous = OFF").close()
        self._connection.executescript(_SCHEMA).close()

    def enter(self, key: str, delivery: Delivery, delivered_at: str) -> tuple[Receipt, bool]:
        """Enter a delivery unless its key is known.

        Returns:
            The first answer to that key, and whether this is the first time.

        Raises:
            KeyReusedError: if the key came before with other content.
            IdTakenError: if the id came before with another key.
        """
        content = delivery.content()
        has_been_made = delivery.status == "accepted"
        row = (
            *(key, delivery.id, content, delivery.status, delivery.not_before),
            *(delivery.sender, delivery.recipient, delivery.channel),
            delivered_at if has_been_made else None,
        )
        try:
            is_first = self._connection.execute(_INSERT, row).rowcount == 1
        except sqlite3.IntegrityError as exc:
            raise IdTakenError(f"id {delivery.id} came before with another key") from exc
        if is_first:
            return Receipt(delivery.id, delivery.status, delivery.not_before), True
        return self._replay(key, content), False

    def find(self, delivery_id: str) -> Record | None:
        """Return the delivery of an id."""
        row = self._connection.execute(_FIND, (delivery_id,)).fetchone()
        return Record(*row) if row else None

    def stats(self) -> Stats:
        """Count the deliveries."""
        return Stats(*self._connection.execute(_STATS).fetchone())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _replay(self, key: str, content: bytes) -> Receipt:
        """Count a replay, and return what was answered the first time."""
        found, *receipt = self._connection.execute(
            "SELECT content, id, status, not_before FROM deliveries WHERE key = ?", (key,)
        ).fetchone()
        if found != content:
            raise KeyReusedError("the key came before with another message")
        self._connection.execute(
            "UPDATE deliveries SET replays = replays + 1 WHERE key = ?", (key,)
        ).close()
        return Receipt(*receipt)
