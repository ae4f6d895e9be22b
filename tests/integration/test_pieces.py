"""An answer arrives in one piece: its head does not go ahead of its body."""

import socket
from pathlib import Path

from tests.integration.altered import altered
from tests.integration.process import REPOSITORY, Process
from tests.integration.service import in_front_of, mocks, until_ready

ANSWERS = 200
"""How many are read on one connection: a reader that wakes late finds both pieces of some."""

ASK = b"GET /version HTTP/1.1\r\nHost: t\r\n\r\n"

CORKED = "Cork(transport, self.loop)"
"""What holds the head back until the body is there."""


def broken_answers(behind: Process, root: Path) -> int:
    """Return how many answers were not there as a whole when their beginning was."""
    broken = 0
    with in_front_of(behind, root=root) as service:
        until_ready(service)
        with socket.create_connection(("127.0.0.1", service.messenger.port), 5) as guest:
            for _ in range(ANSWERS):
                guest.sendall(ASK)
                answer = guest.recv(4096)
                if not answer.endswith(b"}"):
                    broken += 1
                    answer += guest.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 ")
    return broken


def test_an_answer_arrives_in_one_piece(tmp_path: Path) -> None:
    """Control: where nothing is held back, the heads of some come alone."""
    copy = altered(tmp_path, "messenger/parser.py", CORKED, "transport")
    with mocks() as behind:
        whole, control = (broken_answers(behind, root) for root in (REPOSITORY, copy))

    assert whole == 0
    assert control > 0
