"""Rendering: the text, its links, and the thread for long ones."""

import asyncio
from typing import Any

import pytest

from messenger.errors import Overloaded
from messenger.rendering import THREAD_FROM_CHARACTERS, Renderer, Rendering
from tests.unit.fakes import InlineThreads

WORDS = {"sender": "Alice", "recipient": "Bob", "body": "hello"}


async def render(template: str, body: str, links: dict[str, str]) -> Rendering:
    """Render without a thread."""
    return await Renderer(InlineThreads()).render(template, {**WORDS, "body": body}, links, 1.0)


@pytest.mark.parametrize(
    ("template", "body", "text"),
    [
        pytest.param("$sender: $body", "hello", "Alice: hello", id="fields are filled in"),
        pytest.param(
            "$body", "$sender owes me $5", "$sender owes me $5", id="the body is no field"
        ),
        pytest.param("$who: $body", "hello", "$who: hello", id="unknown fields stand"),
        pytest.param("100 $ $body", "hello", "100 $ hello", id="a lone dollar stands"),
    ],
)
async def test_a_template_is_filled_in(template: str, body: str, text: str) -> None:
    """Neither a template nor a body can break rendering."""
    assert (await render(template, body, {})).text == text


async def test_links_are_shortened_the_longest_first() -> None:
    """A link that begins with another one is not cut in two."""
    links = {"https://a.example": "S1", "https://a.example/long": "S2", "https://no.example": "S3"}
    rendering = await render("$body", "https://a.example/long https://a.example", links)

    assert rendering == Rendering("S2 S1", 2)


async def test_an_empty_link_changes_nothing() -> None:
    """A downstream's odd answer does not take the text apart."""
    assert await render("$body", "hello", {"": "S"}) == Rendering("hello", 0)


@pytest.mark.parametrize(
    ("characters", "runs_total"),
    [
        pytest.param(THREAD_FROM_CHARACTERS - 5, 0, id="short"),
        pytest.param(THREAD_FROM_CHARACTERS, 1, id="long"),
    ],
)
async def test_only_long_work_goes_to_a_thread(characters: int, runs_total: int) -> None:
    """The trip to the pool is made where it costs less than it spares."""
    threads = InlineThreads()
    template = "$body".ljust(characters, "-")
    await Renderer(threads).render(template, WORDS, {}, 1.0)

    assert threads.runs_total == runs_total


class Starved:
    """A pool without a free thread."""

    async def run(self, *_args: object, **_kwargs: object) -> Any:  # noqa: ANN401 - never returns
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_a_starved_pool_makes_the_request_fail_in_time() -> None:
    """Who waits for a thread longer than allowed is told that there is no room."""
    template = "-" * THREAD_FROM_CHARACTERS
    with pytest.raises(Overloaded):
        await Renderer(Starved()).render(template, WORDS, {}, 0.01)
