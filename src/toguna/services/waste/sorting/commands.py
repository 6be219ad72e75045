"""MY POINTS for who sorts; VOUCHER for the partner shop that takes its code."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.kernel import codes, limits, text
from toguna.kernel.access import SYSTEM
from toguna.services.waste import households
from toguna.services.waste.models import Reward
from toguna.services.waste.sorting import actions

_KEYS = uuid.UUID("5d1b7d0c-30c6-4d58-9d64-4a3f0c9f8e77")
KEEP = "keep"


def _affordable(said: Said) -> list[Reward]:
    home = households.by_address(said.address)
    return list(Reward.objects.filter(active=True, points__lte=home.points)[:4]) if home else []


def _ask(said: Said) -> str:
    home = households.by_address(said.address)
    return _("You have %(points)d points. Your card: %(card)s. What do you want for them?") % {
        "points": home.points if home else 0, "card": home.code if home else "",
    }  # fmt: skip


def _rewards(said: Said) -> Sequence[Choice]:
    found = [Choice(row.slug, f"{text.pick(row.titles)[:26]}, {row.points} pts") for row in _affordable(said)]
    return [*found, Choice(KEEP, _("Keep them"))]


def _run(said: Said) -> str:
    home = households.by_address(said.address)
    if home is None:
        home = households.keep(said.address, language=said.language)
    wanted = said.slots.get("reward")
    if wanted in (None, KEEP):
        return _("You have %(points)d points. Your card: %(card)s: say it where you bring what you sort.") % {
            "points": home.points, "card": home.code,
        }  # fmt: skip
    reward = Reward.objects.filter(slug=wanted).first()
    try:
        if reward is None:
            raise actions.Refused(_("This reward is not offered any more."))
        made = actions.redeem(home, reward, client_id=uuid.uuid5(_KEYS, said.key), by=SYSTEM)
    except actions.Refused as error:
        raise Stop(str(error)) from error
    return _("%(what)s: code %(code)s, good once at any partner shop until %(until)s.") % {
        "what": text.pick(reward.titles), "code": made.code, "until": f"{made.until:%d/%m/%Y}",
    }  # fmt: skip


POINTS = Command(
    name="waste.points",
    title=gettext_lazy("my points for sorting"),
    keywords={"fr": ("MES POINTS", "POINTS", "TRI"), "pt": ("MEUS PONTOS", "PONTOS"), "en": ("MY POINTS", "POINTS")},
    example={"fr": "MES POINTS", "pt": "MEUS PONTOS", "en": "MY POINTS"},
    slots=(Slot("reward", _ask, choices=_rewards, when=lambda said: bool(_affordable(said))),),
    run=_run,
    leads=True,
    order=47,
)


def _code(said: Said) -> str | None:
    found = codes.read(said.text)
    return found if len(found) == 6 else None


def _read_code(said: Said, typed: str) -> str:
    found = codes.read(typed)
    if len(found) != 6:
        raise NotUnderstood(_("Send the six letters and figures of the voucher."))
    return found


def _use(said: Said) -> str:
    shop = actions.shop_at(said.address)
    if shop is None:
        raise Stop(_("This is for partner shops: your number is not one of theirs."))
    try:
        row, now = actions.use(said.slots["code"], shop, by=SYSTEM)
    except (actions.Refused, limits.TooMany) as error:
        raise Stop(str(error)) from error
    if not now and row.used is not None:
        at = timezone.localtime(row.used)
        return _("Attention: you took voucher %(code)s already, on %(day)s at %(hour)s. Give nothing more for it.") % {
            "code": row.code, "day": f"{at:%d/%m}", "hour": f"{at:%H:%M}",
        }  # fmt: skip
    return _("Good: %(what)s. Voucher %(code)s is used now.") % {"what": text.pick(row.reward.titles), "code": row.code}


VOUCHER = Command(
    name="waste.voucher",
    title=gettext_lazy("take a voucher for sorting"),
    keywords={"fr": ("BON TRI",), "pt": ("VALE TRI",), "en": ("VOUCHER",)},
    example={"fr": "BON TRI K7M4XZ", "pt": "VALE TRI K7M4XZ", "en": "VOUCHER K7M4XZ"},
    slots=(Slot("code", gettext_lazy("Which code?"), read=_read_code, guess=_code),),
    run=_use,
    menu=False,
    leads=True,
    order=94,
)
COMMANDS = (POINTS, VOUCHER)
