"""The live page, which shows what the process tells of itself: three answers, each made once.

The page asks the same routes as anybody else, through the address that it came from: behind a mesh
it sees the split that users see. Nothing is built, nothing comes from elsewhere, and the policy in
its headers has the browser hold it to that.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import Response

from messenger.settings import Settings

POLICY = (
    "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; img-src data:; script-src 'self'; style-src 'self'"
)
"""What the page may load and do, as the browser enforces it (Content Security Policy, level 3). No
frame: buttons that break the process are not to be clicked unseen. No form: the script sends it. An
image is the icon alone, which stands in the page itself."""

HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of each of the three files; never cached, since each release brings its own."""

FILES = (
    ("/", "index.html", "text/html"),
    ("/page.css", "page.css", "text/css"),
    ("/page.js", "page.js", "text/javascript"),
)
"""Where each file is served, its name in this folder, and what it is."""

PATHS = frozenset(path for path, _, _ in FILES)
"""What is answered while the process warms up: that is when somebody wants to know why."""

_PLACE = re.compile(r"\{(release|major|faults|embedded)\}")


def answers(settings: Settings) -> Iterator[tuple[str, Response]]:
    """Yield the path of each file and the answer that it is.

    Args:
        settings: What was set; the page is told which release it belongs to, and what it may ask.
    """
    facts = {
        "release": settings.version,
        "major": re.split(r"\D", settings.version, maxsplit=1)[0],
        "faults": str(settings.faults_enabled).lower(),
        "embedded": str(settings.is_embedded).lower(),
    }
    for path, name, media_type in FILES:
        text = Path(__file__).with_name(name).read_text(encoding="utf-8")
        if name == "index.html":
            text = _PLACE.sub(lambda place: facts[place[1]], text)
        yield path, Response(text, headers=HEADERS, media_type=media_type)
