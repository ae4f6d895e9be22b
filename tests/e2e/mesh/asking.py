"""Asks one question as often as told, in a caller's pod, and prints what came back as one line."""

import http.client
import json
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ANSWER_SECONDS = 15.0
"""How long an answer may take: longer than the route's time-out."""

AT_ONCE = 16
"""How many are asked at the same time."""


def ask(order: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    """Ask once."""
    url = urllib.parse.urlsplit(order["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=ANSWER_SECONDS)
    try:
        connection.request(order["method"], url.path or "/", order["body"], order["headers"])
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, ""
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, repr(error)
    finally:
        connection.close()


def main() -> None:
    """Ask all of it."""
    order = json.loads(sys.argv[1])
    began = time.monotonic()

    def ask_in_time(number: int) -> tuple[int, dict[str, str], str]:
        if order["rate"]:
            time.sleep(max(0.0, began + number / order["rate"] - time.monotonic()))
        return ask(order)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        replies = list(threads.map(ask_in_time, range(order["times"])))
    sys.stdout.write(json.dumps(replies) + "\n")


if __name__ == "__main__":
    main()
