"""What is printed for people when the service listens."""

import json
import shlex

import pytest

from messenger.banner import banner
from messenger.settings import Settings

EMBEDDED = Settings(pod="laptop")


def test_the_command_is_a_message_that_can_be_sent() -> None:
    """Copied into a shell, it is one curl with a body of JSON."""
    text = banner("127.0.0.1", 8080, EMBEDDED)
    words = shlex.split(text[text.index("curl") : text.index("\nThe twelve")])

    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:8080/v1/messages"]
    assert json.loads(words[-1])["sender"] == "alice"


def test_embedded_mocks_are_called_what_they_are() -> None:
    """Nobody is to believe that a message was delivered."""
    assert "messages go nowhere" in banner("127.0.0.1", 8080, EMBEDDED)
    real = Settings(pod="p", downstream_url="http://{service}")
    assert "messages go nowhere" not in banner("127.0.0.1", 8080, real)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")],  # noqa: S104 - not bound
)
def test_the_address_is_one_that_can_be_opened(host: str, expected: str) -> None:
    """Every address is none to type into a browser."""
    assert f"http://{expected}:80/metrics" in banner(host, 80, EMBEDDED)


def test_the_address_of_the_page_is_told_where_there_is_one() -> None:
    """Nobody is sent to a page that is switched off."""
    assert "page     http://127.0.0.1:8080/\n" in banner("127.0.0.1", 8080, EMBEDDED)
    assert "page" not in banner("127.0.0.1", 8080, Settings(pod="p", page=False))
