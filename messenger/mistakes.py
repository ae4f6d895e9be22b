"""What is said of a wrong setting, so that it can be put right without reading code.

Kubernetes puts `<SERVICE>_PORT=tcp://…` and a dozen like it into every container for each Service
of the namespace. A Service called "messenger" therefore collides with our prefix, and the line
about it names the cure instead of the symptom.
"""

import difflib
import re
from collections.abc import Collection

from messenger.values import Kind

_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")

_LINK_NAME = re.compile(
    r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$"
)

_LINK_CURE = (
    "it looks like a Kubernetes service link; set enableServiceLinks: false in the pod's spec"
)

_LONGEST_SHOWN = 60
"""Characters of a refused value that are repeated: one line must stay one line to read."""


def bad_value(name: str, text: str, kind: Kind, error: ValueError) -> str:
    """Say that `text` is no value for the setting `name`, and what would be.

    Args:
        name: The setting's name in the environment.
        text: The refused text; not repeated when the setting is a secret.
        kind: What the setting allows.
        error: Why `text` was refused; its text is added where it says more than `kind`.
    """
    shown = "its value" if kind.is_secret else _shortened(text)
    line = f"{name}: {shown} is not {kind.allowed}"
    if isinstance(error, kind.explains):
        line += f": {error}"
    if _LINK_VALUE.match(text):
        line += f"; {_LINK_CURE}"
    return line


def unknown(name: str, text: str, names: Collection[str]) -> str:
    """Say that no setting is called `name`, and which one may be meant.

    Args:
        name: The unknown name.
        text: Its value, which may show that Kubernetes put it there; never repeated.
        names: The names of all settings.
    """
    line = f"{name}: there is no such setting"
    if _LINK_VALUE.match(text) or _LINK_NAME.search(name):
        return f"{line}; {_LINK_CURE}"
    close = difflib.get_close_matches(name, sorted(names), n=1)
    return f"{line}; did you mean {close[0]}?" if close else line


def _shortened(text: str) -> str:
    """Return `text` quoted, on one line, and cut where it is too long to show."""
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
