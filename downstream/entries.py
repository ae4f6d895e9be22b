"""The five services whose data Messenger keeps snapshots of, served in pages."""

from bisect import bisect_right
from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from downstream.people import Person
from downstream.wire import Json

DEFAULT_LIMIT = 500
"""Entries in a page unless told: some 50 KiB."""

GREATEST_LIMIT = 10_000
"""Entries in a page at most: some 1 MiB."""


class Entry(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """What the entry is called by."""
        ...


class Account(msgspec.Struct, frozen=True):
    """Whether somebody may send."""

    id: str
    enabled: bool


class Contact(msgspec.Struct, frozen=True):
    """Where somebody can be reached, by channel."""

    id: str
    push: str | None
    email: str | None
    sms: str | None


class Profile(msgspec.Struct, frozen=True):
    """What somebody is called, and reads."""

    id: str
    name: str
    locale: str


class Preference(msgspec.Struct, frozen=True):
    """When somebody wants no messages; UTC."""

    id: str
    quiet_from: str | None
    quiet_until: str | None


class Template(msgspec.Struct, frozen=True):
    """What a message of one channel looks like; the id is the channel."""

    id: str
    text: str


TEMPLATES = (
    Template("email", "Dear $recipient,\n\n$body\n\n$sender"),
    Template("push", "$sender: $body"),
    Template("sms", "$sender: $body"),
)
"""One template for each channel, in the syntax of :class:`string.Template`."""


class Page(msgspec.Struct, frozen=True):
    """Some of the entries, in the order of their ids."""

    entries: list[msgspec.Raw]
    next: str | None
    """What to ask for entries after; None at the end."""
    total: int
    """How many entries there are in all."""


class Entries:
    """The entries of one service, encoded once.

    Args:
        entries: The entries, in the order of their ids.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._encoded = {entry.id: msgspec.Raw(msgspec.json.encode(entry)) for entry in entries}
        self._ids = list(self._encoded)

    def routes(self) -> list[BaseRoute]:
        """Return the routes that serve these entries."""
        return [Route("/v1/entries", self.page), Route("/v1/entries/{id}", self.one)]

    async def page(self, request: Request) -> Response:
        """Answer with the page after an id."""
        limit = _limit(request.query_params.get("limit"))
        start = bisect_right(self._ids, request.query_params.get("after", ""))
        ids = self._ids[start : start + limit]
        has_more = start + limit < len(self._ids)
        entries = [self._encoded[entry_id] for entry_id in ids]
        return Json(Page(entries, ids[-1] if has_more else None, len(self._ids)))

    async def one(self, request: Request) -> Response:
        """Answer with one entry."""
        entry = self._encoded.get(request.path_params["id"])
        if entry is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such entry")
        return Json(entry)


def accounts(people: Iterable[Person]) -> Entries:
    """Build the entries of `accounts`."""
    return Entries(Account(person.id, person.is_enabled) for person in people)


def contacts(people: Iterable[Person]) -> Entries:
    """Build the entries of `contacts`."""
    return Entries(Contact(person.id, person.push, person.email, person.sms) for person in people)


def profiles(people: Iterable[Person]) -> Entries:
    """Build the entries of `profiles`."""
    return Entries(Profile(person.id, person.name, person.locale) for person in people)


def preferences(people: Iterable[Person]) -> Entries:
    """Build the entries of `preferences`."""
    return Entries(
        Preference(person.id, person.quiet_from, person.quiet_until) for person in people
    )


def templates() -> Entries:
    """Build the entries of `templates`."""
    return Entries(TEMPLATES)


def _limit(text: str | None) -> int:
    """Read how many entries a page may hold."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= GREATEST_LIMIT):
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"limit: a whole number from 1 to {GREATEST_LIMIT}"
        )
    return int(text)
