"""The words of the domain."""

import pytest

from messenger.models import Channel, Contact


@pytest.mark.parametrize(
    ("channel", "address"), [("push", "device-b"), ("email", "bob@example.com"), ("sms", None)]
)
def test_each_channel_has_its_own_address(channel: Channel, address: str | None) -> None:
    """A channel without an address has None, not another channel's."""
    contact = Contact("bob", push="device-b", email="bob@example.com")

    assert contact.address(channel) == address
