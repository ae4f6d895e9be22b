"""The doctor at real commands, files and ports."""

import socket

from tests import doctor


def test_this_machine_can_be_asked() -> None:
    """About things that exist on any machine, and about some that exist on none."""
    this = doctor.this_machine()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]

        assert not this.is_free(taken)

    assert this.is_free(taken)
    assert this.run(["true"]) == doctor.Result(0, "")
    assert this.run(["there-is-no-such-command"]) is None
    assert this.read("/there/is/no/such/file") is None
    assert this.environ
