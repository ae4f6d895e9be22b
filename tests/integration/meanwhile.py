"""Something that is done again and again in a thread, while a block does something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(work: Callable[[], None], pause_seconds: float) -> Iterator[None]:
    """Do some work for as long as the block lasts; its last round is waited for.

    Args:
        work: One round.
        pause_seconds: Pause before each round.
    """
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(pause_seconds):
            work()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
