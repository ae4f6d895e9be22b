"""What `kubectl describe pod` shows of a container that was restarted.

The kubelet never shows the body of a failed probe (kubernetes#103592), so the reason has to be in
the termination message by the time the container ends: it is written at the moment of the verdict.
The kubelet reads the last 4,096 bytes of the file, so the most important line stands last.
"""

import os
from pathlib import Path

MESSAGE_BYTES = 4_000
"""The longest message in bytes: the kubelet keeps the last 4,096 (`getTerminationMessage`)."""


def fitted(lines: list[str]) -> bytes:
    """Join `lines` into at most 4,000 bytes, dropping whole lines from the top.

    A last line that is too long by itself loses its end: its beginning names the verdict.
    """
    kept: list[bytes] = []
    size = 0
    for line in reversed(lines):
        data = line.encode(errors="replace") + b"\n"
        if size + len(data) > MESSAGE_BYTES:
            break
        kept.append(data)
        size += len(data)
    if not kept and lines:
        data = lines[-1].encode(errors="replace")[: MESSAGE_BYTES - 1]
        return data.decode(errors="ignore").encode() + b"\n"
    return b"".join(reversed(kept))


class TerminationLog:
    """The file that the kubelet reads when the container has ended.

    Only `os.write` is used: no buffering and no lock that a deadlocked thread could hold. A file
    that is not there or cannot be written is skipped: outside Kubernetes there is none, and the
    same text goes to the log.

    Args:
        path: The file, usually `/dev/termination-log`; None is nowhere. It is never created.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def write(self, lines: list[str]) -> bool:
        """Replace the message by `lines` and say whether that was possible."""
        return self._replace(fitted(lines))

    def clear(self) -> bool:
        """Empty the message: what was reported has passed."""
        return self._replace(b"")

    def open(self) -> int | None:
        """Return a descriptor that appends to the file, or None if there is no file."""
        if self.path is None:
            return None
        try:
            return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            return None

    def _replace(self, data: bytes) -> bool:
        if self.path is None:
            return False
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.write(descriptor, data)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True
