"""What a service may be called, and every form in which its name is written."""

import builtins
import keyword
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass

LABEL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""A label of DNS that, with underscores for its hyphens, is a name of Python as well."""

MOST_CHARACTERS = 30
"""A host name has 63, of which Flagger takes 25 for a pod: `-primary-`, and two hashes. With more
than this, a line of a hundred characters has little room for anything else."""

ENVIRONMENT = {"kubernetes", "otel", "pod"}
"""Prefixes of variables that others set in a pod, and that would be taken for settings."""


class Refused(Exception):
    """Raised when there is a reason not to fork; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a service.

    Args:
        kebab: As objects, images, hosts and the command have it, such as `order-items`.
    """

    kebab: str

    @property
    def snake(self) -> str:
        """As Python and Prometheus have it: `order_items`."""
        return self.kebab.replace("-", "_")

    @property
    def constant(self) -> str:
        """As settings have it: `ORDER_ITEMS`."""
        return self.snake.upper()

    @property
    def pascal(self) -> str:
        """As classes and alerts have it: `OrderItems`."""
        return self.title.replace(" ", "")

    @property
    def header(self) -> str:
        """As headers of HTTP have it: `Order-Items`."""
        return self.title.replace(" ", "-")

    @property
    def title(self) -> str:
        """As sentences have it: `Order Items`."""
        return " ".join(word.capitalize() for word in self.kebab.split("-"))


OLD = Name("messenger")
"""The name of the service in this repository."""


def named(text: str, taken: Collection[str] = ()) -> Name:
    """Return the name that a text is.

    Args:
        text: What the service is to be called.
        taken: Names that something beside the service has, in any of their forms.

    Raises:
        Refused: The text is no name, or one that would be taken for something else.
    """
    name = Name(text)
    if not LABEL.fullmatch(text):
        raise Refused(
            f"{text!r} is no name: it has to begin with a small letter, and to consist of small "
            "letters, digits and single hyphens, since hosts and modules are called so"
        )
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"{text!r} has {len(text)} characters, and may have {MOST_CHARACTERS}")
    if OLD.kebab in text.replace("-", ""):
        raise Refused(f"{text!r} has the old name in it, of which nothing is to remain")
    if text in ENVIRONMENT:
        raise Refused(f"{text!r} begins variables that others set in a pod")
    if keyword.iskeyword(name.snake) or name.snake in {*sys.stdlib_module_names, *dir(builtins)}:
        raise Refused(f"{text!r} means something to Python")
    if {name.kebab, name.snake} & set(taken):
        raise Refused(f"{text!r} is the name of something else here: a package, or an object")
    return name
