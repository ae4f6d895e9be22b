"""The text of a message: its body with short links, in the words of the channel's template."""

import asyncio
from collections.abc import Mapping
from string import Template as Pattern
from typing import NamedTuple

from messenger.errors import Overloaded
from messenger.ports import Threads

THREAD_FROM_CHARACTERS = 100_000
"""Work, in characters to be scanned, from which a thread is used. Measured: scanning these takes
350 us, the trip to the pool and back 130 us, which below that would cost more than it spares the
other requests. It takes a long body with a dozen links, or a template of a newsletter's size."""


class Rendering(NamedTuple):
    """A text, and how many of its links were shortened."""

    text: str
    links: int


class Renderer:
    """Renders messages, in a thread where that pays.

    Args:
        threads: Pool for the long ones.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def render(
        self,
        template: str,
        words: Mapping[str, str],
        links: Mapping[str, str],
        within_seconds: float,
    ) -> Rendering:
        """Return the text to be sent.

        Args:
            template: For `string.Template`; fields it has beside `words` are left as they stand.
            words: What the fields `sender`, `recipient` and `body` stand for.
            links: A short link for each link that may occur in the body.
            within_seconds: How long a free thread may be waited for.

        Raises:
            Overloaded: There was none.
        """
        # Each link is one more scan of the body.
        characters = len(template) + len(words["body"]) * len(links)
        if characters < THREAD_FROM_CHARACTERS:
            return _render(template, words, links)
        try:
            async with asyncio.timeout(within_seconds):
                return await self._threads.run(_render, template, words, links)
        except TimeoutError as error:
            raise Overloaded("no thread is free for rendering") from error


def _render(template: str, words: Mapping[str, str], links: Mapping[str, str]) -> Rendering:
    """Do what `Renderer.render` says, here and now."""
    body = words["body"]
    shortened = 0
    # Longest first: a link may begin with another one.
    for link in sorted(links, key=len, reverse=True):
        if link and link in body:
            body = body.replace(link, links[link])
            shortened += 1
    return Rendering(Pattern(template).safe_substitute({**words, "body": body}), shortened)
