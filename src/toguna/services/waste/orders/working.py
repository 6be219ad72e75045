"""The page of whoever fetches waste: their jobs, what they earn, the household's digits and a photo. The same verbs as by SMS."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.kernel import limits, text
from toguna.kernel.web import Request, resident
from toguna.services.waste.clientid import once
from toguna.services.waste.models import PickUp, PickUpOffer, PreCollector
from toguna.services.waste.orders import actions, precollectors, proof, telling
from toguna.services.waste.orders.money import part, worth

ACTIVE, RESTING = PreCollector.State.ACTIVE, PreCollector.State.RESTING
OFFERED = PickUp.State.OFFERED


@resident
def work(request: Request) -> HttpResponse:
    """Their jobs, the soonest first; for whoever is not registered, how to be."""
    row = precollectors.of_person(request.actor.person)
    values: dict[str, Any] = {
        "row": row,
        "phones": people.phones_of(request.actor.person or 0),
        "client_id": uuid.uuid4(),
    }
    if row is not None:
        jobs = precollectors.jobs(row)
        until = dict(PickUpOffer.objects.filter(pickup__in=jobs, collector=row).values_list("pickup", "until"))
        photos = proof.of_many(jobs)
        shown: list[dict[str, Any]] = [
            {
                "row": job, "when": telling.when(job.start, job.end), "what": telling.many(job), "earns": part(job.kind, row, worth(job)),
                "until": until.get(job.pk), "photos": photos.get(job.pk, ()), "client_id": uuid.uuid4(),
            }
            for job in jobs
        ]  # fmt: skip
        values |= {
            "offered": [one for one in shown if one["row"].state == OFFERED],
            "accepted": [one for one in shown if one["row"].state != OFFERED],
            "sums": precollectors.sums(row), "stars": precollectors.stars(row),
            "may_rest": row.state == ACTIVE, "may_work": row.state == RESTING,
        }  # fmt: skip
    return render(request, "waste/jobs.html", values)


@resident
def act(request: Request) -> HttpResponse:
    """do=yes|no|back|done (secret, photo), of `job`; rest|work; register (name, district)."""
    if request.method == "POST":
        try:
            messages.success(request, _do(request, request.POST.get("do", "")))
        except (actions.Refused, limits.TooMany) as error:
            messages.error(request, str(error))
    return redirect("waste-jobs")


def _do(request: Request, do: str) -> str:
    post, by = request.POST, request.actor
    row = precollectors.of_person(by.person)
    if row is None:
        return _register(request) if do == "register" else _none()
    if do in ("rest", "work"):
        precollectors.become(row, RESTING if do == "rest" else ACTIVE, by=by, own=True)
        return _("You rest: no more jobs come.") if do == "rest" else _("You work again: jobs come by SMS.")
    job = actions.find(post.get("job", ""))
    if job is None or job.collector_id != row.pk:
        raise actions.Refused(_("This pick-up is no longer offered to you: it went to somebody else."))
    match do:
        case "yes":
            actions.accept(job, row, by=by)
            return _("It is yours. The telephone of the household is below.")
        case "no":
            actions.refuse(job, row, by=by)
            return _("%(code)s goes to somebody else.") % {"code": job.code}
        case "back":
            actions.give_back(job, row, by=by)
            return _("%(code)s goes to somebody else. Accept only what you can do: households wait for you.") % {
                "code": job.code
            }
        case "done":
            return _done(request, job, row)
    return _none()


def _done(request: Request, job: PickUp, row: PreCollector) -> str:
    """The household's digits, a photo, or both."""
    digits = re.sub(r"\D", "", request.POST.get("secret", ""))
    file = request.FILES.get("photo")
    data = file.read(proof.MOST_BYTES + 1) if isinstance(file, UploadedFile) else b""
    if not digits and not data:
        raise actions.Refused(_("Give the four figures of the household, or a photo of what you took."))
    if data:
        proof.check(data)  # before the digits: a bad photo leaves all as it was
    if digits:
        actions.done(job, row, digits[:8], by=request.actor)
    if data:
        proof.add(job, row, data, client_id=once(request.POST.get("client_id", "")), by=request.actor)
    if digits:
        return _("It is done: thank you. What you earned is below.")
    return _("The photo is kept. The household, or the town hall, says now whether it is taken.")


def _register(request: Request) -> str:
    phones = people.phones_of(request.actor.person or 0)
    name = text.clean(request.POST.get("name", ""))[:120]
    spot = precollectors.read(request.POST.get("district", "")[:200])
    if not phones or len(name) < 2:
        raise actions.Refused(_("Give your name, and log in with your phone number."))
    if spot.lon is None:
        raise actions.Refused(_("We do not know this district. Send its name, or a landmark in it."))
    precollectors.apply(
        name, spot, phone=phones[0], language=(get_language() or "").split("-")[0], client_id=once(request.POST.get("client_id", ""))
    )  # fmt: skip
    return _("Thank you. The town hall calls you to register you as a pre-collector; then you get jobs by SMS.")


def _none() -> str:
    raise actions.Refused(_("There is no such action."))


@resident
def photo(request: Request, code: str, photo: uuid.UUID) -> FileResponse:
    """Of one's own job."""
    row, job = precollectors.of_person(request.actor.person), actions.find(code)
    if row is None or job is None or job.collector_id != row.pk:
        raise Http404
    return proof.sent(job, photo, by=request.actor)
