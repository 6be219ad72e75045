"""Publications: written and approved in the back office, read by everyone; subscriptions by the web."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.syndication.views import Feed
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.channels.models import Message, Publication
from toguna.engines.channels.publish import actions, alerts, cap, printing, subscribing, texts
from toguna.engines.channels.publish.forms import MEDIA, PublicationForm
from toguna.engines.channels.ussd.sessions import LANGUAGES
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, limits, text
from toguna.kernel.tasks import Lane
from toguna.kernel.web import Request, public, staff

SHOWN = 30
OUT = (Publication.State.SENDING, Publication.State.DONE)


@staff("channels.publish")
def publications(request: Request) -> HttpResponse:
    rows = Publication.objects.defer("area")[:100]
    return render(request, "channels/publications.html", {"rows": rows})


@staff("channels.publish")
def publication(request: Request, pk: int | None = None) -> HttpResponse:
    """One publication: the form while it is a draft, then how far it got. Each button says what it does in `do`."""
    row = get_object_or_404(Publication, pk=pk) if pk is not None else None
    do = request.POST.get("do", "")
    form = PublicationForm(request.POST if do == "save" else None, publication=row)
    if request.method == "POST":
        try:
            if do == "save":
                if form.is_valid():
                    row = actions.write(row, form.written(), by=request.actor)
                    messages.success(request, _("Saved: look at what each medium gets, then ask for approval."))
                    return redirect("publication", row.pk)
            elif row is not None and do in ("more", "over"):
                made = actions.follow(row.pk, ends=do == "over", by=request.actor)
                messages.success(
                    request, _("Here is the draft, for the same people: complete it, then ask for approval.")
                )
                return redirect("publication", made.pk)
            elif row is not None and do in _VERBS:
                _VERBS[do](row.pk, by=request.actor)
                messages.success(request, _("Done."))
                return redirect("publication", row.pk)
        except actions.Refused as error:
            messages.error(request, str(error))
            if do != "save" and row is not None:
                return redirect("publication", row.pk)
    values: dict[str, Any] = {"row": row, "form": form}
    if row is not None:
        values |= _shown(request, row)
    status = 422 if form.errors else 200
    return render(request, "channels/publication.html", values, status=status)


_VERBS: dict[str, Callable[..., object]] = {
    "ask": actions.ask, "approve": actions.approve, "pause": actions.pause, "resume": actions.resume, "cancel": actions.cancel,
}  # fmt: skip


def _shown(request: Request, row: Publication) -> dict[str, Any]:
    """The previews, the estimate, the progress."""
    draft = row.state in (Publication.State.DRAFT, Publication.State.ASKED)
    previews: list[tuple[str, str, texts.Cut | None, str]] = []
    wrong, estimate = "", row.estimate
    if draft:
        names = {slug: str(title) for slug, title in MEDIA}
        for medium in [*row.media, "ussd", "social"]:
            for language in texts.languages_of(row):
                try:
                    cut = texts.fitted(row, medium, language)
                    previews.append((names.get(medium, medium), LANGUAGES.get(language, language), cut, ""))
                except texts.DoesNotFit as error:
                    previews.append((names.get(medium, medium), LANGUAGES.get(language, language), None, str(error)))
        try:
            estimate = actions.estimate(row)
        except actions.Refused as error:
            wrong = str(error)
    counts = actions.progress(row) if not draft else {}
    total = sum(counts.values())
    gone = sum(counts.get(state, 0) for state in ("sent", "delivered", "shown"))
    zones = {str(z.id): z.name for z in territory.zones()}
    by_zone = sorted(
        (
            (zones.get(zone, _("Elsewhere or not known")), count)
            for zone, count in (estimate.get("by_zone") or {}).items()
        ),
        key=lambda pair: -pair[1],
    )
    return {
        "draft": draft,
        "previews": previews,
        "wrong": wrong,
        "estimate": estimate,
        "duration": timedelta(seconds=estimate.get("seconds", 0)) if estimate else None,
        "by_zone": by_zone[:20],
        "most": by_zone[0][1] if by_zone else 0,
        "counts": counts,
        "total": total,
        "gone": gone,
        "reach": [
            (dict(MEDIA).get(medium, medium), [(Message.State(state).label, n) for state, n in states.items()])
            for medium, states in (actions.reach(row) if not draft else [])
        ],
        "elsewhere": _("Elsewhere or not known"),
        "reached": actions.reach_by_zone(row) if not draft else [],
        "languages": [(code, LANGUAGES.get(code, code)) for code in texts.languages_of(row)],
        "radio": [(LANGUAGES.get(code, code), printing.radio(row, code)) for code in texts.languages_of(row)],
        "may_follow": actions.is_alert(row) and row.state in (*OUT, Publication.State.PAUSED),
        "own": row.author is not None and row.author == request.actor.account,
        "may_approve": access.can(request.actor, "channels.approve", anywhere=True),
        "alone": access.can(request.actor, "channels.alarm_alone", anywhere=True),
    }


# What everyone reads


@public
def news(request: HttpRequest) -> HttpResponse:
    rows = Publication.objects.filter(state__in=OUT).defer("area", "audience").order_by("-started")[:SHOWN]
    return render(request, "channels/news.html", {"rows": rows})


@public
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """A publication that was sent; the address that ends its SMS."""
    row = get_object_or_404(Publication.objects.defer("audience"), pk=pk, state__in=OUT)
    since = row.followed_by.filter(state__in=OUT).order_by("-started").first()
    return render(request, "channels/item.html", {"row": row, "since": since})


class NewsFeed(Feed):  # type: ignore[type-arg] # generic only for the type checker
    title = gettext_lazy("News of the town")
    description = gettext_lazy("What the town hall has to say")

    def link(self) -> str:
        return reverse("news")

    def items(self) -> list[Publication]:
        return list(Publication.objects.filter(state__in=OUT).defer("area", "audience").order_by("-started")[:SHOWN])

    def item_title(self, item: Any) -> str:
        return text.pick(item.titles)

    def item_description(self, item: Any) -> str:
        return text.pick(item.texts)

    def item_link(self, item: Any) -> str:
        return reverse("publication-public", args=[item.pk])

    def item_guid(self, item: Any) -> str:
        return f"urn:uuid:{item.public_id}"

    item_guid_is_permalink = False

    def item_pubdate(self, item: Any) -> Any:
        return item.started

    def item_updateddate(self, item: Any) -> Any:
        return item.finished or item.started


class NewsAtom(NewsFeed):
    feed_type = Atom1Feed
    subtitle = NewsFeed.description


class AlertsFeed(NewsAtom):
    """Alerts for people's safety, each linked to its CAP: what a siren, a radio or a phone company reads. One that was
    cancelled after it had left stays, as a cancellation."""

    title = gettext_lazy("Alerts of the town")

    def items(self) -> list[Publication]:
        told = Q(state__in=OUT) | Q(state=Publication.State.CANCELLED, started__isnull=False)
        rows = Publication.objects.filter(told).filter(
            Q(lane__gte=Lane.ALARM) | ~Q(source="") | Q(follows__isnull=False)
        )
        return list(rows.defer("area").order_by("-started")[:SHOWN])

    def item_link(self, item: Any) -> str:
        return reverse("publication-cap", args=[item.pk])

    def item_guid(self, item: Any) -> str:
        return cap.identifier(item)


feed = public(NewsFeed())
atom = public(NewsAtom())
alerts_feed = public(AlertsFeed())


@public
def cap_alert(request: HttpRequest, pk: int) -> HttpResponse:
    """The alert as CAP 1.2."""
    row = get_object_or_404(Publication, pk=pk, started__isnull=False)
    if not actions.is_alert(row) or row.state not in (*OUT, Publication.State.CANCELLED):
        raise Http404
    return HttpResponse(cap.alert(row), content_type="application/cap+xml")


# On paper and on air


def _pdf(data: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        data, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
    )


@staff("channels.publish")
def paper(request: Request, pk: int, size: str, language: str) -> HttpResponse:
    """A poster (a4), a leaflet (a5) or the script for radio, in one language or in "all"."""
    row = get_object_or_404(Publication, pk=pk)
    if language not in (*texts.languages_of(row), "all") or size not in (*printing.SIZES, "radio"):
        raise Http404
    if size == "radio":
        first = texts.languages_of(row)[0] if language == "all" else language
        return _pdf(printing.radio_pdf(row, first), f"radio-{pk}-{first}")
    return _pdf(printing.poster(row, size, "" if language == "all" else language), f"{size}-{pk}-{language}")


@public
def public_paper(request: HttpRequest, pk: int, size: str) -> HttpResponse:
    """Whoever has a printer may put it up: a school, a mosque, a market."""
    row = get_object_or_404(Publication.objects.defer("audience"), pk=pk, state__in=OUT)
    if size not in printing.SIZES:
        raise Http404
    return _pdf(printing.poster(row, size), f"{size}-{pk}")


@staff("channels.publish")
def rules(request: Request) -> HttpResponse:
    """The rules by which services raise alerts: which are on, and which an officer lets send by themselves."""
    if request.method == "POST":
        try:
            alerts.decide(
                request.POST.get("rule", ""), automatic="automatic" in request.POST, enabled="enabled" in request.POST,
                by=request.actor,
            )  # fmt: skip
        except LookupError:
            raise Http404 from None
        messages.success(request, _("Done."))
        return redirect("alert-rules")
    rows = [(rule, setting, alerts.LEVELS[rule.level][0]) for rule, setting in alerts.rules()]
    values = {"rows": rows, "may": access.can(request.actor, "channels.alarm_alone", anywhere=True)}
    return render(request, "channels/rules.html", values)


# Subscriptions


@public
def subscribe(request: Request) -> HttpResponse:
    """Choose what to hear of, and by what; nothing is sent before the address has confirmed."""
    offered = [one for one in subscribing.offered() if one[2]]
    if request.method == "POST":
        chosen = [c.partition(":")[::2] for c in request.POST.getlist("subject")[:20]]
        try:
            limits.hit("channels.subscribe", people.device_of(request), at_most=20, per=timedelta(hours=1))
            kind, address = people.contact(request.POST.get("contact", ""))
            limits.hit("channels.subscribe", address, at_most=6, per=timedelta(hours=1))
            good = [(a, s) for a, s in chosen if subscribing.known(a, s)] + _around(request)
            if not good:
                raise ValidationError(_("Choose at least one thing to hear of."))
            subscribing.subscribe_to("email" if kind == "email" else "sms", address, good)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except limits.TooMany as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("A message is on its way: open the address in it, and you will be told."))
            return people.remember_device(request, redirect("subscribe"))
    values = {
        "offered": offered, "chosen": request.POST.getlist("subject"), "contact": request.POST.get("contact", ""),
        "place": request.POST.get("place", ""), "radius": request.POST.get("radius", "1000"),
        "radii": [(str(m), subscribing.distance(m)) for m in subscribing.RADII_M],
    }  # fmt: skip
    return people.remember_device(
        request, render(request, "channels/subscribe.html", values, status=422 if request.method == "POST" else 200)
    )


def _around(request: Request) -> list[tuple[str, str]]:
    """What the place that was typed stands for. Raises ValidationError when nobody knows it."""
    typed = text.clean(request.POST.get("place", ""))[:200]
    if not typed:
        return []
    point = subscribing.place(typed)
    radius = request.POST.get("radius", "")
    if point is None or radius not in {str(m) for m in subscribing.RADII_M}:
        raise ValidationError(_("We do not find this place. Type a landmark, a plus code or coordinates."))
    return [(subscribing.AREA, subscribing.around(*point, int(radius)))]


@public
def confirm(request: Request, token: str) -> HttpResponse:
    row = subscribing.of_link(token)
    if row is None:
        raise Http404
    if request.method == "POST":
        subscribing.confirm(row)
        messages.success(request, _("It is confirmed: you will be told."))
        return redirect("subscribe")
    return render(request, "channels/subscription.html", {"row": row, "token": token, "verb": "confirm"})


@csrf_exempt
def stop(request: Request, token: str) -> HttpResponse:
    """One press, from a page or from the mail program itself (RFC 8058)."""
    row = subscribing.of_link(token)
    if row is None:
        raise Http404
    if request.method == "POST":
        subscribing.end(row)
        if request.POST.get("List-Unsubscribe"):
            return HttpResponse(status=204)
        messages.success(request, _("Done: you get no more news of this."))
        return redirect("subscribe")
    return render(request, "channels/subscription.html", {"row": row, "token": token, "verb": "stop"})


stop = public(stop)
