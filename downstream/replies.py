"""The six services that remember nothing: each answer follows from the question alone."""

import re
from collections.abc import Iterable
from hashlib import blake2b
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from downstream.people import Person
from downstream.wire import Json, read

SPAM_MARK = "FREE MONEY"
"""What a text must hold to be taken for spam."""

SPAM_SCORE, HAM_SCORE = 0.97, 0.03
"""What texts with and without the mark score, from 0 to 1."""

NATIVE_LOCALE = "en"
"""The language that texts are taken to be written in."""

_LINK = re.compile(r"https?://[^\s<>\"]+")


class Translatable(msgspec.Struct, frozen=True):
    """A text, and the language wanted."""

    text: str
    to: str


class Text(msgspec.Struct, frozen=True):
    """A text."""

    text: str


class Replies:
    """Answers for consent, presence, translation, spam, links and audit.

    Args:
        people: Who is known.
    """

    def __init__(self, people: Iterable[Person]) -> None:
        people = list(people)
        self._refusers = {person.id for person in people if not person.accepts_messages}
        self._online = {person.id for person in people if person.is_online}

    async def consent(self, request: Request) -> Response:
        """Say whether a recipient accepts messages on a channel from a sender."""
        asked = request.query_params
        if missing := [name for name in ("sender", "recipient", "channel") if name not in asked]:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"missing: {', '.join(missing)}")
        return Json({"allowed": asked["recipient"] not in self._refusers})

    async def presence(self, request: Request) -> Response:
        """Say whether somebody is there; nobody knows of strangers."""
        return Json({"online": request.path_params["id"] in self._online})

    async def translate(self, request: Request) -> Response:
        """Translate a text, or at least mark it as if."""
        asked = await read(request, Translatable)
        is_native = asked.to.partition("-")[0] == NATIVE_LOCALE
        return Json({"text": asked.text if is_native else f"[{asked.to}] {asked.text}"})

    async def score(self, request: Request) -> Response:
        """Score how likely a text is spam."""
        asked = await read(request, Text)
        return Json({"score": SPAM_SCORE if SPAM_MARK in asked.text else HAM_SCORE})

    async def shorten(self, request: Request) -> Response:
        """Give a short link for each long one in a text; always the same for the same."""
        asked = await read(request, Text)
        return Json({"links": {link: _short(link) for link in _LINK.findall(asked.text)}})

    async def record(self, request: Request) -> Response:
        """Accept a record for the audit."""
        await read(request, dict[str, object])
        return Json({}, HTTPStatus.CREATED)


def _short(link: str) -> str:
    return f"https://sho.rt/{blake2b(link.encode(), digest_size=4).hexdigest()}"
