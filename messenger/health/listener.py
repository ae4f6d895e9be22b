"""The listening socket: bound early, listening late, emptied before it is closed."""

import socket
from collections.abc import Iterator


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not listen yet.

    Args:
        host: The address to bind.
        port: The port, or 0 for any free one.

    Raises:
        OSError: The address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def accept_all(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that wait in a non-blocking listener until there is none."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        yield connection
