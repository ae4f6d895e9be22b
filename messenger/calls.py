"""The calls Messenger makes: one function for each question that a downstream answers.

A `Call` is data: what is asked of whom, how the answer is read, and which refusals are answers too.
Whoever puts it through (`downstreams`) knows none of the twelve; whoever asks knows no HTTP.
"""

from collections.abc import Callable, Mapping
from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from messenger.errors import Absent, KeyReused, MessageUnknown, MessengerError
from messenger.models import Channel, Draft, Message, Status

Answer = TypeVar("Answer")
AnswerStruct = TypeVar("AnswerStruct", bound=Struct)


class Call(Struct, Generic[Answer], frozen=True):
    """One question to one downstream."""

    downstream: str
    method: Literal["GET", "POST"]
    target: str
    """Path and query below the downstream's address; ids in it need no quoting (see `models`)."""

    read: Callable[[bytes], Answer]
    """Makes the answer of the body. Raises msgspec.MsgspecError when the body is something else."""

    body: Struct | None = None
    """What is posted, as JSON."""

    key: str | None = None
    """Idempotency key that travels along."""

    refusals: Mapping[int, type[MessengerError]] = {}
    """Statuses that are answers rather than failures, when they come as problem+json."""


class Consent(Struct, frozen=True):
    """Whether the recipient wants to hear from the sender."""

    allowed: bool


class Presence(Struct, frozen=True):
    """Whether the recipient is there now."""

    online: bool


class Translation(Struct, frozen=True):
    """The body in the recipient's language."""

    text: str


class Score(Struct, frozen=True):
    """How much the body looks like spam, from 0 to 1."""

    score: float


class Links(Struct, frozen=True):
    """A short link for each link of the body."""

    links: dict[str, str]


class Handover(Struct, frozen=True):
    """A message as `delivery` takes it over."""

    id: str
    sender: str
    recipient: str
    channel: Channel
    address: str
    body: str
    text: str
    locale: str | None
    status: Status
    not_before: str | None


class Delivery(Struct, frozen=True):
    """What `delivery` promised, now or when it first saw the key."""

    id: str
    status: Status
    not_before: str | None = None


class Record(Struct, frozen=True):
    """What `audit` keeps of a message: who, to whom and how, never what."""

    id: str
    sender: str
    recipient: str
    channel: Channel
    status: Status
    online: bool | None
    """Whether the recipient was there, None where presence could not tell."""

    degraded: tuple[str, ...]


class Nothing(Struct, frozen=True):
    """An answer whose arrival says all."""


class _Text(Struct, frozen=True):
    """What `spam` and `links` are given."""

    text: str


class _Foreign(Struct, frozen=True):
    """What `translation` is given."""

    text: str
    to: str


_ABSENT: Mapping[int, type[MessengerError]] = {404: Absent}
_UNKNOWN: Mapping[int, type[MessengerError]] = {404: MessageUnknown}
_REUSED: Mapping[int, type[MessengerError]] = {409: KeyReused}


def _reader(kind: type[AnswerStruct]) -> Callable[[bytes], AnswerStruct]:
    """Return a decoder, made once for each kind of answer since making one costs a schema walk."""
    return msgspec.json.Decoder(kind).decode


_READ_CONSENT = _reader(Consent)
_READ_PRESENCE = _reader(Presence)
_READ_TRANSLATION = _reader(Translation)
_READ_SCORE = _reader(Score)
_READ_LINKS = _reader(Links)
_READ_DELIVERY = _reader(Delivery)
_READ_MESSAGE = _reader(Message)
_READ_NOTHING = _reader(Nothing)


def consent(draft: Draft) -> Call[Consent]:
    """Ask whether the recipient wants this sender's messages over this channel."""
    target = (
        f"/v1/consent?sender={draft.sender}&recipient={draft.recipient}&channel={draft.channel}"
    )
    return Call("consent", "GET", target, _READ_CONSENT)


def presence(person: str) -> Call[Presence]:
    """Ask whether a person is there."""
    return Call("presence", "GET", f"/v1/presence/{person}", _READ_PRESENCE)


def translation(text: str, locale: str) -> Call[Translation]:
    """Ask for a text in another language."""
    body = _Foreign(text, locale)
    return Call("translation", "POST", "/v1/translations", _READ_TRANSLATION, body)


def spam(text: str) -> Call[Score]:
    """Ask how much a text looks like spam."""
    return Call("spam", "POST", "/v1/scores", _READ_SCORE, _Text(text))


def links(text: str) -> Call[Links]:
    """Ask for short forms of a text's links."""
    return Call("links", "POST", "/v1/links", _READ_LINKS, _Text(text))


def delivery(handover: Handover, key: str) -> Call[Delivery]:
    """Hand a message over; the same key does so once. KeyReused when it was another message's."""
    target = "/v1/deliveries"
    return Call("delivery", "POST", target, _READ_DELIVERY, handover, key, _REUSED)


def delivered(message_id: str) -> Call[Message]:
    """Ask what became of a message. MessageUnknown when there is none of this id."""
    target = f"/v1/deliveries/{message_id}"
    return Call("delivery", "GET", target, _READ_MESSAGE, refusals=_UNKNOWN)


def audit(record: Record) -> Call[Nothing]:
    """Have it kept on record that a message was sent."""
    return Call("audit", "POST", "/v1/records", _READ_NOTHING, record)


def page(snapshot: str, after: str, limit: int) -> Call[bytes]:
    """Ask for the entries that follow an id, undecoded: a page is decoded in a thread."""
    return Call(snapshot, "GET", f"/v1/entries?after={after}&limit={limit}", bytes)


def entry(snapshot: str, entry_id: str, read: Callable[[bytes], Answer]) -> Call[Answer]:
    """Ask for one entry. Absent when there is none of this id."""
    return Call(snapshot, "GET", f"/v1/entries/{entry_id}", read, refusals=_ABSENT)
