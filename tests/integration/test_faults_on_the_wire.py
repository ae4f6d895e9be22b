"""A reset is one under either of uvicorn's HTTP/1.1 parsers: it leans on how they hang up."""

import logging
import socket
import threading

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from messenger.faults import FaultMiddleware, Faults, parse


@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_reset_closes_the_connection_before_the_first_byte(
    parser: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client reads the end of the connection and nothing else."""
    caplog.set_level(logging.CRITICAL, logger="uvicorn.error")
    app = FaultMiddleware(PlainTextResponse("hello"), Faults(parse("reset:100%")))
    config = uvicorn.Config(app, http=parser, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=5) as connection:
            connection.sendall(b"GET /v1/x HTTP/1.1\r\nHost: mocks\r\n\r\n")
            received = connection.recv(1)
        server.should_exit = True
        thread.join(timeout=5)

    assert received == b""
    assert not thread.is_alive()
