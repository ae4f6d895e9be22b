"""Compares what a verdict says with what the laboratory's source says.

The source has comments such as `# worker-1 holds first` on the lines in question; the verdict is
one line of text. Both are turned into the same statements: who, does what, with whom, where.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.integration.lab import stuck

_MARK = re.compile(
    r"# (?P<who>\S+) (?P<what>holds|waits-for|waits|awaits|gathers|joins|needs) (?P<whom>\S+)$"
)
_MEMBER = re.compile(
    r"(?P<who>\S+) -(?:\[holds (?P<held>\S+) @(?P<held_at>\S+)\]-)?>"
    r" (?P<what>waits for|waits|awaits|gathers|joins|needs) (?P<whom>[^@]+?) @(?P<at>\S+)"
    r"(?: \((?P<age>[\d.]+)s\))? -> "
)
_ORPHAN = re.compile(
    r"^orphan: (?P<who>\S+) -> waits (?P<lock>\S+) @(?P<at>\S+) \([\d.]+s\)"
    r" -> (?P<owner>\S+) \[holds (?P<held>\S+) @(?P<held_at>\S+)\] and has ended$"
)


class Statement(NamedTuple):
    """One fact about a deadlock."""

    who: str
    what: str
    whom: frozenset[str]
    at: str


def marked(kind: str) -> set[Statement]:
    """Return what the source of a deadlock says about it."""
    function: Callable[..., Any] = stuck.KINDS[kind]
    lines, first = inspect.getsourcelines(function)
    file = inspect.getsourcefile(function)
    assert file is not None
    short = "/".join(file.rsplit("/", 2)[-2:])
    return {
        _statement(mark["who"], mark["what"].replace("-", " "), mark["whom"], f"{short}:{number}")
        for number, line in enumerate(lines, first)
        if (mark := _MARK.search(line))
    }


def told(line: str) -> set[Statement]:
    """Return what the last line of a termination message says."""
    if orphan := _ORPHAN.match(line):
        return {
            _statement(orphan["who"], "waits", orphan["lock"], orphan["at"]),
            _statement(orphan["owner"], "holds", orphan["held"], orphan["held_at"]),
        }
    assert line.startswith("cycle: "), line
    statements = set()
    end = len("cycle: ")
    for member in _MEMBER.finditer(line):
        assert member.start() == end, f"not understood: {line[end : member.start()]}"
        end = member.end()
        statements.add(_statement(member["who"], member["what"], member["whom"], member["at"]))
        if member["held"]:
            statements.add(_statement(member["who"], "holds", member["held"], member["held_at"]))
    assert line[end:] == line.split(" ")[1], f"the cycle is not closed: {line}"
    return statements


def _statement(who: str, what: str, whom: str, at: str) -> Statement:
    return Statement(_party(who), what, frozenset(map(_party, whom.split(", "))), at)


def _party(name: str) -> str:
    """Return a party's name, the same for each thread of the laboratory's pool."""
    return re.sub(r"^lab-pool_\d+$", "lab-pool", name)
