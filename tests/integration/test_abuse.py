"""Whatever is sent, it gets what README's Security section says, and nobody else notices.

The shapes are in `abuse.py`. What takes time, or thousands of connections, is in
`test_abuse_that_lasts.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import abuse
from tests.integration.abuse import TABLE
from tests.integration.service import Pair, code, in_front_of, pair, until_ready


@pytest.fixture(scope="module")
def service() -> Iterator[Pair]:
    """Run a service for all tests of this file."""
    with pair() as service:
        until_ready(service)
        yield service


@pytest.mark.parametrize("sent", TABLE)
def test_each_shape_gets_what_the_table_says(service: Pair, sent: str) -> None:
    """One answer for each request that there is, no 5xx, no traceback; then a probe is answered."""
    row = TABLE[sent]
    heard = [abuse.converse(service.messenger.port, shape + abuse.NEXT) for shape in row.shapes]
    alive = code(f"{service.messenger.url}/health/alive")

    assert [(each.statuses, each.is_closed) for each in heard] == [
        (row.statuses, True) for _ in row.shapes
    ]
    assert alive == 200
    assert not [line for line in service.messenger.stderr if "exc_info" in json.loads(line)]


PROTECTED = (
    "the wish for another protocol",
    "garbage behind a message",
    "a head, or the frame of a chunk, over 64 KiB",
)
"""The rows that only our own parser keeps."""


def test_without_our_parser_the_table_does_not_hold(service: Pair, tmp_path: Path) -> None:
    """The control: uvicorn's own loses bodies, disowns answers, and reads heads without end."""
    root = abuse.without_our_parser(tmp_path)
    with in_front_of(service.downstream, root=root) as plain:
        until_ready(plain)
        heard = {
            sent: abuse.converse(plain.messenger.port, TABLE[sent].shapes[0] + abuse.NEXT, 1.0)
            for sent in PROTECTED
        }

    assert {sent for sent in PROTECTED if heard[sent].statuses != TABLE[sent].statuses} == set(
        PROTECTED
    )
