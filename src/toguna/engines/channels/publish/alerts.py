"""Alerts that a service raises by itself: by a rule it declares, with the words ready in each language.

What is raised is a publication. It waits for a person to approve it, and those who may are told at once; only where an
officer has allowed that very rule does it leave by itself. The same key raised twice is one alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import MultiPolygon
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.models import AlertSetting, Publication
from toguna.engines.channels.publish import actions
from toguna.engines.channels.sending import send
from toguna.engines.people import api as people
from toguna.kernel import access, audit, registry, tasks, text, town
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane

# Of CAP 1.2: how bad, and on which lane it goes. Only what is severe or worse wakes people and passes a STOP.
LEVELS = {
    "minor": (gettext_lazy("Advice"), "Minor", Lane.CAMPAIGN),
    "moderate": (gettext_lazy("Watch"), "Moderate", Lane.CAMPAIGN),
    "severe": (gettext_lazy("Danger"), "Severe", Lane.ALARM),
    "extreme": (gettext_lazy("Great danger"), "Extreme", Lane.ALARM),
}
MEDIA = ("sms", "push", "whatsapp", "telegram", "email")


@dataclass(frozen=True)
class AlertRule(Declaration):
    """titles, texts: {language: words with {fields}}, filled in by the facts that `raise_alert` is given. level: one of
    LEVELS. risk: the subject of subscriptions that it is for beside everybody in the area ("flood"); category: of CAP
    (Met, Geo, Safety, Security, Fire, Health, Env, Transport, Infra, Other)."""

    name: str
    title: Any
    level: str
    titles: Mapping[str, str]
    texts: Mapping[str, str]
    risk: str = ""
    category: str = "Other"
    media: Sequence[str] = MEDIA
    fields: Sequence[str] = field(default_factory=tuple)

    def problems(self) -> Iterator[str]:
        if self.level not in LEVELS:
            yield f"{self.level!r} is no level: {', '.join(LEVELS)}"
        for language in ("fr", "pt", "en"):
            if not self.titles.get(language) or not self.texts.get(language):
                yield f"it has no words in {language}"
        example = dict.fromkeys(self.fields, "x")
        for words in (*self.titles.values(), *self.texts.values()):
            try:
                words.format_map(example)
            except (KeyError, ValueError, IndexError) as error:
                yield f"{words!r} cannot be filled in: {error}"


def find(name: str) -> AlertRule:
    found = registry.find(AlertRule, name)
    if found is None:
        raise LookupError(f"no service declares the alert rule {name!r}")
    return found


def rules() -> list[tuple[AlertRule, AlertSetting]]:
    """All that are declared, each with what the town has decided of it."""
    rows = {row.rule: row for row in AlertSetting.objects.all()}
    return [(rule, rows.get(rule.name) or AlertSetting(rule=rule.name)) for rule in registry.declared(AlertRule)]


@transaction.atomic
def decide(name: str, *, automatic: bool, enabled: bool, by: Actor) -> AlertSetting:
    """An officer allows a rule to send by itself, or no longer; or switches it off."""
    access.require(by, "channels.alarm_alone", anywhere=True)
    rule = find(name)
    row, _made = AlertSetting.objects.select_for_update().get_or_create(rule=rule.name)
    row.automatic, row.enabled, row.account, row.at = automatic, enabled, by.account, timezone.now()
    row.save()
    audit.record(by, "channels.alert_rule", f"channels.alert:{rule.name}", automatic=automatic, enabled=enabled)
    return row


@transaction.atomic
def raise_alert(
    name: str,
    key: str,
    *,
    facts: Mapping[str, Any] | None = None,
    zones: Sequence[int] = (),
    area: MultiPolygon | None = None,
    everybody: bool = True,
) -> Publication | None:
    """Raises an alert in the caller's transaction: for all whose district is one of `zones` or is touched by `area` (none
    of both: the whole town), those who asked for news of it, and those who subscribed to the rule's risk. `key`: what it is about ("gauge-3:2026-08-01"):
    raised twice, it is one. None when the town has switched the rule off. Raises LookupError for an unknown rule."""
    rule = find(name)
    setting = AlertSetting.objects.filter(rule=name).first() or AlertSetting(rule=name)
    if not setting.enabled:
        return None
    source = f"{name}:{key}"[:120]
    known = {language: {k: str(v) for k, v in (facts or {}).items()} for language in rule.titles}
    audience: dict[str, Any] = {"zones": list(zones)}
    if everybody:
        audience["known"] = True
    audience["subscribed"] = [["town", ""], ["zone", "*"], ["area", "*"], *([["risk", rule.risk]] if rule.risk else [])]
    row, made = Publication.objects.get_or_create(
        raised=source,
        defaults={
            "source": name[:80],
            "titles": {code: words.format_map(known[code]) for code, words in rule.titles.items()},
            "texts": {code: words.format_map(known.get(code, {})) for code, words in rule.texts.items()},
            "media": list(rule.media),
            "audience": audience,
            "area": area,
            "lane": int(LEVELS[rule.level][2]),
            "state": Publication.State.ASKED,
        },
    )
    if not made:
        return row
    audit.record(SYSTEM, "channels.raise", f"channels.publication:{row.pk}", rule=name)
    if setting.automatic:
        row.state, row.approved = Publication.State.APPROVED, timezone.now()
        row.save(update_fields=["state", "approved"])
        tasks.defer(actions.prepare, Lane(row.lane), publication=row.pk)
    _tell_officers(row, rule, sent=setting.automatic)
    return row


def _tell_officers(row: Publication, rule: AlertRule, *, sent: bool) -> None:
    """Those who may approve it, by SMS and e-mail: it waits for them, or it has left by itself."""
    address = f"{settings.TOGUNA_URL}{reverse('publication', args=[row.pk])}"
    for account in people.staff_with("channels.approve"):
        language = account.language or town.current().languages[0]
        with translation.override(language):
            title = text.pick(row.titles, language)
            said = _("Sent by its rule: %(title)s") if sent else _("It waits for your approval: %(title)s")
            words = said % {"title": title}
            ways = [("email", account.email)] if account.email else []
            if account.person_id is not None:
                ways += [(way.medium, way.address) for way in people.reach(account.person_id) if way.medium == "sms"]
            for medium, to in ways:
                send(
                    medium, to, key=f"alert:{row.pk}:{account.pk}:{medium}", subject=words, text=f"{words}\n{address}",
                    language=language, lane=Lane.ALARM,
                )  # fmt: skip
