"""New tables in a ninth of the time.

Django draws every model that is anywhere related to the one that a migration touches, again for each step: with 240 models
that all lead to a person or a place, five sixths of the time of a first set-up. A model that is new refers to models that
are drawn already, and none refers to it; a new column is put into the class that is there; an index or a trigger is no part
of what a class is. The tables are the same, to the letter (tests/test_migrating.py). A migration's own Python code gets
models drawn in full: Django does that for what was put off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ModelState, ProjectState
from django.db.models import NOT_PROVIDED
from pgtrigger.migrations import AddTrigger, RemoveTrigger

_reload = ProjectState.reload_model
_add = ProjectState.add_field
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


def _add_field(
    self: ProjectState, app_label: str, model_name: str, name: str, field: Any, preserve_default: bool
) -> None:
    if field.many_to_many or "apps" not in self.__dict__:
        _add(self, app_label, model_name, name, field, preserve_default)
        return
    if not preserve_default:  # as Django's own
        field = field.clone()
        field.default = NOT_PROVIDED
    self.models[app_label, model_name].fields[name] = field
    if self._relations is not None:  # type: ignore[attr-defined]
        self.resolve_model_field_relations((app_label, model_name), name, field)
    self.apps.get_model(app_label, model_name).add_to_class(name, field.clone())
    self.is_delayed = True


def _append_option(self: ProjectState, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    if option_name not in ("indexes", "constraints") or "apps" not in self.__dict__:
        _append(self, app_label, model_name, option_name, obj)
        return
    options = self.models[app_label, model_name].options
    options[option_name] = [*options[option_name], obj]
    setattr(self.apps.get_model(app_label, model_name)._meta, option_name, list(options[option_name]))
    self.is_delayed = True


def _add_trigger(self: AddTrigger, app_label: str, state: ProjectState) -> None:
    options = state.models[app_label, self.model_name].options
    options["triggers"] = [*options.get("triggers", []), self.trigger]
    state.is_delayed = True


def _remove_trigger(self: RemoveTrigger, app_label: str, state: ProjectState) -> None:
    options = state.models[app_label, self.model_name].options
    options["triggers"] = [trigger for trigger in options.get("triggers", []) if trigger.name != self.name]
    state.is_delayed = True


OURS: list[tuple[type, str, Any]] = [
    (ProjectState, "add_model", _add_model),
    (ProjectState, "reload_model", _reload_near),
    (ProjectState, "add_field", _add_field),
    (ProjectState, "_append_option", _append_option),
    (AddTrigger, "state_forwards", _add_trigger),
    (RemoveTrigger, "state_forwards", _remove_trigger),
]


@contextmanager
def quickly() -> Iterator[None]:
    """Within it, `migrate` draws of its models only what a step needs."""
    theirs = [(where, name, getattr(where, name)) for where, name, _function in OURS]
    try:
        for where, name, function in OURS:
            setattr(where, name, function)
        yield
    finally:
        for where, name, function in theirs:
            setattr(where, name, function)
