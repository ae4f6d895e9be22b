"""Puts one name in the place of another, in the form that each place asks for.

A name with a hyphen has two forms in small letters, one for objects and one for modules, and the
old name looks the same in both. What stands around it tells which is meant.
"""

import io
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .naming import OLD, Name


class Rule(NamedTuple):
    """Which form a new name has in some places."""

    name: str

    pattern: str
    """Matches the old name, and looks at what stands around it."""

    form: str
    """The attribute of `Name`."""


def _after(*texts: str) -> str:
    """Return what matches the old name behind one of these texts."""
    return "|".join(rf"(?<={re.escape(text)}){OLD.kebab}\b" for text in texts)


ELSEWHERE = rf"localhost|example|\w+\.svc|{OLD.kebab}|json|yaml"
"""What follows the name and a dot where that is a host or a file, and no module."""

RULES = (
    Rule("header", rf"{OLD.title}(?=-[A-Z])", "header"),
    Rule("class", rf"{OLD.title}(?=[A-Z])", "pascal"),
    Rule("sentence", OLD.title, "title"),
    Rule("constant", OLD.constant, "constant"),
    Rule("identifier", rf"(?<=_){OLD.snake}|{OLD.snake}(?=_)", "snake"),
    Rule("module", rf"{OLD.snake}(?=\.(?!{ELSEWHERE})[\w{{])", "snake"),
    Rule("command", _after("-m ", '-m", "', "import ", "COPY "), "snake"),
    Rule("copied", rf"(?<=COPY {OLD.snake} ){OLD.snake}\b", "snake"),
    Rule("imported", rf"(?<=from ){OLD.snake}(?= import\b)", "snake"),
    Rule(
        "folder",
        rf'{OLD.snake}(?=/)|(?<=/ "){OLD.snake}(?=")|' + _after("/app/", 'Path("'),
        "snake",
    ),
    # PromQL's names of recording rules have colons, and no hyphens.
    Rule("record", rf"{OLD.snake}(?=:[a-z])", "snake"),
    Rule(
        "package",
        rf'{OLD.snake}(?=", "(?:downstream|faults|health|{OLD.snake}\.embedded)")|'
        + _after('getLogger("', 'touches("', 'parts[0] == "', '"istio", "', '*allowed, "'),
        "snake",
    ),
    # Tests start `python -m`, in one line or more.
    Rule(
        "process",
        rf'(?<=running\("){OLD.snake}(?=")|{OLD.snake}(?=": free_port)|'
        + _after('run_to_end("', 'run_to_end(\n        "', '"-m", "', 'module: str = "')
        + "|"
        + _after('.start("', '.end("', 'killed("', 'frozen("', 'ports["'),
        "snake",
    ),
    Rule("object", OLD.kebab, "kebab"),
)
"""The first that matches at a place decides about it; the last one takes what is left."""

COLUMNS = r"(?P<gap>(?<=\S) {2,}(?=\S))|(?P<end>\n)"
"""Blanks that put what comes next into a column, as in a tree of files, and the end of the line."""

PRINTED = 'stack "'
"""How lines begin that the service prints, in which two blanks stand for themselves."""

ARTICLE = re.compile(rf"\b([Aa])(?= {OLD.title}\b)")
VOWELS = tuple("AEIOU")


@dataclass(frozen=True, slots=True)
class Renaming:
    """Writes a new name wherever the old one stands.

    Args:
        name: The new name.
        rules: Where it has which form.
    """

    name: Name
    rules: Sequence[Rule] = RULES

    def text(self, text: str) -> str:
        """Return a text with the new name in it; columns stay where they are, if there is room."""
        owed = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal owed
            if match.lastgroup == "end":
                owed = 0
                return match[0]
            if match.lastgroup == "gap" and _line(match).startswith(PRINTED):
                return match[0]
            if match.lastgroup == "gap":
                width = max(2, len(match[0]) - owed)
                owed -= len(match[0]) - width
                return " " * width
            new = self._form(match)
            owed += len(new) - len(match[0])
            return new

        return re.sub(f"{self._pattern}|{COLUMNS}", replace, self._with_article(text))

    def python(self, source: str) -> str:
        """Return a module with the new name in it; the formatter sees to its columns."""
        lines = source.splitlines(keepends=True)
        for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
            if token.type == tokenize.NAME and token.string == OLD.snake:
                row, start, end = token.start[0] - 1, token.start[1], token.end[1]
                lines[row] = lines[row][:start] + self.name.snake + lines[row][end:]
        return re.sub(self._pattern, self._form, self._with_article("".join(lines)))

    @property
    def _pattern(self) -> str:
        return "|".join(f"(?P<{rule.name}>{rule.pattern})" for rule in self.rules)

    def _form(self, match: re.Match[str]) -> str:
        form = next(rule.form for rule in self.rules if rule.name == match.lastgroup)
        return str(getattr(self.name, form))

    def _with_article(self, text: str) -> str:
        """Return a text whose indefinite articles suit the new name."""
        return ARTICLE.sub(r"\1n", text) if self.name.title.startswith(VOWELS) else text


def _line(match: re.Match[str]) -> str:
    """Return the line of a match, as far as the match."""
    return match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
