"""The moments of a life in which people come to the town hall: how the catalogue is sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class LifeEvent:
    name: str
    title: Any
    icon: str


EVENTS = (
    LifeEvent("birth", _("A child is born"), "person"),
    LifeEvent("family", _("We are getting married"), "team"),
    LifeEvent("papers", _("I need a paper"), "copy"),
    LifeEvent("home", _("I build, I buy land"), "building"),
    LifeEvent("business", _("I open a business"), "market"),
    LifeEvent("events", _("I hold an event"), "calendar"),
    LifeEvent("hardship", _("I am in difficulty"), "team"),
    LifeEvent("death", _("Somebody has died"), "calendar"),
    LifeEvent("other", _("Something else"), "other"),
)
