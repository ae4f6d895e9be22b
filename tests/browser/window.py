"""One opened page, and what is asked of it again and again."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PATIENCE_MILLISECONDS = 15_000
"""How long a test waits for what the page is to show, where it does not say how fast it must be."""

SOON_SECONDS = 2.0
"""How long it may take until a change of state is seen."""

MOST_BYTES = 60_000
"""What the three files of the page may come to."""

OURS = ("http://127.0.0.1", "http://localhost", "http://messenger.localhost")
"""How the addresses begin that the page may be at; the last one is the gateway's."""


class Window:
    """An opened page that takes note of what goes wrong in it.

    Args:
        page: The page, before it goes anywhere.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Errors and warnings of the console, and whatever the script did not catch."""
        self.crashes: list[str] = []
        """Of these, what the script did not catch: a 503 is the console's business, this is not."""
        self.bytes = 0
        """What the three files of the page came to."""

        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.crashes.append(str(error)))
        page.on("response", lambda answer: self._weigh(answer.url, answer.headers))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _weigh(self, url: str, headers: dict[str, str]) -> None:
        if "content-security-policy" in headers:
            assert url.startswith(OURS), url
            self.bytes += int(headers["content-length"])

    def sees(self, selector: str, text: str, seconds: float | None = None) -> None:
        """Wait until an element contains a text."""
        timeout = PATIENCE_MILLISECONDS if seconds is None else 1000 * seconds
        expect(self.page.locator(selector)).to_contain_text(text, timeout=timeout)

    def has(self, selector: str, seconds: float | None = None) -> None:
        """Wait until there is at least one such element."""
        timeout = PATIENCE_MILLISECONDS if seconds is None else 1000 * seconds
        expect(self.page.locator(selector).first).to_be_attached(timeout=timeout)

    def violations(self) -> list[str]:
        """Return what axe-core holds against the page as it is now."""
        results = Axe().run(self.page)
        return [
            f"{each['id']}: {each['nodes'][0]['html']}" for each in results.response["violations"]
        ]
