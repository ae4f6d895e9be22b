"""What the live downstreams say about a message before it is handed over."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from messenger import calls
from messenger.deadline import Deadline
from messenger.errors import ConsentRefused, LooksLikeSpam, Unavailable
from messenger.models import Draft
from messenger.ports import Caller

SPAM_FROM = 0.9
"""Score from which a body is spam. High, since a message refused by mistake is worse than a bad
one delivered, and since the score comes from a downstream that may be missing altogether."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Opinions:
    """The answers to the five live questions, or what is done without them."""

    is_online: bool | None
    """Whether the recipient is there; None where nobody knows."""

    text: str
    """The body, in the recipient's language if there was a translation."""

    links: Mapping[str, str]
    """A short link for each link of the body."""

    missing: set[str]
    """Downstreams that gave no usable answer."""


async def hear(caller: Caller, draft: Draft, locale: str, deadline: Deadline) -> Opinions:
    """Ask whether a message may be sent, and at the same time for all that betters it.

    All five are always asked and waited for, whatever one of them says: the load on each is the
    same on good and bad days, and no connection is dropped because another call failed.

    Args:
        caller: Puts calls through.
        draft: The message.
        locale: Language of the recipient.
        deadline: The request's; the four optional ones share one part of it.

    Raises:
        ConsentRefused: The recipient does not want it.
        LooksLikeSpam: Nobody wants it.
        Unavailable: Nobody knows whether the recipient wants it.
    """
    body = draft.body
    seconds = deadline.left_for("consent")
    optional_seconds = deadline.left_for("presence")
    consenting = caller.answer(calls.consent(draft), seconds)
    locating = caller.answer(calls.presence(draft.recipient), optional_seconds)
    translating = caller.answer(calls.translation(body, locale), optional_seconds)
    judging = caller.answer(calls.spam(body), optional_seconds)
    shortening = caller.answer(calls.links(body), optional_seconds)
    consent, presence, translation, score, links = await asyncio.gather(
        consenting, locating, translating, judging, shortening, return_exceptions=True
    )
    if isinstance(consent, BaseException):
        raise consent
    if not consent.allowed:
        raise ConsentRefused
    missing: set[str] = set()
    judged = _optional(score, missing)
    if judged is not None and judged.score >= SPAM_FROM:
        raise LooksLikeSpam
    there = _optional(presence, missing)
    foreign = _optional(translation, missing)
    short = _optional(links, missing)
    return Opinions(
        is_online=None if there is None else there.online,
        text=body if foreign is None else foreign.text,
        links={} if short is None else short.links,
        missing=missing,
    )


def _optional(answer: Answer | BaseException, missing: set[str]) -> Answer | None:
    """Return an answer, or None after taking note of the downstream that gave none."""
    if isinstance(answer, Unavailable):
        missing.add(answer.downstream)
        return None
    if isinstance(answer, BaseException):
        raise answer
    return answer
