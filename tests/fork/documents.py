"""Gives the copy documents of its own: nothing is told of forking, and one line says where from."""

import re

from .naming import OLD
from .renaming import Renaming

SECTION = re.compile(
    r"^## (?:Fork it|Beside others)\n.*?(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL
)
"""The sections of README that a service which was forked has no use for."""

LINES = re.compile(
    r"^- .*\btests\.fork\b.*\n(?:  .*\n)*|^.*\btests[./](?:integration/)?fork\b.*\n",
    flags=re.MULTILINE,
)
"""What else is said about forking: items of lists, and lines, such as those of CI, that can be left
out."""

REFERENCE, SERVICE = "A reference microservice", "A microservice"
"""How README and `pyproject.toml` begin to say what this is, and how those of a fork do."""


def credit(version: str) -> str:
    """Return the one line of a fork that has the old name in it.

    The licence wants a notice that files were changed; this is it.
    """
    return f"Forked from {OLD.title} {version} (Apache License 2.0), and changed since."


def readme(text: str, renaming: Renaming, version: str) -> str:
    """Return the README of a fork: title, what the service is, the credit, and what follows."""
    title, opening, rest = document(text, renaming).split("\n\n", 2)
    return "\n\n".join([title, opening, credit(version), rest])


def document(text: str, renaming: Renaming) -> str:
    """Return a document of a fork."""
    return plain(SECTION.sub("", text), renaming)


def plain(text: str, renaming: Renaming) -> str:
    """Return any other text of a fork, which says that this is a service, and no reference."""
    return renaming.text(LINES.sub("", text)).replace(REFERENCE, SERVICE)
