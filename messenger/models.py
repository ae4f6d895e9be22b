"""The words of the domain: what clients send and get, and what is known about people.

All are msgspec structs: declared once, they are type, validation and JSON Schema together. Entries
of the snapshots (`Account` to `Template`) accept unknown fields, since a downstream may grow; a
`Draft` does not, since a misspelt field of a client should not be lost in silence.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# `(?!\n)`: Python's `$` also matches in front of a final newline, JSON Schema's does not.
PersonId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Id of a person: 1 to 64 letters, digits, dots, dashes and underscores.",
        examples=["alice"],
    ),
]
"""An id that can stand in a URL's path or query without being quoted."""

Locale = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2}(-[A-Z]{2})?$(?!\n)",
        description="Language, and country if need be: RFC 5646 in its two plainest forms.",
        examples=["fr", "pt-BR"],
    ),
]

Body = Annotated[
    str,
    Meta(min_length=1, max_length=10_000, description="What is to be said, in characters."),
]
"""10,000 characters: some five pages, and below the 64 KiB of a request in any language whose
characters take at most six bytes in JSON."""

Channel = Literal["push", "email", "sms"]
Status = Literal["accepted", "deferred"]

ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
"""A time of day in UTC, "HH:MM"."""


class Draft(Struct, frozen=True, forbid_unknown_fields=True):
    """A message as its sender wrote it."""

    sender: PersonId
    recipient: PersonId
    channel: Channel
    body: Body
    locale: Locale | None = None
    """Language to send it in; the recipient's own when absent."""


class Receipt(Struct, frozen=True):
    """The promise that a message will be delivered: given after `delivery` took it over."""

    id: str
    """Ask `GET /v1/messages/{id}` for what became of it."""

    status: Status
    degraded: Annotated[
        tuple[str, ...], Meta(description="Downstreams that had to be done without.")
    ]
    """In the order of the table of twelve."""

    version: Annotated[str, Meta(description="Release that answered.")]
    not_before: Annotated[
        str | UnsetType, Meta(description="Earliest delivery, when deferred (RFC 3339, UTC).")
    ] = UNSET
    links: Annotated[
        int | UnsetType, Meta(description="From version 2.0: how many links were shortened.")
    ] = UNSET


class Version(Struct, frozen=True):
    """Which release answers, and from where."""

    version: str
    pod: str


class Message(Struct, frozen=True):
    """What became of a message, as `delivery` tells it."""

    id: str
    status: str
    sender: str
    recipient: str
    channel: str
    delivered_at: str | None = None
    not_before: str | None = None


class Account(Struct, frozen=True):
    """Who may send."""

    id: str
    enabled: bool


class Contact(Struct, frozen=True):
    """Where a person can be reached; a channel without an address is None."""

    id: str
    push: str | None = None
    email: str | None = None
    sms: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Return the address for a channel, or None where there is none."""
        match channel:
            case "push":
                return self.push
            case "email":
                return self.email
            case "sms":
                return self.sms


class Profile(Struct, frozen=True):
    """How a person is called and spoken to."""

    id: str
    name: str
    locale: Locale = "en"


class Preference(Struct, frozen=True):
    """When a person wants to be left alone; both times or neither."""

    id: str
    quiet_from: ClockTime | None = None
    quiet_until: ClockTime | None = None


class Template(Struct, frozen=True):
    """The words around a body, one template for each channel."""

    id: str
    text: str
    """For `string.Template`, with the fields `$sender`, `$recipient` and `$body`."""
