"""What town.toml says of channels: `[mail]`, the server (host, port, username, password, use_tls, use_ssl, from); `[words]`,
the town's own shorthand for commands (sgn = "report")."""

from __future__ import annotations

import tomllib
from typing import Any

from toguna.kernel import town

KNOWN = ("host", "port", "username", "password", "use_tls", "use_ssl", "from")


def mail() -> dict[str, Any] | None:
    """The keywords of Django's SMTP backend, with "from"; None when the town has given no server."""
    given = section("mail")
    return {k: given[k] for k in KNOWN if k in given} if given.get("host") else None


def section(name: str) -> dict[str, Any]:
    """A table of town.toml; empty when it is not there."""
    try:
        return dict(tomllib.loads(town.path().read_text("utf-8")).get(name, {}))
    except FileNotFoundError:
        return {}


def shorthand() -> dict[str, str]:
    """{word: name of a command}."""
    return {str(word): str(name) for word, name in section("words").items()}
