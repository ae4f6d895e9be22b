"""What is in the image, and under which licence: README says it, by the packages' own metadata."""

import re
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path

from .test_readme import README, rows

ROOT = Path(__file__).parents[2]

SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
}
"""What packages that do not use SPDX's names call their licence (https://spdx.org/licenses)."""

BSD_3 = "Neither the name of the copyright holder nor the names of its contributors"
"""The clause by which the text of that licence is known, where a package gives the whole text."""

BROUGHT_ALONG = re.compile(r"^\* ([A-Z][\w.-]+(?: AND [\w.-]+)?): (.+(?:\n  .+)*)", re.MULTILINE)
"""One licence, and the packages that have it."""


def licence(package: str) -> str:
    """Return a package's licence, by its SPDX name."""
    told = metadata(package)
    if "License-Expression" in told:
        return told["License-Expression"]
    text = " ".join(told["License"].split())
    return "BSD-3-Clause" if BSD_3 in text else SPDX.get(text, text)


def locked() -> set[str]:
    """Return the packages that an image has."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))


def listed(readme: str) -> Mapping[str, str]:
    """Return the licence that README gives each package."""
    section = readme.partition("\n## Dependencies\n")[2].partition("\n## ")[0]
    chosen = {cells[0]: cells[1] for cells in rows(readme, "Dependencies")}
    brought = {
        name: kind
        for kind, names in BROUGHT_ALONG.findall(section)
        for name in re.split(r",\s+", names)
    }
    return {**chosen, **brought}


def test_readme_gives_every_package_of_the_image_its_licence() -> None:
    """Those that are depended on, and those that these bring along; and no other."""
    assert listed(README) == {name: licence(name) for name in locked()}


def test_a_licence_that_is_another_one_is_seen() -> None:
    """The control: neither a wrong licence nor a package that is left out passes."""
    assert listed(README.replace("| starlette | BSD-3-Clause |", "| starlette | MIT |")) != listed(
        README
    )
    assert listed(README.replace("* MPL-2.0: certifi\n", "")) != listed(README)
