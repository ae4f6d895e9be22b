"""The twelve downstreams as one table: what each is needed for and how long it may take."""

from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple


class Downstream(NamedTuple):
    """One of the twelve."""

    name: str
    needed: Literal["required", "optional"]
    deadline_share: float
    """Part of the request's deadline, counted from its start, by which the answer must be there."""

    fallback: str
    """What is done without it."""


TABLE = (
    # Snapshots: a look-up in memory. Only a required entry that is not there yet is fetched live,
    # which is one key look-up: a fifth of the deadline leaves the rest for the calls that follow.
    Downstream("accounts", "required", 0.2, "last snapshot; cold: fetched live, failing that 503"),
    Downstream("contacts", "required", 0.2, "last snapshot; cold: fetched live, failing that 503"),
    Downstream("profiles", "optional", 0.0, "last snapshot; cold: the id as name, English"),
    Downstream("preferences", "optional", 0.0, "last snapshot; cold: no quiet hours"),
    Downstream("templates", "optional", 0.0, "last snapshot; cold: the body alone"),
    # Consent may take the larger part, since nothing is sent without it, and must leave the
    # hand-over enough to be tried in earnest.
    Downstream("consent", "required", 0.6, "503"),
    # One deadline for the four: together they never make a message wait longer than a third.
    Downstream("presence", "optional", 1 / 3, "not known"),
    Downstream("translation", "optional", 1 / 3, "the text as written"),
    Downstream("spam", "optional", 1 / 3, "taken for no spam"),
    Downstream("links", "optional", 1 / 3, "links as written"),
    # The hand-over has all that remains but a twentieth, 0.15 s of three, for audit and answer.
    Downstream("delivery", "required", 0.95, "503: nothing was promised"),
    Downstream("audit", "optional", 1.0, "logged here"),
)
"""All downstreams, in the order in which `degraded` lists them."""


def in_order(names: AbstractSet[str]) -> tuple[str, ...]:
    """Return names of downstreams in the order of the table."""
    return tuple(each.name for each in TABLE if each.name in names) if names else ()
