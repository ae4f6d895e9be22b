"""The documents of a fork: its own title, one line of credit, and nothing about forking."""

from tests.fork import documents
from tests.fork.naming import Name
from tests.fork.renaming import Renaming

README = """# Messenger

A reference microservice whose health endpoints tell the truth.

    uv run messenger

## Fork it

    uv run python -m tests.fork ../orders --name orders

Makes another Messenger.

## Endpoints

Those of Messenger.
"""

ORDERS = Renaming(Name("orders"))


def test_the_readme_of_a_fork_is_its_own() -> None:
    """Title and text have the new name; the credit has the old one, and the version."""
    assert documents.readme(README, ORDERS, "1.0.0") == (
        "# Orders\n\n"
        "A microservice whose health endpoints tell the truth.\n\n"
        "Forked from Messenger 1.0.0 (Apache License 2.0), and changed since.\n\n"
        "    uv run orders\n\n"
        "## Endpoints\n\n"
        "Those of Orders.\n"
    )


def test_a_line_about_forking_is_left_out_of_any_document() -> None:
    """Such as a row of a table, or an item of a list."""
    table = "| `bench/` | measures |\n| `fork/` | `python -m tests.fork` |\n\nMessenger.\n"

    assert documents.document(table, ORDERS) == "| `bench/` | measures |\n\nOrders.\n"


def test_an_item_about_forking_is_left_out_whole() -> None:
    """With the lines that it goes on in, and nothing of the next."""
    items = "- One.\n- `tests.fork`: makes a service,\n  and more.\n- Two, which\n  goes on.\n"

    assert documents.document(items, ORDERS) == "- One.\n- Two, which\n  goes on.\n"


def test_a_command_that_tries_forks_is_left_out_of_ci() -> None:
    """Those around it stay."""
    script = "uv run pytest \\\n  --ignore=tests/integration/fork \\\n  tests/integration\n"

    assert documents.plain(script, ORDERS) == "uv run pytest \\\n  tests/integration\n"
