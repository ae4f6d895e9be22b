"""The HTTP parser of the server, with the one answer that it gives by itself as RFC 9457 has it.

What cannot be read as HTTP never becomes a request: no route, no middleware and no telemetry sees
it, and uvicorn would answer it in plain text.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from messenger import problems
from messenger.problems import KIND, Kind, Problem

NOT_HTTP = Kind(400, "not-http", "The request cannot be read as HTTP")


class Parser(HttpToolsProtocol):
    """Reads HTTP as uvicorn does, and says in one format with everybody else what it cannot."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close the connection: nobody knows where it would end.

        Args:
            msg: What uvicorn would say: the same in all cases.
        """
        del msg
        answer = problems.answer(
            Problem(KIND + NOT_HTTP.name, NOT_HTTP.title, NOT_HTTP.status),
            {"connection": "close"},
        )
        head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(STATUS_LINE[NOT_HTTP.status] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()


PATH = f"{Parser.__module__}:{Parser.__qualname__}"
"""Where uvicorn finds it: it takes parsers by name."""
