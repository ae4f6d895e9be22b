"""Every link from a document of ours to another leads to what it names."""

import re
from pathlib import Path

import pytest

from tests.commands import ROOT, documents

LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = ("http://", "https://")

DOCUMENTS = [path.relative_to(ROOT).as_posix() for path in documents()]


def anchors(text: str) -> set[str]:
    """Return what the headings of a document are called in links."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def astray(text: str, document: Path) -> list[str]:
    """Return the links in the text of a document that lead nowhere."""
    found = []
    for link in LINK.findall(text):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not (target.exists() and (not anchor or anchor in anchors(target.read_text("utf-8")))):
            found.append(link)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    """To a file that is there, and to a heading in it."""
    path = ROOT / name

    assert astray(path.read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize(
    "link", ["nowhere.md", "README.md#no-such-heading", "#nor-this"], ids=["file", "heading", "own"]
)
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    """The control."""
    assert astray(f"See [there]({link}).", ROOT / "README.md") == [link]


def test_a_link_that_leads_somewhere_is_none_of_them() -> None:
    """To a folder, a file or a heading, with marks in it or none."""
    text = "[a](k8s/) [b](tests/README.md#a-cluster) [c](#change-it) [d](https://example.com/x)"

    assert astray(text, ROOT / "README.md") == []
