"""Reads a draft from a request, or says which part of the request keeps it from being one."""

import re
from typing import Any

import msgspec
from starlette.requests import Request

from messenger.models import Draft
from messenger.problems import InputProblem, Kind
from messenger.state import State

MAX_BODY_BYTES = 64 * 1024
"""Longest body of a request: a draft of 10,000 characters at six bytes each, with room for the
other fields. Whatever is longer is refused before it is read."""

MAX_QUOTED_CHARACTERS = 100
"""How much of a field's name an answer repeats, when a client made the name up."""

BAD_KEY = Kind(400, "bad-key", "The idempotency key cannot be used")
BROKEN_JSON = Kind(400, "broken-json", "The body is not JSON")
NO_LENGTH = Kind(411, "no-body", "The request has no body")
TOO_LONG = Kind(413, "too-long", "The body is too long")
NOT_JSON = Kind(415, "not-json", "The body has to be plain JSON")
NO_DRAFT = Kind(422, "no-draft", "The body is not a message")

KINDS = (BAD_KEY, BROKEN_JSON, NO_LENGTH, TOO_LONG, NOT_JSON, NO_DRAFT)
"""Every problem that reading a draft can end in."""

_KEY = re.compile(r"[!-~]{1,128}")
"""Visible ASCII without spaces, which every proxy passes on unchanged; 128 characters hold two
UUIDs and a prefix, and bound what `delivery` has to remember."""

_FIELD = re.compile(
    r" - at `\$\.(?P<at>\w+)|required field `(?P<missing>\w+)`|unknown field `(?P<unknown>.*)`$",
    re.DOTALL,
)
"""Where msgspec's messages name the field at fault."""

_DECODER = msgspec.json.Decoder(Draft)


def read_key(request: Request[State]) -> str | None:
    """Return the client's idempotency key, or None when it sent none.

    Raises:
        InputProblem: There are several, or it is not 1 to 128 visible ASCII characters.
    """
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        detail = "Send it once, as 1 to 128 visible ASCII characters without spaces."
        raise InputProblem(BAD_KEY, detail, field="Idempotency-Key")
    return keys[0]


async def read_draft(request: Request[State]) -> Draft:
    """Return the draft that a request holds.

    Raises:
        InputProblem: The body is missing, too long, of another kind, or not a draft.
    """
    _check_type(request)
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise explain(str(error), NO_DRAFT) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputProblem(BROKEN_JSON, str(error), field="$") from error


def _check_type(request: Request[State]) -> None:
    """Raise InputProblem unless the body is JSON, and nothing else around it."""
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise InputProblem(
            NOT_JSON, "Send application/json.", field="Content-Type", headers=_ACCEPT
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise InputProblem(NOT_JSON, "Send it uncompressed.", field="Content-Encoding")


_ACCEPT = {"accept-post": "application/json"}
"""Says which media type would be taken (the W3C's Linked Data Platform, section 7.1)."""


async def read_body(request: Request[Any], most: int) -> bytes:
    """Return the body, reading no more of it than is allowed.

    Args:
        request: The request, whatever its state holds.
        most: How many bytes that is.

    Raises:
        InputProblem: There is none, or too much.
    """
    headers = request.headers
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        detail = "Send a Content-Length, or the body in chunks."
        raise InputProblem(NO_LENGTH, detail, field="Content-Length")
    # The server has checked that it is a number (RFC 9110, section 8.6).
    if length is not None and int(length) > most:
        raise _too_long(most)
    body = b""
    async for chunk in request.stream():
        body = body + chunk if body else chunk
        if len(body) > most:
            raise _too_long(most)
    return body


def _too_long(most: int) -> InputProblem:
    """Return the refusal of a body that will not be read to its end."""
    # Closing spares reading the rest just to find the next request behind it.
    detail = f"Send at most {most} bytes."
    return InputProblem(TOO_LONG, detail, field="$", headers={"connection": "close"})


def explain(message: str, kind: Kind) -> InputProblem:
    """Return the problem that a message of msgspec is about, naming the field at fault."""
    found = _FIELD.search(message)
    field = "$"
    if found is not None:
        field = next(name for name in found.groups() if name is not None)
    detail = message.partition(" - at `")[0]
    return InputProblem(
        kind, detail[: 2 * MAX_QUOTED_CHARACTERS], field=field[:MAX_QUOTED_CHARACTERS]
    )
