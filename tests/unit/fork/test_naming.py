"""Names: which are accepted, and how each form of them is written."""

import pytest

from tests.fork.naming import MOST_CHARACTERS, Name, Refused, named


@pytest.mark.parametrize(
    "text", ["orders", "pay", "a", "order-items", "v2-gateway", "n" * MOST_CHARACTERS]
)
def test_a_name_for_hosts_and_modules_is_accepted(text: str) -> None:
    """Small letters, digits and hyphens, up to the limit."""
    assert named(text) == Name(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "is no name", id="empty"),
        pytest.param("Orders", "is no name", id="capital"),
        pytest.param("order_items", "is no name", id="underscore"),
        pytest.param("2fast", "is no name", id="digit first"),
        pytest.param("orders-", "is no name", id="hyphen last"),
        pytest.param("order--items", "is no name", id="two hyphens"),
        pytest.param("bestellungen-für-alle", "is no name", id="other letters"),
        pytest.param("orders\n", "is no name", id="end of line"),
        pytest.param("../orders", "is no name", id="path"),
        pytest.param("n" * (MOST_CHARACTERS + 1), "characters", id="long"),
        pytest.param("messenger", "old name", id="old name"),
        pytest.param("new-messenger2", "old name", id="old name in it"),
        pytest.param("class", "to Python", id="keyword"),
        pytest.param("json", "to Python", id="standard library"),
        pytest.param("map", "to Python", id="builtin"),
        pytest.param("pod", "variables", id="variables of a pod"),
        pytest.param("starlette", "something else", id="package"),
        pytest.param("python-json-logger", "something else", id="distribution"),
        pytest.param("opentelemetry-sdk", "something else", id="module with an underscore"),
    ],
)
def test_what_cannot_be_a_name_everywhere_is_refused(text: str, reason: str) -> None:
    """For its letters, its length, or because it would be taken for something else."""
    taken = {"starlette", "python-json-logger", "opentelemetry_sdk"}

    with pytest.raises(Refused, match=reason):
        named(text, taken)


def test_a_name_has_a_form_for_each_place() -> None:
    """Two words show the differences, one word has fewer."""
    name = Name("order-items")

    assert (name.kebab, name.snake, name.constant) == ("order-items", "order_items", "ORDER_ITEMS")
    assert (name.pascal, name.header, name.title) == ("OrderItems", "Order-Items", "Order Items")
    assert Name("orders").pascal == Name("orders").header == Name("orders").title == "Orders"
