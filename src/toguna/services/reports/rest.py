"""/api/v1/reports: the same report as on the web, for programs. Reading is open; writing is safe to repeat."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import File, Header, Router, Schema, Status
from ninja.errors import HttpError
from ninja.files import UploadedFile
from ninja.security import APIKeyCookie
from pydantic import Field

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, text
from toguna.kernel.access import Actor
from toguna.services.reports import finding, intake
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topic, topics

router = Router(tags=["reports"])


class StaffSession(APIKeyCookie):
    """The session of a member of staff with a second factor; CSRF is checked as for a form."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        return actor if actor.staff else None


class CategoryOut(Schema):
    slug: str
    name: str = Field(description="in the language of the request")
    names: dict[str, str]
    icon: str
    days: int = Field(description="in which the town means to deal with it")
    stop: str = Field(description="not empty: the town does not deal with it, and this says who does")
    questions: list[dict[str, Any]] = Field(description="extra questions: name, kind, label, required, values")


class StepOut(Schema):
    at: datetime
    action: str
    state: str
    text: str


class ReportOut(Schema):
    code: str
    category: str
    state: str
    state_title: str
    open: bool
    channel: str
    district: str
    place: str
    text: str
    lon: float | None
    lat: float | None
    created: datetime
    updated: datetime
    due: datetime | None
    closed: datetime | None
    supporters: int = Field(description="how many others said that they have the same problem")
    same_as: str | None = Field(description="code of the report that it was merged into")
    url: str


class ReportWhole(ReportOut):
    steps: list[StepOut]
    photos: list[str]


class PageOut(Schema):
    items: list[ReportOut]
    next: str | None = Field(description="address of the next page, or null")


class ReportIn(Schema):
    """Give a point, or a district (its id), or both."""

    category: str
    text: str = Field(min_length=1, max_length=4000)
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    place: str = Field("", max_length=300)
    district: int | None = None
    language: str = Field("", max_length=8)
    name: str = Field("", max_length=200)
    phone: str = ""
    email: str = ""
    answers: dict[str, Any] = Field({}, description="to the category's questions, by name")
    asset: int | None = Field(None, description="the very thing: a feature of the category's layer")
    client_id: uuid.UUID | None = Field(None, description="made by the sender: sent again, it is the same report")


class Opened(Schema):
    code: str
    client_id: uuid.UUID
    url: str
    new: bool


class Action(Schema):
    do: Literal["move", "assign", "reply", "note"]
    transition: str = ""
    seen: str | None = Field(
        None, description="the state that was on the screen: refused with 409 when it is another by now"
    )
    words: str = ""
    team: int | None = None
    assignee: int | None = None


class Problem(Schema):
    detail: str


def _public(case: cases.Case) -> dict[str, Any]:
    """What anyone may read of a case. A private one says its state, nothing of its words or its place."""
    shown = case.public
    return {
        "code": case.code,
        "category": case.topic.slug,
        "state": case.state,
        "state_title": str(REPORT.state(case.state).title),
        "open": case.open,
        "channel": case.channel,
        "district": case.zone.name if case.zone else "",
        "place": case.place if shown else "",
        "text": case.text if shown else "",
        "lon": case.point.x if shown and case.point else None,
        "lat": case.point.y if shown and case.point else None,
        "created": case.created,
        "updated": case.updated,
        "due": case.due,
        "closed": case.closed,
        "supporters": case.supporters,
        "same_as": case.merged_into.code if case.merged_into else None,
        "url": settings.TOGUNA_URL + reverse("report", args=[case.code]),
    }


def _found(code: str) -> cases.Case:
    return get_object_or_404(
        cases.Case.objects.select_related("topic", "zone", "merged_into"), type=REPORT.name, code=codes.read(code)
    )


@router.get("/categories", response=list[CategoryOut])
def categories(request: HttpRequest) -> list[dict[str, Any]]:
    """The categories that are open."""
    return [
        {
            "slug": t.slug,
            "name": text.pick(t.names),
            "names": t.names,
            "icon": t.icon,
            "days": t.days,
            "stop": text.pick(t.stop),
            "questions": t.questions,
        }
        for t in topics()
        if t.active
    ]


@router.get("", response=PageOut)
def listed(
    request: HttpRequest,
    state: str = "",
    category: str = "",
    district: int | None = None,
    after: str = "",
    format: Literal["json", "geojson"] = "json",
) -> Any:
    """Public reports, the newest first, 50 at a time. state: a state's name or "open"; format=geojson: an RFC 7946
    FeatureCollection of those that have a point."""
    found = finding.public({"state": state, "topic": category, "zone": str(district or "")})
    page = cases.page(found, after=after)
    items = [_public(case) for case in page.rows]
    following = None
    if page.after:
        query = request.GET.copy()
        query["after"] = page.after
        following = f"{settings.TOGUNA_URL}{request.path}?{query.urlencode()}"
    if format == "json":
        return {"items": items, "next": following}
    features = [
        {
            "type": "Feature",
            "id": item["code"],
            "geometry": {"type": "Point", "coordinates": [item.pop("lon"), item.pop("lat")]},
            "properties": item,
        }
        for item in items
        if item["lon"] is not None
    ]
    links = [{"rel": "next", "href": following, "type": "application/geo+json"}] if following else []
    collection = {"type": "FeatureCollection", "features": features, "links": links}
    return JsonResponse(collection, content_type="application/geo+json")


@router.get("/{code}", response={200: ReportWhole, 404: Problem})
def one(request: HttpRequest, code: str) -> dict[str, Any]:
    """One report with what was done; of a private one its state only."""
    case = _found(code)
    steps = [
        {"at": s.at, "action": s.action, "state": s.to_state, "text": s.text if case.public else ""}
        for s in cases.timeline(case)
    ]
    photos = [
        settings.TOGUNA_URL + reverse("photo", args=[p.public_id, "large"])
        for p in (case.photos.filter(state=cases.Photo.State.READY, public=True) if case.public else [])
    ]
    return {**_public(case), "steps": steps, "photos": photos}


@router.post("", response={201: Opened, 200: Opened, 422: Problem, 429: Problem})
def opened(
    request: HttpRequest,
    report: ReportIn,
    idempotency_key: Annotated[uuid.UUID | None, Header(alias="Idempotency-Key")] = None,
) -> Any:
    """Reports a problem: 201. The same `client_id` (or Idempotency-Key, a UUID) again: 200 and the report that it is."""
    chosen = topic(report.category)
    if chosen is None:
        raise HttpError(
            422,
            _("There is no category %(slug)s. The list is at /api/v1/reports/categories.") % {"slug": report.category},
        )
    if report.district is None and (report.lon is None or report.lat is None):
        raise HttpError(422, _("Say where it is: give lon and lat, or a district."))
    if report.district is not None and territory.zone(report.district) is None:
        raise HttpError(422, _("There is no district with this number."))
    if report.asset is not None and not territory.is_feature(chosen.layer, report.asset):
        raise HttpError(422, _("There is no such thing in the layer of this category."))
    try:
        asked = cases.Asked(
            type=REPORT.name,
            topic=chosen,
            text=report.text,
            place=report.place,
            lon=report.lon if report.lat is not None else None,
            lat=report.lat if report.lon is not None else None,
            zone=report.district,
            answers=cases.check_answers(chosen.questions, lambda name: _typed(report.answers.get(name))),
            asset=report.asset,
            language=report.language or (get_language() or "").split("-")[0],
            channel="api",
            client_id=report.client_id or idempotency_key or uuid.uuid4(),
            name=report.name,
            phone=people.normal_phone(report.phone) if report.phone else "",
            email=people.normal_email(report.email) if report.email else "",
        )
        case, new = intake.take(asked, request=request)  # type: ignore[arg-type]
    except (cases.Refused, cases.Wrong) as error:
        raise HttpError(422, str(error)) from error
    except ValidationError as error:
        raise HttpError(422, " ".join(error.messages)) from error
    url = settings.TOGUNA_URL + reverse("report", args=[case.code])
    return Status(201 if new else 200, {"code": case.code, "client_id": case.client_id, "url": url, "new": new})


def _typed(answer: Any) -> list[str]:
    """An answer from JSON as it would be typed."""
    if isinstance(answer, bool):
        return ["yes" if answer else "no"]
    return [str(a) for a in answer] if isinstance(answer, list) else [] if answer is None else [str(answer)]


class SupportIn(Schema):
    """With a contact the person is told what happens, and counted once whatever the device."""

    phone: str = ""
    email: str = ""


class SupportOut(Schema):
    code: str = Field(description="of the report that is followed: another one when that one was merged")
    counted: bool = Field(description="false when they were counted before")
    supporters: int


@router.post("/{code}/support", response={200: SupportOut, 404: Problem, 422: Problem, 429: Problem})
def support(request: HttpRequest, code: str, who: SupportIn) -> Any:
    """ "Me too"."""
    case = get_object_or_404(cases.Case, type=REPORT.name, public=True, code=codes.read(code))
    try:
        phone = people.normal_phone(who.phone) if who.phone else ""
        email = people.normal_email(who.email) if who.email else ""
        followed, counted = intake.support(case, request=request, phone=phone, email=email)  # type: ignore[arg-type]
    except cases.Refused as error:
        raise HttpError(422, str(error)) from error
    except ValidationError as error:
        raise HttpError(422, " ".join(error.messages)) from error
    return {"code": followed.code, "counted": counted, "supporters": followed.supporters}


@router.post("/{client_id}/photos", response={204: None, 404: Problem, 422: Problem})
def photo(request: HttpRequest, client_id: uuid.UUID, photo: Annotated[UploadedFile, File()]) -> Any:
    """Adds a photo to one's own report, known by its client_id (three at most; the same one twice is kept once)."""
    case = get_object_or_404(cases.Case, type=REPORT.name, client_id=client_id)
    try:
        if (photo.size or 0) > cases.MOST_BYTES:
            raise cases.BadPhoto(
                _("This photo is too large (%(size)d MB at most).") % {"size": cases.MOST_BYTES // 10**6}
            )
        cases.add_photo(case.pk, photo.read(), by=request.actor)  # type: ignore[attr-defined]
    except (cases.BadPhoto, cases.Refused) as error:
        raise HttpError(422, str(error)) from error
    return Status(204, None)


@router.post(
    "/{code}/actions", auth=StaffSession(), response={200: ReportOut, 404: Problem, 409: Problem, 422: Problem}
)
def act(request: HttpRequest, code: str, action: Action) -> Any:
    """For staff: moves, assigns, answers or notes, under the same rules as in the back office."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    case = _found(code)
    if not cases.may_read(actor, case):
        raise HttpError(404, _("There is no such report."))
    try:
        match action.do:
            case "move":
                cases.move(case.pk, action.transition, by=actor, words=action.words, seen=action.seen)
            case "assign":
                cases.assign(case.pk, by=actor, team=action.team, assignee=action.assignee)
            case "reply" | "note":
                cases.reply(case.pk, action.words, by=actor, public=action.do == "reply")
    except cases.Conflict as error:
        raise HttpError(409, str(error)) from error
    except cases.Refused as error:
        raise HttpError(422, str(error)) from error
    return _public(_found(code))
