"""What is known about the two people of a message, and about the words for its channel."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from messenger.models import Account, Contact, Preference, Profile, Template


class Parties(NamedTuple):
    """What the directory found for one draft."""

    account: Account | None
    """The sender's, None when there is none."""

    contact: Contact | None
    """The recipient's, None when there is none."""

    sender: Profile
    recipient: Profile
    preference: Preference
    template: Template
    stale: AbstractSet[str]
    """Snapshots that are missing, or older than they should be."""
