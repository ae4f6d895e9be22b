"""The live page as it is served: closed to the outside, small, and gone when it is not wanted.

What it does in a browser is shown in `tests/browser`.
"""

import re
from html.parser import HTMLParser

import pytest

from messenger import page
from messenger.app import routes
from messenger.settings import Settings
from tests.unit.inprocess import Service

SETTINGS = Settings(pod="pod-1")

MOST_BYTES = 60_000
"""All three files together: on a slow phone (1.6 Mbit/s) they are there within half a second."""


class Offences(HTMLParser):
    """Collects what the policy of the page forbids, as a browser would find it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(f"inline {tag}")
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.found.append(f"attribute {name}")
            if name in {"src", "href"} and re.match(r"(\w+:)?//", value or ""):
                self.found.append(f"outside {value}")


def offences(html: str) -> list[str]:
    """Return what in a page its own policy would not let happen."""
    parser = Offences()
    parser.feed(html)
    return parser.found


def html(settings: Settings) -> str:
    """Return the page of a process with these settings."""
    return bytes(dict(page.answers(settings))["/"].body).decode()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [(path, media_type) for path, _, media_type in page.FILES],
)
async def test_each_file_is_served_under_the_policy(path: str, media_type: str) -> None:
    """Nothing may run, load or frame that is not ours, and no file is taken for another kind."""
    async with Service(SETTINGS).client() as client:
        answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-messenger-version"] == "1.0"
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_page_that_is_switched_off_is_not_there() -> None:
    """None of the three files has a route, and all else answers."""
    async with Service(Settings(pod="p", page=False)).client() as client:
        codes = [(await client.get(path)).status_code for path, _, _ in page.FILES]
        version = await client.get("/version")

    assert codes == [404, 404, 404]
    assert version.status_code == 200
    assert {path for path, _, _ in page.FILES} <= {row.template for row in routes(SETTINGS)}


def test_the_page_is_small() -> None:
    """All of it together is within the budget."""
    sizes = {path: len(answer.body) for path, answer in page.answers(SETTINGS)}

    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_the_page_keeps_to_its_own_policy() -> None:
    """No script, style or address in it would be refused by the browser."""
    assert offences(html(SETTINGS)) == []


@pytest.mark.parametrize(
    "broken",
    [
        "<script>alert(1)</script>",
        "<style>p {}</style>",
        "<p style='color: red'>",
        "<p onclick='a()'>",
        "<script src='//example.org/a.js'></script>",
        "<link href='https://example.org/a.css'>",
    ],
)
def test_a_page_that_does_not_is_seen(broken: str) -> None:
    """The control: each thing that is forbidden is found."""
    assert len(offences(broken)) == 1


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        pytest.param(
            SETTINGS,
            {"release": "1.0", "major": "1", "faults": "false", "embedded": "true"},
            id="embedded",
        ),
        pytest.param(
            Settings(
                pod="p",
                version="2.0-rc1",
                faults_enabled=True,
                downstream_url="http://{service}",
            ),
            {"release": "2.0-rc1", "major": "2", "faults": "true", "embedded": "false"},
            id="a release candidate in front of real downstreams",
        ),
        pytest.param(
            Settings(pod="p", version="10.1"),
            {"release": "10.1", "major": "10", "faults": "false", "embedded": "true"},
            id="a major number of two digits",
        ),
    ],
)
def test_the_page_is_told_what_it_belongs_to(settings: Settings, facts: dict[str, str]) -> None:
    """Release and major number, which its colour goes by, and what there is to ask."""
    found = dict(re.findall(r'data-(\w+)="([^"]*)"', html(settings).split(">", 2)[1]))

    assert found == facts
    assert re.findall(r"\{[a-z]+\}", html(settings)) == []
