"""Renaming: each place gets the form of the name that it asks for, and no place is left out."""

import pytest

from tests.fork.naming import Name
from tests.fork.renaming import RULES, Renaming, Rule

HYPHEN = Renaming(Name("order-items"))

PLACES = {
    "header": ("X-Messenger-Pod", "X-Order-Items-Pod"),
    "class": ("MessengerError", "OrderItemsError"),
    "sentence": ("what Messenger needs", "what Order Items needs"),
    "constant": ("MESSENGER_PORT=0", "ORDER_ITEMS_PORT=0"),
    "identifier": ("rate(messenger_shed_total[1m])", "rate(order_items_shed_total[1m])"),
    "module": ("messenger.health.locks", "order_items.health.locks"),
    "command": ("python -m messenger", "python -m order_items"),
    "copied": ("COPY messenger messenger", "COPY order_items order_items"),
    "imported": ("from messenger import twelve", "from order_items import twelve"),
    "folder": ("messenger/health/README.md", "order_items/health/README.md"),
    "record": ("messenger:errors:ratio1m > 0.05", "order_items:errors:ratio1m > 0.05"),
    "package": ('getLogger("messenger")', 'getLogger("order_items")'),
    "process": ('running("messenger", env=env)', 'running("order_items", env=env)'),
    "object": ("image: messenger-v1:1.0", "image: order-items-v1:1.0"),
}
"""One place for each rule, and what it becomes."""


@pytest.mark.parametrize("rule", PLACES)
def test_a_place_gets_its_form_of_the_name(rule: str) -> None:
    """The one for which there is a rule."""
    before, after = PLACES[rule]

    assert HYPHEN.text(before) == after


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_can_be_left_out(rule: Rule) -> None:
    """The control: without it its place is another one, or has the old name."""
    before, after = PLACES[rule.name]
    rest = [each for each in RULES if each != rule]

    assert Renaming(HYPHEN.name, rest).text(before) != after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("http://messenger.localhost:30080", "http://order-items.localhost:30080"),
        pytest.param("http://messenger.messenger-dev", "http://order-items.order-items-dev"),
        pytest.param(
            "http://{service}.messenger-downstreams", "http://{service}.order-items-downstreams"
        ),
        pytest.param("messenger.shop.svc.cluster.local", "order-items.shop.svc.cluster.local"),
        pytest.param("tag:messenger.example,2026:x", "tag:order-items.example,2026:x"),
        pytest.param("shop/messenger, sa/messenger", "shop/order-items, sa/order-items"),
        pytest.param("- messenger.json", "- order-items.json"),
        pytest.param('folder / "messenger.json"', 'folder / "order-items.json"'),
        pytest.param('ROOT / "messenger" / "page"', 'ROOT / "order_items" / "page"'),
        pytest.param("networkpolicy-messenger.yaml", "networkpolicy-order-items.yaml"),
        pytest.param('up{job="messenger"}', 'up{job="order-items"}'),
        pytest.param("v2 differs from messenger in", "v2 differs from order-items in"),
        pytest.param("messenger: cannot listen", "order-items: cannot listen"),
        pytest.param("uv run messenger --help", "uv run order-items --help"),
        pytest.param('messenger = "messenger.app:main"', 'order-items = "order_items.app:main"'),
        pytest.param("MessengerIsBroken", "OrderItemsIsBroken"),
        pytest.param("a Messenger, no message", "an Order Items, no message"),
        pytest.param("a message of a user", "a message of a user"),
    ],
)
def test_what_stands_around_the_name_tells_what_is_meant(before: str, after: str) -> None:
    """Hosts, files, objects and commands have the hyphen; modules have none."""
    assert HYPHEN.text(before) == after


def test_what_python_reads_as_a_name_becomes_one() -> None:
    """Code has the form of modules, whatever the text of its strings and comments has."""
    source = 'with pair(messenger=None) as messenger:  # messenger\n    find("messenger")\n'

    assert HYPHEN.python(source) == (
        'with pair(order_items=None) as order_items:  # order-items\n    find("order-items")\n'
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pay", "    pay/        the service"),
        ("orderbook", "    orderbook/  the service"),
        ("order-items", "    order_items/  the service"),
    ],
)
def test_a_column_stays_where_it_is_as_far_as_there_is_room(name: str, line: str) -> None:
    """Blanks make up for letters, and two of them are left in any case."""
    assert Renaming(Name(name)).text("    messenger/  the service") == line


def test_blanks_that_the_service_prints_are_no_column() -> None:
    """A document shows what is printed under a shorter name as well."""
    line = 'stack "refresh": messenger/snapshot.py:9 in load  with lock:'

    assert Renaming(Name("pay")).text(line) == line.replace("messenger", "pay")
