"""ClamAV, when the machine has it: by the socket of its daemon (INSTREAM), else by its command."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from pathlib import Path

SOCKETS = [Path("/run/clamav/clamd.ctl"), Path("/run/clamd.scan/clamd.sock")]
_BLOCK = 1 << 16
_SECONDS = 60


class Unanswered(Exception):
    """ClamAV is there and gives no answer: nothing can be said of the file yet."""


def daemon() -> Path | None:
    return next((one for one in SOCKETS if one.is_socket()), None)


def infected(path: Path) -> str:
    """The name of what was found, "" when nothing was, or when this machine has no ClamAV. Raises Unanswered."""
    if at := daemon():
        return _asked(at, path)
    if command := shutil.which("clamscan"):
        try:
            done = subprocess.run(
                [command, "--no-summary", "--", path], capture_output=True, timeout=5 * _SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise Unanswered(str(wrong)) from wrong
        if done.returncode not in (0, 1):
            raise Unanswered(done.stderr.decode(errors="replace")[:300])
        return "found" if done.returncode else ""
    return ""


def _asked(at: Path, path: Path) -> str:
    """One INSTREAM: blocks of (4 bytes of length, content), a length of 0 ends; answers "stream: OK" or "stream: X FOUND"."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line, path.open("rb") as file:
            line.settimeout(_SECONDS)
            line.connect(str(at))
            line.sendall(b"zINSTREAM\0")
            while block := file.read(_BLOCK):
                line.sendall(struct.pack("!I", len(block)) + block)
            line.sendall(struct.pack("!I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (part := line.recv(4096)) and len(answer) < 4096:
                answer += part
    except OSError as wrong:
        raise Unanswered(str(wrong)) from wrong
    said = answer.rstrip(b"\0\n").decode(errors="replace")
    if said.endswith(" FOUND"):
        return said.removeprefix("stream: ").removesuffix(" FOUND")
    if said == "stream: OK":
        return ""
    raise Unanswered(said or "no answer")
