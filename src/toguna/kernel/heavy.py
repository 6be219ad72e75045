"""Big libraries, loaded when they are first used: a web process that only shows pages carries none of them.

Together the geometry, raster and OpenStreetMap libraries cost some 100 MB and a second of every process's start; a town's
small server runs several processes, and only an import or an export needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Heavy:
    """`shapely = Heavy("shapely")`, then as if it were the module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)  # the next use does not come here
        return value
