"""What `messenger` prints when it listens: where it is and what to try, for people."""

from messenger.settings import Settings

_COMMAND = """\
  curl -sS {url}/v1/messages -H 'content-type: application/json' \\
    -d '{{"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}}'"""


def banner(host: str, port: int, settings: Settings) -> str:
    """Return the text.

    Args:
        host: The address that is listened on.
        port: The port.
        settings: What was set.
    """
    # Every address is none to type into a browser.
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    url = f"http://{name}:{port}"
    lines = [
        f"Messenger {settings.version} listens on {url}",
        *([f"  page     {url}/"] if settings.page else []),
        f"  probes   {url}/health/started  {url}/health/ready  {url}/health/alive",
        f"  health   {url}/health?verbose",
        f"  metrics  {url}/metrics",
        "Try:",
        _COMMAND.format(url=url),
    ]
    if settings.is_embedded:
        lines += [
            "The twelve downstreams are embedded mocks: messages go nowhere.",
            "Ctrl-C ends both.",
        ]
    return "\n".join(lines)
