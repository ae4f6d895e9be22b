"""The people whom the mocks know: a documented cast of eight, and as many more as are wanted."""

import random
from dataclasses import dataclass, replace
from typing import Any

CAST: dict[str, dict[str, Any]] = {
    "Alice": {},
    "Bob": {},
    "Carol": {"is_enabled": False},
    "Dave": {"sms": None},
    "Erin": {"quiet_from": "00:00", "quiet_until": "23:59"},
    "Frank": {"accepts_messages": False},
    "Grace": {"locale": "fr"},
    "Heidi": {"is_online": False},
}
"""The people who are invented by hand, each for a case that the service must get right."""

FIRST_NAMES = ("Ada", "Alan", "Barbara", "Donald", "Edsger", "Grace", "Ken", "Leslie", "Radia")
"""What those beyond the cast are called; pioneers, so that no user is meant."""

LAST_NAMES = ("Hopper", "Knuth", "Lamport", "Liskov", "Lovelace", "Perlman", "Thompson", "Turing")
"""Their family names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can send and receive messages."""

    id: str
    """What everybody calls this person by."""

    name: str
    """What is shown to a recipient."""

    locale: str = "en"
    """The language that this person reads."""

    is_enabled: bool = True
    """Whether the account may send."""

    push: str | None = None
    """The token of a device."""

    email: str | None = None
    """The address for e-mail."""

    sms: str | None = None
    """The telephone number."""

    quiet_from: str | None = None
    """When quiet hours begin, as HH:MM in UTC; None without quiet hours."""

    quiet_until: str | None = None
    """When quiet hours end."""

    accepts_messages: bool = True
    """Whether this person consents to receiving messages."""

    is_online: bool = True
    """Whether this person is there now."""


def invent(count: int, seed: int = 2026) -> list[Person]:
    """Invent people; the same arguments give the same people.

    Args:
        count: How many, the cast included; at least as many as that.
        seed: Decides about everybody beyond the cast.

    Returns:
        The people, in the order of their ids.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    people = [
        replace(_reachable(name.lower(), name, number), **traits)
        for number, (name, traits) in enumerate(CAST.items())
    ]
    for number in range(len(people), count):
        name = f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}"
        person = _reachable(f"p{number:05}", name, number)
        people.append(replace(person, is_online=dice.choice([True, False])))
    return sorted(people, key=lambda person: person.id)


def _reachable(person_id: str, name: str, number: int) -> Person:
    """Invent somebody with an address for every channel."""
    return Person(
        id=person_id,
        name=name,
        push=f"device-{person_id}",
        email=f"{person_id}@example.com",
        sms=f"+1555{number:07}",
    )
