"""The published description of the API, made of the same types and tables that serve it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from messenger import intake, problems
from messenger.errors import MessageUnknown, MessengerError, Overloaded, Unavailable
from messenger.models import Draft, Message, Receipt, Version
from messenger.problems import KINDS, Kind, Problem
from messenger.time_limit import TOO_SLOW

_SHAPES = (Draft, Message, Problem, Receipt, Version)

_LOOKING_UP: tuple[type[MessengerError], ...] = (MessageUnknown, Unavailable, Overloaded)
"""What `GET /v1/messages/{id}` can meet with; sending can meet with all but the first."""


def document(version: str) -> dict[str, Any]:
    """Return the OpenAPI document.

    Args:
        version: Release of this process.
    """
    _, schemas = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Messenger",
            "version": version,
            "description": "Sends one message at a time. A 2xx is a promise.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/v1/messages": {"post": _send_message()},
            "/v1/messages/{id}": {"get": _find_message()},
            "/version": {
                "get": {
                    "operationId": "tellVersion",
                    "summary": "Tell which release answers",
                    "responses": {"200": _json("The release", Version)},
                }
            },
            "/openapi.json": {
                "get": {
                    "operationId": "tellDocument",
                    "summary": "Tell all this",
                    "responses": {
                        "200": {
                            "description": "This document",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        }
                    },
                }
            },
        },
        "components": {"schemas": schemas},
    }


def _send_message() -> dict[str, Any]:
    """Describe `POST /v1/messages`."""
    kinds = [kind for error, kind in KINDS.items() if error is not MessageUnknown]
    accepted = _json("Handed over: it will be delivered", Receipt)
    accepted["headers"] = {
        "Idempotency-Key": {
            "description": "The client's key, or the one that was made for it",
            "schema": {"type": "string"},
        },
        "Location": {
            "description": "Where to ask what became of the message",
            "schema": {"type": "string"},
        },
    }
    return {
        "operationId": "sendMessage",
        "summary": "Send one message",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key sends once, whoever tries again",
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(Draft)}}},
        "responses": {"202": accepted, **_problems([*intake.KINDS, TOO_SLOW, *kinds])},
    }


def _find_message() -> dict[str, Any]:
    """Describe `GET /v1/messages/{id}`."""
    return {
        "operationId": "findMessage",
        "summary": "Tell what became of a message",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
        ],
        "responses": {
            "200": _json("What became of it", Message),
            **_problems(KINDS[error] for error in _LOOKING_UP),
        },
    }


def _ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Point to the schema of a struct."""
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _json(description: str, shape: type[msgspec.Struct]) -> dict[str, Any]:
    """Describe an answer that is a struct."""
    return {"description": description, "content": {"application/json": {"schema": _ref(shape)}}}


def _problems(kinds: Iterable[Kind]) -> dict[str, Any]:
    """Describe the problems an operation can end in, one response for each status."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(kind.status, []).append(kind.title)
    responses: dict[str, Any] = {
        str(status): {
            "description": "; ".join(titles[status]),
            "content": {problems.MEDIA_TYPE: {"schema": _ref(Problem)}},
        }
        for status in sorted(titles)
    }
    if "503" in responses:
        responses["503"]["headers"] = {
            "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}
        }
    return responses
