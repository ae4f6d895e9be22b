"""A headless Chromium, and the page of a Messenger of one's own in it."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.window import PATIENCE_MILLISECONDS, Window

OpenPage = Callable[..., Window]
"""Opens the page at an address; keywords are options of Playwright's `new_context`."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run the system's Chromium; skip where there is none.

    For a module and no longer: Playwright keeps an event loop running in this thread, and an async
    test of another module would not get one.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; `apt-get install chromium`, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        # No sandbox: in a container it lacks the rights, and all that is opened is ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open pages, each in a context of its own, and close them at the end."""
    contexts: list[BrowserContext] = []

    def open_page(url: str, **options: object) -> Window:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        window = Window(page)
        page.goto(url)
        return window

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="wait")
        context.close()
