"""The secret key: made once, readable by its owner only."""

from __future__ import annotations

import os
import secrets

from toguna.kernel import places


def key() -> str:
    """TOGUNA_SECRET when set (several hosts must share it), else the content of `secret` in the home folder."""
    if given := os.environ.get("TOGUNA_SECRET"):
        return given
    path = places.home() / "secret"
    try:
        if found := path.read_text().strip():
            return found
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    made = secrets.token_urlsafe(50)
    temporary = path.with_name(f"secret.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(made + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails when another process made it first: theirs counts
    except FileExistsError:
        if not path.read_text().strip():  # an empty file left by a power cut
            temporary.replace(path)
            return made
    finally:
        temporary.unlink(missing_ok=True)
    return path.read_text().strip()
