"""Dockerfiles, read as far as the tests need it: stages, and their instructions."""

import re
from pathlib import Path
from typing import NamedTuple

from tests.manifests.rendering import ROOT

MESSENGER = ROOT / "messenger" / "Dockerfile"
DOWNSTREAM = ROOT / "downstream" / "Dockerfile"


class Stage(NamedTuple):
    """One stage of a Dockerfile."""

    source: str
    """What it begins from: an image or a stage."""

    name: str
    instructions: tuple[tuple[str, str], ...]
    """Each instruction with its arguments, continued lines joined, comments left out."""

    def all(self, instruction: str) -> list[str]:
        """Return the arguments of every instruction of this kind."""
        return [arguments for name, arguments in self.instructions if name == instruction]


def stages(path: Path) -> list[Stage]:
    """Return the stages of a Dockerfile, in order."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line.strip() for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line.strip()]
    found: list[Stage] = []
    for line in lines:
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            source, _, name = arguments.partition(" AS ")
            found.append(Stage(source, name, ()))
        elif found:
            last = found[-1]
            added = (*last.instructions, (instruction, arguments.strip()))
            found[-1] = last._replace(instructions=added)
    return found


def lineage(path: Path, name: str) -> list[Stage]:
    """Return a stage and all that it is made on, the oldest first; "" is the last stage."""
    every = stages(path)
    stage = next(each for each in reversed(every) if each.name == name)
    older = [each.name for each in every]
    return [*(lineage(path, stage.source) if stage.source in older else []), stage]
