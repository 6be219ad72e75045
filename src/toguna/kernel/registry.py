"""All manifests, found from the folders. `declared(T)` is how an engine learns what the services want of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

from django.core.checks import CheckMessage, Error

from toguna.kernel.manifest import Declaration, Service

D = TypeVar("D", bound=Declaration)

_services: dict[str, Service] = {}


def rooms() -> list[str]:
    """Dotted names of every engine and service, from the folders that have an `apps.py`; engines first, each sorted."""
    root = Path(__file__).parent.parent
    return [
        f"toguna.{floor}.{path.parent.name}"
        for floor in ("engines", "services")
        for path in sorted((root / floor).glob("*/apps.py"))
    ]


def register_room(name: str) -> None:
    """Imports `<name>.service` and keeps its SERVICE. A room without a manifest is allowed (a pure mechanism)."""
    if find_spec(f"{name}.service") is None:
        return
    service = import_module(f"{name}.service").SERVICE
    _services[service.name] = service
    _declared.cache_clear()


def services() -> list[Service]:
    return list(_services.values())


def service_of(declaration: Declaration) -> Service:
    """The service that made a declaration."""
    return next(s for s in _services.values() if any(d is declaration for d in s.provides))


@cache
def _declared(kind: Any) -> tuple[Any, ...]:
    return tuple(d for s in _services.values() for d in s.provides if isinstance(d, kind))


def declared(kind: type[D]) -> Sequence[D]:
    """Every declaration of that class, in the order of the rooms."""
    return _declared(cast(Any, kind))


def find(kind: type[D], name: str) -> D | None:
    """The declaration of that class whose `name` is this, or None."""
    return next((d for d in declared(kind) if getattr(d, "name", None) == name), None)


def check(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Django system check: no key twice, and every declaration finds nothing wrong with itself."""
    return [Error(text, id="toguna.E001") for text in _problems()]


def _problems() -> Iterator[str]:
    seen: dict[tuple[type, object], str] = {}
    for service in _services.values():
        for declaration in service.provides:
            where = f"{service.name}: {type(declaration).__name__}"
            key = declaration.key()
            if key is not None:
                other = seen.setdefault((type(declaration), key), service.name)
                if (
                    other != service.name
                    or sum(type(d) is type(declaration) and d.key() == key for d in service.provides) > 1
                ):
                    yield f"{where} {key!r} is declared twice (also in {other})"
            for text in declaration.problems():
                yield f"{where} {key if key is not None else ''}: {text}"
