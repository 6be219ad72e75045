"""What should not be seen: residents say so, the moderator acts. Thin: the rules are in `cases`' moderating and retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, codes, limits
from toguna.kernel.web import Request, public, staff
from toguna.services.reports.casetype import REPORT

OURS = REPORT.name
PER_DAY = 20  # one device: more is somebody who plays
GRID = 12  # squares across and down: at 320 px each is still 24 px wide, what a finger needs
REASONS: dict[str, Any] = {
    "person": gettext_lazy("It names or shows somebody"),
    "insult": gettext_lazy("It insults or threatens"),
    "private": gettext_lazy("It shows somebody's home or papers"),
    "false": gettext_lazy("It is not true"),
    "other": gettext_lazy("Something else"),
}


@public
def flag(request: Request, code: str) -> HttpResponse:
    """Anyone says that a public report shows what it should not."""
    case = get_object_or_404(cases.Case.objects.select_related("topic"), type=OURS, code=codes.read(code), public=True)
    if request.method == "POST":
        device = people.device_of(request)
        known = device in request.COOKIES.values()  # else many people share it (see `intake`)
        try:
            limits.hit("reports.flag", device, at_most=PER_DAY if known else PER_DAY * 30, per=timedelta(days=1))
            cases.flag(
                case.pk, request.POST.get("reason", ""), request.POST.get("words", ""), by=request.actor, device=device
            )
        except cases.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Thank you. Somebody of the town hall looks at it."))
            return people.remember_device(request, redirect("report", code=case.code))
    page = render(request, "reports/moderation/flag.html", {"case": case, "reasons": REASONS})
    return people.remember_device(request, page)


@staff("reports.moderate")
def waiting(request: Request) -> HttpResponse:
    """What residents flagged, and a box for the code of any other report."""
    if typed := request.GET.get("code"):
        code = codes.read(typed)
        if _find(request, code) is not None:
            return redirect("desk-moderate", code=code)
        messages.error(request, _("No report has the code %(code)s. Check it letter by letter.") % {"code": typed})
    rows = [(f, REPORT.state(f.case.state)) for f in cases.flagged(request.actor, REPORT)]
    return render(request, "reports/moderation/waiting.html", {"rows": rows})


def _find(request: Request, code: str) -> cases.Case | None:
    case = cases.Case.objects.select_related("topic", "zone").filter(type=OURS, code=code).first()
    if case is None or not access.can(request.actor, REPORT.moderate, zone=case.zone_id, subject=case.topic.slug):
        return None
    return case


def _case(request: Request, code: str) -> cases.Case:
    """The case with this code, when the actor may moderate it; 404 otherwise, so that codes cannot be tried."""
    case = _find(request, code)
    if case is None:
        raise Http404
    return case


@staff("reports.moderate")
def moderate(request: Request, code: str) -> HttpResponse:
    """One report with all that the public can read of it, each part with what can be done about it."""
    case = _case(request, code)
    if request.method == "POST":
        try:
            done = _act(request, case)
        except (cases.Refused, cases.NotNow) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
            if request.POST.get("do") == "erase":
                return redirect("desk-moderation")
        return redirect("desk-moderate", code=case.code)
    words = [(cases.TEXT, _("The report"), case.text), (cases.PLACE, _("The place"), case.place)]
    for step in cases.timeline(case).exclude(text=""):
        state = REPORT.state(step.to_state).title if step.to_state else ""
        title = _("Answer of the person") if step.data.get("reporter") else _("Answer of the town")
        words.append((str(step.pk), f"{title}: {state}" if state else title, step.text))
    values = {
        "case": case,
        "state": REPORT.state(case.state),
        "flags": [(REASONS.get(s.data.get("reason", ""), REASONS["other"]), s) for s in cases.flags(case)],
        "words": [row for row in words if row[2]],
        "photos": case.photos.filter(state=cases.Photo.State.READY).order_by("id"),
    }
    return render(request, "reports/moderation/report.html", values)


def _act(request: Request, case: cases.Case) -> str:
    """What was done, in words."""
    post, by = request.POST, request.actor
    photo = post.get("photo", "")
    own = photo.isdecimal() and len(photo) < 18 and case.photos.filter(pk=int(photo)).exists()
    verbs: dict[str, tuple[Callable[[], object], str]] = {
        "hide": (lambda: cases.hide(case.pk, post.get("words", ""), by=by), _("The public does not see it any more.")),
        "show": (lambda: cases.show(case.pk, by=by), _("The public sees it again.")),
        "reword": (
            lambda: cases.reword(
                case.pk, post.get("what", ""), post.get("words", ""), by=by, forget=post.get("forget") == "yes"
            ),
            _("The words are changed."),
        ),
        "settle": (lambda: cases.settle(case.pk, by=by), _("Done: it waits no more.")),
        "erase": (lambda: cases.erase(case.pk, post.get("words", ""), by=by), _("It is erased.")),
    }
    if own:
        verbs |= {
            "hide-photo": (
                lambda: cases.hide_photo(int(photo), by=by),
                _("The public does not see this photo any more."),
            ),
            "show-photo": (
                lambda: cases.hide_photo(int(photo), by=by, hidden=False),
                _("The public sees this photo again."),
            ),
            "remove-photo": (lambda: cases.remove_photo(int(photo), by=by), _("The photo is removed.")),
        }
    verb, said = verbs.get(post.get("do", ""), (None, ""))
    if verb is None:
        raise cases.Refused(_("There is no such action."))
    verb()
    return said


@staff("reports.moderate")
def cover(request: Request, code: str, photo: int) -> HttpResponse:
    """The photo under a grid of boxes to tick; with numbers for what the grid is too coarse for."""
    case = _case(request, code)
    row = get_object_or_404(case.photos, pk=photo, state=cases.Photo.State.READY)
    if request.method == "POST":
        try:
            cases.cover_photo(row.pk, boxes(request.POST), by=request.actor)
        except cases.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Covered for good. Look at it: there is no way back, but you can cover more."))
            return redirect("desk-moderate", code=case.code)
    grid = [[(f"{down}-{across}", down + 1, across + 1) for across in range(GRID)] for down in range(GRID)]
    chosen = {"grid": grid, "ticked": set(request.POST.getlist("cell")), "exact": request.POST.get("exact", "")}
    return render(request, "reports/moderation/cover.html", {"case": case, "photo": row, **chosen})


def boxes(post: QueryDict) -> list[cases.Box]:
    """Ticked squares ("down-across") and typed boxes ("left top right bottom" in hundredths, one a line), as shares of the
    picture. Raises Refused."""
    found: list[cases.Box] = []
    try:
        for cell in post.getlist("cell"):
            down, across = (int(part) for part in cell.split("-"))
            found.append((across / GRID, down / GRID, (across + 1) / GRID, (down + 1) / GRID))
        for line in post.get("exact", "").splitlines():
            if line.strip():
                left, top, right, bottom = (float(part) / 100 for part in line.replace(",", " ").split())
                found.append((left, top, right, bottom))
    except ValueError:
        raise cases.Refused(_("A box is left, top, right, bottom, each from 0 to 100: “10 20 30 40”.")) from None
    return found
