"""Placeholder while the real one is being written."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote, urlsplit

from toguna.kernel import places


def django_database() -> dict[str, Any]:
    url = urlsplit(os.environ.get("DATABASE_URL") or "")
    if url.scheme:
        return {
            "ENGINE": "django.contrib.gis.db.backends.postgis",
            "NAME": url.path[1:],
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": url.hostname or "",
            "PORT": str(url.port or ""),
        }
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis",
        "NAME": "toguna",
        "USER": "toguna",
        "HOST": str(places.home() / "run"),
    }
