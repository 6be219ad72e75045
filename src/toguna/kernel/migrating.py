"""New tables in a third of the time.

Django draws every model that is anywhere related to the one that a migration touches, again for each step: with 240 models
that all lead to a person or a place, five sixths of the time of a first set-up. A model that is new refers to models that
are drawn already, and none refers to it; an index is no part of what a class is. The tables are the same, to the letter
(tests/test_migrating.py). A migration's own Python code gets models drawn in full: Django does that for what was put off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ModelState, ProjectState

_reload = ProjectState.reload_model
_append = ProjectState._append_option  # type: ignore[attr-defined]


def _add_model(self: ProjectState, model_state: ModelState) -> None:
    key = model_state.app_label, model_state.name_lower
    known = key in self.models
    self.models[key] = model_state
    if self._relations is not None:  # type: ignore[attr-defined]
        self.resolve_model_relations(key)
    if "apps" not in self.__dict__:
        return
    if known:
        _reload(self, *key)
    else:
        self.apps.render_multiple([model_state])
        self.is_delayed = True


def _reload_near(self: ProjectState, app_label: str, model_name: str, delay: bool = True) -> None:
    _reload(self, app_label, model_name, delay=True)


def _append_option(self: ProjectState, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    if option_name not in ("indexes", "constraints") or "apps" not in self.__dict__:
        _append(self, app_label, model_name, option_name, obj)
        return
    options = self.models[app_label, model_name].options
    options[option_name] = [*options[option_name], obj]
    setattr(self.apps.get_model(app_label, model_name)._meta, option_name, list(options[option_name]))
    self.is_delayed = True


@contextmanager
def quickly() -> Iterator[None]:
    """Within it, `migrate` draws of its models only what a step needs."""
    ours = {"add_model": _add_model, "reload_model": _reload_near, "_append_option": _append_option}
    djangos = {name: getattr(ProjectState, name) for name in ours}
    try:
        for name, function in ours.items():
            setattr(ProjectState, name, function)
        yield
    finally:
        for name, function in djangos.items():
            setattr(ProjectState, name, function)
