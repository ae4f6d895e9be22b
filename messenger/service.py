"""The use case: one message, from its draft to the promise that it will be delivered."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from messenger import calls
from messenger.deadline import Deadline
from messenger.errors import (
    MessageUnknown,
    NoAddress,
    RecipientUnknown,
    SenderDisabled,
    SenderUnknown,
    Unavailable,
)
from messenger.models import Draft, Message, Receipt
from messenger.opinions import Opinions, hear
from messenger.parties import Parties
from messenger.ports import Caller, PartyFinder
from messenger.quiet_hours import end_of_quiet
from messenger.rendering import Renderer, Rendering
from messenger.twelve import in_order

AUDIT_SECONDS = 0.3
"""Longest wait for `audit`: the message is already handed over, its sender waits for nothing else,
and what audit does not take is logged."""

LINKS_COUNTED_FROM_MAJOR = 2
"""The visible difference between the two releases, for a canary to show: from version 2.0 a receipt
says in `links` how many links were shortened."""

_MESSAGE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""Shape of the ids that `new_id` and `delivery` give: no message has any other."""

_LOG = logging.getLogger(__name__)


class MessageService:
    """Sends messages and tells what became of them. Keeps no state: `delivery` does.

    Args:
        directory: Knows people and templates.
        downstreams: Puts calls through.
        renderer: Makes the text.
        version: Release of this process; begins with its major number.
        deadline_seconds: Time for one message, from the call to the receipt.
        now: The time, with time zone.
        clock: Seconds, monotonic.
        new_id: Makes ids that nobody has had before.
    """

    def __init__(
        self,
        *,
        directory: PartyFinder,
        downstreams: Caller,
        renderer: Renderer,
        version: str,
        deadline_seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._directory = directory
        self._downstreams = downstreams
        self._renderer = renderer
        self._version = version
        self._counts_links = _major(version) >= LINKS_COUNTED_FROM_MAJOR
        self._deadline_seconds = deadline_seconds
        self._now = now
        self._clock = clock
        self.new_id = new_id
        """Makes an idempotency key for a client that sent none."""

    async def send(self, draft: Draft, key: str) -> Receipt:
        """Hand a message over to `delivery`, and promise no more than that it was.

        Args:
            draft: What is to be sent.
            key: The same key hands over once, whoever tries again.

        Raises:
            Refusal: The message will not be sent; see its subclasses.
            Unavailable: A required downstream gave no usable answer. When that was `delivery`, it
                may have taken the message over all the same: the same key finds out.
            Overloaded: No thread was free for rendering.
        """
        deadline = Deadline(self._deadline_seconds, self._clock)
        parties = await self._directory.parties(draft, deadline.left_for("accounts"))
        address = _address(draft, parties)
        locale = draft.locale or parties.recipient.locale
        opinions = await hear(self._downstreams, draft, locale, deadline)
        words = {
            "sender": parties.sender.name,
            "recipient": parties.recipient.name,
            "body": opinions.text,
        }
        rendering = await self._renderer.render(
            parties.template.text, words, opinions.links, deadline.left_for("delivery")
        )
        handover = self._handover(draft, parties, address, rendering)
        delivery = await self._downstreams.answer(
            calls.delivery(handover, key), deadline.left_for("delivery")
        )
        missing = opinions.missing | parties.stale
        record = _record(draft, delivery, opinions, missing)
        if not await self._has_audited(record, deadline):
            missing.add("audit")
        return Receipt(
            id=delivery.id,
            status=delivery.status,
            degraded=in_order(missing),
            version=self._version,
            not_before=delivery.not_before or UNSET,
            links=rendering.links if self._counts_links else UNSET,
        )

    async def find(self, message_id: str) -> Message:
        """Return what became of a message.

        Raises:
            MessageUnknown: There is no message of this id.
            Unavailable: `delivery` gave no usable answer.
        """
        if not _MESSAGE_ID.fullmatch(message_id):
            raise MessageUnknown
        deadline = Deadline(self._deadline_seconds, self._clock)
        return await self._downstreams.answer(
            calls.delivered(message_id), deadline.left_for("delivery")
        )

    def _handover(
        self, draft: Draft, parties: Parties, address: str, rendering: Rendering
    ) -> calls.Handover:
        """Return the message as `delivery` takes it over, deferred in quiet hours."""
        quiet = end_of_quiet(parties.preference, self._now())
        return calls.Handover(
            id=self.new_id(),
            sender=draft.sender,
            recipient=draft.recipient,
            channel=draft.channel,
            address=address,
            body=draft.body,
            text=rendering.text,
            # As the client wrote it: `delivery` compares it when the key comes back, and the
            # recipient's own language may have changed by then.
            locale=draft.locale,
            status="deferred" if quiet else "accepted",
            not_before=quiet.strftime("%Y-%m-%dT%H:%M:%SZ") if quiet else None,
        )

    async def _has_audited(self, record: calls.Record, deadline: Deadline) -> bool:
        """Have a message recorded, here if `audit` cannot, and return which of the two it was."""
        seconds = min(AUDIT_SECONDS, deadline.left_for("audit"))
        try:
            await self._downstreams.answer(calls.audit(record), seconds)
        except Unavailable:
            _LOG.warning("audit record kept here", extra={"record": msgspec.to_builtins(record)})
            return False
        return True


def _major(version: str) -> int:
    """Return the number that a version begins with, 0 where it begins with none."""
    digits = re.match(r"[0-9]+", version)
    return int(digits[0]) if digits else 0


def _record(
    draft: Draft, delivery: calls.Delivery, opinions: Opinions, missing: set[str]
) -> calls.Record:
    """Return what is to be kept of a message that was handed over."""
    return calls.Record(
        id=delivery.id,
        sender=draft.sender,
        recipient=draft.recipient,
        channel=draft.channel,
        status=delivery.status,
        online=opinions.is_online,
        degraded=in_order(missing),
    )


def _address(draft: Draft, parties: Parties) -> str:
    """Return the address a message goes to.

    Raises:
        Refusal: The sender may not send, or the recipient cannot be reached.
    """
    if parties.account is None:
        raise SenderUnknown
    if not parties.account.enabled:
        raise SenderDisabled
    if parties.contact is None:
        raise RecipientUnknown
    address = parties.contact.address(draft.channel)
    if address is None:
        raise NoAddress
    return address
