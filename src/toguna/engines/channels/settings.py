"""The mail server, from `[mail]` in town.toml: host, port, username, password, use_tls, use_ssl, from."""

from __future__ import annotations

import tomllib
from typing import Any

from toguna.kernel import town

KNOWN = ("host", "port", "username", "password", "use_tls", "use_ssl", "from")


def mail() -> dict[str, Any] | None:
    """The keywords of Django's SMTP backend, with "from"; None when the town has given no server."""
    try:
        given = tomllib.loads(town.path().read_text("utf-8")).get("mail", {})
    except FileNotFoundError:
        return None
    return {k: given[k] for k in KNOWN if k in given} if given.get("host") else None
