"""A pick-up by words, on any phone: PICKUP for who has waste, PRE for who fetches it, RATE for what it was worth."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.bookings import api as bookings
from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.kernel import codes, limits, money, text
from toguna.kernel.access import SYSTEM
from toguna.services.waste import households
from toguna.services.waste.households import Spot
from toguna.services.waste.models import PickUp, PickUpKind, PreCollector
from toguna.services.waste.orders import actions, precollectors, subscriptions, telling
from toguna.services.waste.orders import money as prices

_KEYS = uuid.UUID("2c1c0b9e-9d0f-4f3a-8ad1-5a3e7a3a1f02")
NEW, MOST_SLOTS = "new", 6
ACTIVE, RESTING = PreCollector.State.ACTIVE, PreCollector.State.RESTING


def _kinds() -> list[PickUpKind]:
    """Those that have a price, and hours."""
    offered = {one.slug for one in bookings.resources()}
    return [kind for kind in PickUpKind.objects.filter(active=True) if kind.resource in offered]


def _priced(kind: PickUpKind, size: int, zone: int | None) -> int | None:
    try:
        return prices.once(kind, size, zone=zone)[1].total
    except prices.NoPrice:
        return None


# PICKUP


def _todo(said: Said) -> Sequence[Choice]:
    choices = [Choice(NEW, _("A pick-up"))]
    for row in actions.of_address(said.address)[:2]:
        if actions.said_taken(row):
            choices.append(Choice(f"confirm:{row.code}", _("Yes, %(code)s was taken") % {"code": row.code}))
        choices.append(Choice(f"cancel:{row.code}", _("Cancel %(code)s") % {"code": row.code}))
        if row.start < timezone.now():
            choices.append(Choice(f"late:{row.code}", _("Nobody came: %(code)s") % {"code": row.code}))
    for one in subscriptions.of_address(said.address)[:1]:
        choices.append(Choice(f"end:{one.code}", _("End the weekly pick-up")))
    return choices


def _has(said: Said) -> bool:
    return len(_todo(said)) > 1


def _new(said: Said) -> bool:
    return bool(said.slots.get("what", NEW) == NEW)


def _which(said: Said) -> Sequence[Choice]:
    home = households.by_address(said.address)
    found = []
    for kind in _kinds():
        zone = home.zone_id if home else None
        if (each := _priced(kind, 1, zone)) is not None:
            more = kind.measure and _priced(kind, kind.most, zone) != each
            words = _("%(what)s: from %(amount)s") if more else _("%(what)s: %(amount)s")
            found.append(
                Choice(
                    kind.slug, words % {"what": text.pick(kind.titles)[:28], "amount": money.shown(each, plain=True)}
                )
            )
        if kind.monthly:
            try:
                month = prices.monthly(kind, zone=home.zone_id if home else None)[1].total
            except prices.NoPrice:
                continue
            found.append(
                Choice(
                    f"weekly:{kind.slug}",
                    _("Each week: %(amount)s a month") % {"amount": money.shown(month, plain=True)},
                )
            )
    if not found:
        raise Stop(str(prices.NoPrice()))
    return found


def _only(said: Said) -> str | None:
    wanted = set(text.fold(said.text).split())
    meant = [
        one.slug
        for one in _kinds()
        if wanted & {w for w in text.fold(" ".join(one.titles.values())).split() if len(w) > 3}
    ]
    return meant[0] if len(meant) == 1 else None


def _kind(said: Said) -> PickUpKind:
    slug = str(said.slots.get("kind", "")).removeprefix("weekly:")
    found = next((one for one in _kinds() if one.slug == slug), None)
    if found is None:
        raise Stop(_("This is not offered any more."))
    return found


def _how_many(said: Said) -> str:
    return text.pick(_kind(said).asks) or _("How many?")


def _size(said: Said, typed: str) -> int:
    found = re.search(r"\d+", typed)
    most = _kind(said).most
    if found is None or not 1 <= int(found[0][:6]) <= most:
        raise NotUnderstood(_("Send a number from 1 to %(most)d.") % {"most": most})
    return int(found[0])


def _known(said: Said) -> bool:
    home = households.by_address(said.address)
    return _new(said) and home is not None and bool(home.where)


def _same(said: Said) -> str:
    home = households.by_address(said.address)
    return _("Where? %(place)s?") % {"place": telling.short(home.where if home else "", 80)}


def _place(said: Said, typed: str) -> dict[str, Any]:
    spot = households.read_spot(typed)
    if len(spot.words) < 3:
        raise NotUnderstood(_("Send the district and a landmark near your door."))
    return {"words": spot.words, "lon": spot.lon, "lat": spot.lat}


def _hours(said: Said) -> Sequence[Choice]:
    resource = bookings.resource(_kind(said).resource)
    today = timezone.localdate()
    found = bookings.free(resource, today, today + timedelta(days=resource.ahead_days)) if resource else []
    if not found:
        raise Stop(_("No hour is free in the coming days. Try again tomorrow, or call the town hall."))
    return [Choice(one.start.isoformat(), telling.when(one.start, one.end)) for one in found[:MOST_SLOTS]]


def _spot(said: Said) -> Spot:
    place = said.slots.get("place")
    if place:
        return Spot(place["words"], place["lon"], place["lat"])
    home = households.by_address(said.address)
    return Spot(home.where, *(home.point.coords if home.point else (None, None))) if home else Spot("")


def _sure(said: Said) -> str:
    kind, spot = _kind(said), _spot(said)
    zone = households.zone_of(spot)
    try:
        if _weekly(said):
            amount = _("%(amount)s a month") % {
                "amount": money.shown(prices.monthly(kind, zone=zone)[1].total, plain=True)
            }
        else:
            amount = money.shown(prices.once(kind, said.slots.get("size", 1), zone=zone)[1].total, plain=True)
    except prices.NoPrice as error:
        raise Stop(str(error)) from error
    return _("%(what)s, %(place)s: %(amount)s. Shall somebody come?") % {
        "what": text.pick(kind.titles), "place": telling.short(spot.words, 40), "amount": amount,
    }  # fmt: skip


def _weekly(said: Said) -> bool:
    return str(said.slots.get("kind", "")).startswith("weekly:")


def _yes_no(said: Said) -> Sequence[Choice]:
    return [Choice(True, _("Yes")), Choice(False, _("No"))]


def _run(said: Said) -> str:
    what = str(said.slots.get("what", NEW))
    try:
        return _ask(said) if what == NEW else _other(said, what)
    except (actions.Refused, prices.NoPrice, limits.TooMany) as error:
        raise Stop(str(error)) from error


def _ask(said: Said) -> str:
    if not said.slots.get("sure"):
        raise Stop(_("It is cancelled: nothing was sent."))
    kind = _kind(said)
    start = datetime.fromisoformat(said.slots["hour"])
    row = actions.ask(
        actions.Wanted(
            kind, start, _spot(said), said.address, size=said.slots.get("size", 1), language=said.language, channel=said.medium,
            weekly=_weekly(said), automatic=bool(said.slots.get("automatic")),
        ),
        client_id=uuid.uuid5(_KEYS, said.key), by=SYSTEM,
    )  # fmt: skip
    return _("Pick-up %(code)s: %(when)s. We tell you who comes. To cancel, send %(word)s.") % {
        "code": row.code, "when": telling.when(row.start, row.end), "word": _("PICKUP"),
    }  # fmt: skip


def _other(said: Said, what: str) -> str:
    """Only what this very number ordered is offered; the code is checked against that again."""
    verb, _colon, code = what.partition(":")
    if verb == "end":
        one = next((row for row in subscriptions.of_address(said.address) if row.code == code), None)
        if one is None:
            raise Stop(_("There is no such pick-up."))
        subscriptions.end(one, by=SYSTEM, own=True)
        return _("The weekly pick-up is over. Thank you.")
    row = actions.find(code)
    if row is None or row.household.address != said.address:
        raise Stop(_("There is no such pick-up."))
    if verb == "confirm":
        actions.confirm(row, by=SYSTEM)
        return _("Thank you.")
    if verb == "cancel":
        actions.cancel(row, by=SYSTEM, own=True)
        return _("Pick-up %(code)s is cancelled.") % {"code": row.code}
    actions.complain(row, _("Nobody came."), by=SYSTEM)
    return _("We are sorry. The town hall looks into pick-up %(code)s and answers you.") % {"code": row.code}


PICKUP = Command(
    name="waste.pickup",
    title=gettext_lazy("have waste fetched"),
    keywords={
        "fr": ("ENLEVEMENT", "RAMASSAGE", "MA POUBELLE"),
        "pt": ("RECOLHA", "RECOLHER", "MEU LIXO"),
        "en": ("PICKUP", "PICK UP", "MY WASTE"),
    },
    example={"fr": "ENLEVEMENT", "pt": "RECOLHA", "en": "PICKUP"},
    slots=(
        Slot("what", gettext_lazy("What do you want?"), choices=_todo, when=_has),
        Slot("kind", gettext_lazy("What shall we fetch?"), choices=_which, guess=_only, when=_new),
        Slot("size", _how_many, read=_size, when=lambda said: _new(said) and bool(_kind(said).measure) and not _weekly(said)),
        Slot("same", _same, choices=lambda said: [Choice(True, _("Yes")), Choice(False, _("Another place"))], when=_known),
        Slot("place", gettext_lazy("Where should we come? Send the district and a landmark near your door."), read=_place,
             when=lambda said: _new(said) and not said.slots.get("same")),
        Slot("hour", gettext_lazy("When?"), choices=_hours, when=_new, most=MOST_SLOTS),
        Slot("automatic", gettext_lazy("Shall your telephone be asked to pay each month by itself? You confirm it each time."), choices=_yes_no,
             when=lambda said: _new(said) and _weekly(said) and prices.ringing_way(said.address) is not None),
        Slot("sure", _sure, choices=_yes_no, when=_new),
    ),
    run=_run,
    leads=True,
    order=45,
)  # fmt: skip


# PRE: the pre-collector's own menu


_NO = {"non", "no", "nao"}


def _said(said: Said) -> str | None:
    """What the words after PRE say: a code is yes, NO and a code is no, a code and four figures is done."""
    mine = precollectors.by_phone(said.address)
    words = said.text.split()
    if mine is None or not words:
        return None
    no = text.fold(words[0]) in _NO
    if no:
        words = words[1:]
    jobs = precollectors.jobs(mine)
    if no and not words:
        offered = [job for job in jobs if job.state == PickUp.State.OFFERED]
        return f"no:{offered[0].code}" if len(offered) == 1 else None
    digits = next((word for word in words if re.fullmatch(r"\d{4}", word)), "")
    code = codes.read("".join(word for word in words if word != digits))
    if digits and not code:
        taken = [job for job in jobs if job.state == PickUp.State.ACCEPTED]
        return f"done:{taken[0].code}:{digits}" if len(taken) == 1 else None
    if not code:
        return None
    if digits:
        return f"done:{code}:{digits}"
    if no:
        held = next((job for job in jobs if job.code == code), None)
        return f"back:{code}" if held is not None and held.state == PickUp.State.ACCEPTED else f"no:{code}"
    return f"yes:{code}"


def _works(said: Said) -> bool:
    return precollectors.by_phone(said.address) is not None


def _mine(said: Said) -> PreCollector:
    row = precollectors.by_phone(said.address)
    if row is None:
        raise Stop(_("This number is not registered. Send PRE to register."))
    return row


def _speaks(said: Said) -> str:
    """PRE is the same word in every language: whoever is registered is answered in theirs."""
    row = precollectors.by_phone(said.address)
    return (row.language if row else "") or said.language


def _what(said: Said) -> str:
    with translation.override(_speaks(said)):
        return _("What do you want?")


def _menu(said: Said) -> Sequence[Choice]:
    with translation.override(_speaks(said)):
        return _choices(_mine(said))


def _choices(row: PreCollector) -> list[Choice]:
    choices = []
    for job in precollectors.jobs(row)[:2]:
        if job.state == PickUp.State.OFFERED:
            choices.append(Choice(f"yes:{job.code}", _("Accept %(code)s") % {"code": job.code}))
        else:
            choices.append(Choice(f"done:{job.code}", _("%(code)s is done") % {"code": job.code}))
    choices += [Choice("jobs", _("My jobs")), Choice("earnings", _("My earnings")), Choice("rating", _("My rating"))]
    if row.state in (ACTIVE, RESTING):
        choices.append(Choice("rest", _("I rest")) if row.state == ACTIVE else Choice("work", _("I work again")))
    return choices


def _needs_secret(said: Said) -> bool:
    what = str(said.slots.get("what", ""))
    return what.startswith("done:") and what.count(":") == 1


def _secret(said: Said, typed: str) -> str:
    digits = re.sub(r"\D", "", typed)
    if len(digits) != 4:
        raise NotUnderstood(_("Send the four figures that the household gives you."))
    return digits


def _name(said: Said, typed: str) -> str:
    name = text.clean(typed)[:120]
    if len(name) < 2 or name.isdecimal():
        raise NotUnderstood(_("Send your name."))
    return name


def _district(said: Said, typed: str) -> dict[str, Any]:
    spot = precollectors.read(typed)
    if spot.lon is None:
        raise NotUnderstood(_("We do not know this district. Send its name, or a landmark in it."))
    return {"words": spot.words, "lon": spot.lon, "lat": spot.lat}


def _work(said: Said) -> str:
    with translation.override(_speaks(said)):
        try:
            if _works(said):
                return _do(_mine(said), str(said.slots["what"]), str(said.slots.get("secret", "")))
            place = said.slots["district"]
            precollectors.apply(
                said.slots["name"], Spot(place["words"], place["lon"], place["lat"]), phone=said.address, language=said.language,
                client_id=uuid.uuid5(_KEYS, said.key),
            )  # fmt: skip
        except (actions.Refused, limits.TooMany) as error:
            raise Stop(str(error)) from error
        return _("Thank you. The town hall calls you to register you as a pre-collector; then you get jobs by SMS.")


def _do(row: PreCollector, what: str, secret: str) -> str:
    verb, _colon, rest = what.partition(":")
    code, _colon, digits = rest.partition(":")
    if verb in ("yes", "no", "back", "done"):
        job = actions.find(code)
        if job is None:
            raise Stop(_("No job has the code %(code)s. Check it letter by letter.") % {"code": code[:8]})
        return _job(row, job, verb, digits or secret)
    if verb == "earnings":
        sums = precollectors.sums(row)
        return _("Jobs done this month: %(done)d, for %(earned)s. The town owes you %(owed)s now.") % {
            "done": sums.done, "earned": money.shown(sums.earned, plain=True), "owed": money.shown(sums.owed, plain=True),
        }  # fmt: skip
    if verb == "rating":
        mean, (yes, asked) = precollectors.stars(row), precollectors.answered(row)
        if mean is None:
            return _("Nobody has rated you yet.")
        return _("Your rating: %(mean)s of 5, by %(people)d households. You accepted %(yes)d of %(asked)d jobs.") % {
            "mean": f"{mean:.1f}", "people": row.rated, "yes": yes, "asked": asked,
        }  # fmt: skip
    if verb in ("rest", "work"):
        precollectors.become(row, RESTING if verb == "rest" else ACTIVE, by=SYSTEM, own=True)
        return (
            _("You rest: you get no more jobs until you send PRE and choose to work again.")
            if verb == "rest"
            else _("You work again: jobs come by SMS.")
        )
    jobs = precollectors.jobs(row)
    if not jobs:
        return _("You have no job now. They come by SMS.")
    return "\n".join(
        f"{job.code} {job.get_state_display()}: {telling.when(job.start, job.end)}, {telling.short(job.where, 30)}"
        for job in jobs[:3]
    )


def _job(row: PreCollector, job: PickUp, verb: str, secret: str) -> str:
    values = {"code": job.code, "when": telling.when(job.start, job.end), "where": telling.short(job.where, 40)}
    if verb == "yes":
        actions.accept(job, row)
        return (
            _("You go to %(code)s: %(when)s, %(where)s. The telephone of the household comes in the next SMS.") % values
        )
    if verb == "no":
        actions.refuse(job, row)
        return _("%(code)s goes to somebody else.") % values
    if verb == "back":
        actions.give_back(job, row)
        return _("%(code)s goes to somebody else. Accept only what you can do: households wait for you.") % values
    actions.done(job, row, secret)
    return _("%(code)s is done: %(amount)s are yours. Send PRE for your earnings.") % {
        **values,
        "amount": money.shown(job.earned, plain=True),
    }


PRE = Command(
    name="waste.collector",
    title=gettext_lazy("work as a pre-collector"),
    keywords={"fr": ("PRE", "MES COURSES"), "pt": ("PRE", "MEUS SERVICOS"), "en": ("PRE", "MY JOBS")},
    example={"fr": "PRE", "pt": "PRE", "en": "PRE"},
    slots=(
        Slot("what", _what, choices=_menu, guess=_said, when=_works),
        Slot("secret", gettext_lazy("Which four figures does the household give you?"), read=_secret, when=_needs_secret),
        Slot("name", gettext_lazy("To register as a pre-collector: your name?"), read=_name, when=lambda said: not _works(said)),
        Slot("district", gettext_lazy("In which district do you work?"), read=_district, when=lambda said: not _works(said)),
    ),
    run=_work,
    menu=False,
    leads=True,
    order=90,
)  # fmt: skip


# RATE


def _stars(said: Said) -> int | None:
    """0: words alone, of a pick-up that has its stars."""
    words = said.text.split()
    found = re.fullmatch(r"[1-5]", words[0].strip(".,;:!/")) if words else None
    if found is None and len(said.text.strip()) > 2 and actions.last_rated(said.address) is not None:
        return 0
    found = found or re.search(r"[1-5]", said.text)
    return int(found[0]) if found else None


def _read_stars(said: Said, typed: str) -> int:
    found = re.fullmatch(r"\s*([1-5])\b.*", typed)
    if found is None:
        raise NotUnderstood(_("Give a number from 1 (bad) to 5 (very good)."))
    return int(found[1])


def _rate(said: Said) -> str:
    stars = int(said.slots["stars"])
    row = actions.last_to_rate(said.address) if stars else actions.last_rated(said.address)
    if row is None:
        raise Stop(_("There is no pick-up to rate."))
    words = re.sub(r"^[1-5]\W+", "", said.text.strip()) if stars else said.text
    wrong = stars <= 2 and len(words.strip()) > 2
    try:
        if stars:
            actions.rate(row, stars, by=SYSTEM)
        if wrong:
            actions.complain(row, words, by=SYSTEM)
    except actions.Refused as error:
        raise Stop(str(error)) from error
    if wrong:
        return _("We are sorry. The town hall looks into pick-up %(code)s and answers you.") % {"code": row.code}
    return _("Thank you. What went wrong? Send RATE and a few words.") if stars <= 2 else _("Thank you.")


RATE = Command(
    name="waste.rate",
    title=gettext_lazy("rate a pick-up"),
    keywords={"fr": ("NOTE", "NOTER"), "pt": ("NOTA", "AVALIAR"), "en": ("RATE",)},
    example={"fr": "NOTE 5", "pt": "NOTA 5", "en": "RATE 5"},
    slots=(Slot("stars", gettext_lazy("From 1 (bad) to 5 (very good)?"), read=_read_stars, guess=_stars),),
    run=_rate,
    menu=False,
    leads=True,
    order=91,
)
COMMANDS = (PICKUP, PRE, RATE)
