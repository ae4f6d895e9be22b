"""The text of `messenger --help`: every setting, made from the very fields that read it."""

import ast
import inspect
import textwrap
from pathlib import Path

from messenger import settings
from messenger.settings import Settings

_OPENING = """\
usage: messenger [--help] [--version]

Messenger, a reference microservice whose health endpoints tell the truth.
It has no options; all is set by the environment:
"""

_CLOSING = """\
OTEL_EXPORTER_OTLP_ENDPOINT names a collector for traces (OTLP over HTTP); DOWNSTREAM_* is handed to
the embedded mocks, for example DOWNSTREAM_FAULTS="links=hang:50%".
"""

_WIDTH = 100
"""Columns of the text, as of the source; most terminals have them."""


def render() -> str:
    """Return the whole text."""
    sentences = field_sentences()
    entries = []
    for name, field in settings.fields().items():
        allowed = field.metadata["kind"].allowed
        entries.append(f"  {name}  (default: {default_text(field.default)})")
        text = f"{sentences[field.name]} Allowed: {allowed}."
        entries += textwrap.wrap(
            text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_long_words=False
        )
    return "\n".join([_OPENING, *entries, "", _CLOSING])


def default_text(default: object) -> str:
    """Return a default as one would write it in the environment."""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def field_sentences() -> dict[str, str]:
    """Return the first sentence under each field of `Settings`, by the field's name.

    A string below a field is a docstring to readers and nothing to the interpreter, hence the look
    at the source.
    """
    source = Path(inspect.getfile(Settings)).read_text(encoding="utf-8")
    found = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == Settings.__name__
    )
    sentences = {}
    for field, text in zip(found.body, found.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                sentences[name] = first_sentence(docstring)
            case _:
                pass
    return sentences


def first_sentence(docstring: str) -> str:
    """Return the text up to the first full stop that ends a line or precedes a space."""
    text = " ".join(docstring.split())
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]
