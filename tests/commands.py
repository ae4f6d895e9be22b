"""The commands of the documents, and which test runs each block of them.

A document says so itself, in a comment in front of the block, which readers do not see. Two things
can be said: `run by` and the path of a test, which then finds the block by `run_by(__file__)`, or
`not run:` and the reason. `all run by` holds for every block that follows and says nothing itself.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

SAID = re.compile(r"<!-- (?:(?P<all>all )?run by (?P<test>\S+)|not run: (?P<reason>.+)) -->")
FENCE = re.compile(r"```(\w*)")
INDENT = "    "

ADDRESS = "http://127.0.0.1:8080"
"""Where the documents have the service; a test has it wherever a port is free."""

REST = "…"
"""Stands in an output for whatever is there: an id, a time, some lines."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, with what the document says that it prints."""

    line: str
    """As a shell takes it, in one line or more."""

    output: str | None
    """None where nothing is said."""

    def prints(self, text: str) -> bool:
        """Whether that is what it is said to print."""
        if self.output is None:
            return True
        wanted = ".*?".join(map(re.escape, self.output.strip().split(REST)))
        return re.fullmatch(wanted, text.strip(), flags=re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code in a document."""

    document: str
    """Its path from the root."""

    number: int
    """The number of its first line, from 1."""

    language: str
    """What the fence says; empty where the block is indented, which is for commands."""

    text: str

    test: str = ""
    """The test that is said to run it."""

    reason: str = ""
    """Why nothing runs it."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.document}:{self.number}"

    @property
    def commands(self) -> list[Command]:
        """Its commands; what follows `$ ` in a block of the language `console`."""
        if self.language == "console":
            return list(_told(self.text))
        return [Command(line, None) for line in _without_remarks(self.text)]


def documents(root: Path = ROOT) -> list[Path]:
    """Return every document of a checkout."""
    places = [root, *(path for path in root.iterdir() if path.is_dir() and _is_ours(path))]
    return sorted(
        {
            path
            for place in places
            for path in (place.glob("*.md") if place == root else place.rglob("*.md"))
        }
    )


def run_by(test: str) -> list[Block]:
    """Return the blocks of all documents that a test is said to run.

    Args:
        test: Its file, as `__file__` has it.
    """
    path = Path(test).resolve().relative_to(ROOT).as_posix()
    return [block for block in every() if block.test == path]


def every(root: Path = ROOT) -> list[Block]:
    """Return every block of every document."""
    return [
        block
        for path in documents(root)
        for block in blocks(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
    ]


def blocks(text: str, document: str = "") -> Iterator[Block]:
    """Find the blocks of a document, each with what is said about it."""
    said: re.Match[str] | None = None
    standing = ""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        first, (language, body) = number, _block(lines, number)
        number += max(1, len(body) + (2 if line.startswith("```") else 0))
        if body:
            found = said.groupdict(default="") if said else {"test": standing, "reason": ""}
            code = "\n".join(body)
            yield Block(document, first + 1, language, code, found["test"], found["reason"])
            said = None
        elif match := SAID.fullmatch(line):
            standing, said = (match["test"], None) if match["all"] else (standing, match)
        elif line:
            said = None


def problems(block: Block, root: Path = ROOT) -> list[str]:
    """Return what is wrong with what is said about a block."""
    if block.reason:
        return []
    if not block.test:
        return ["is neither run by a test, nor says why not"]
    path = root / block.test
    if not (path.is_file() and path.name.startswith("test_")):
        return [f"is run by {block.test}, which is no test"]
    if "run_by(__file__)" not in path.read_text(encoding="utf-8"):
        return [f"is run by {block.test}, which does not ask for it"]
    return []


def _is_ours(folder: Path) -> bool:
    return folder.name == ".github" or not folder.name.startswith((".", "build", "dist"))


def _block(lines: list[str], start: int) -> tuple[str, list[str]]:
    """Return language and lines of the block that begins at a line; no lines without one."""
    if fence := FENCE.fullmatch(lines[start]):
        end = lines.index("```", start + 1)
        return fence[1], lines[start + 1 : end]
    if start and lines[start - 1].strip():
        return "", []  # an indented line of a paragraph or a list
    body = []
    for line in lines[start:]:
        if not line.startswith(INDENT):
            break
        body.append(line.removeprefix(INDENT))
    return "", body


def _without_remarks(text: str) -> Iterator[str]:
    """Join lines that go on, and take away what is said behind a command."""
    line = ""
    for part in text.splitlines():
        line += re.split(r"\s{2,}# ", part)[0]
        if line.endswith("\\"):
            line += "\n"
            continue
        if line.strip():
            yield line
        line = ""


def _told(text: str) -> Iterator[Command]:
    """Find what is typed and what is printed."""
    for told in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        typed = re.match(r"(?:.*\\\n)*.*", told)
        assert typed is not None
        line = _one(_without_remarks(typed[0]))
        yield Command(line, told[typed.end() :].strip("\n"))


def _one(lines: Iterable[str]) -> str:
    (line,) = lines
    return line
