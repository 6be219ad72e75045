"""What `cases` declares: the notices, the photos, and what erasing a person means for their cases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases import clocks, counts, following, mine, notices, photos, reads, retention, rezoning
from toguna.engines.cases.events import CaseAnswered, CaseLate, CaseMoved, CaseOpened, CaseReplied, OpinionGiven
from toguna.engines.cases.models import Case
from toguna.engines.documents import api as documents
from toguna.engines.people.api import Erasure, PersonalData
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Section, Urls


def export(person: int) -> list[dict[str, Any]]:
    rows = (
        Case.objects.filter(reporter=person).order_by("id").values("code", "type", "state", "place", "text", "created")
    )
    return [{**row, "created": row["created"].isoformat()} for row in rows]


SERVICE = Service(
    name="cases",
    section="requests",
    provides=(
        Section("requests", _("Requests and reports"), "report", order=30),
        Reaction(CaseOpened, notices.on_opened),
        Reaction(CaseMoved, notices.on_moved),
        Reaction(CaseReplied, notices.on_replied),
        Reaction(CaseAnswered, notices.on_answered),
        Reaction(CaseLate, notices.on_late),
        Reaction(OpinionGiven, notices.on_opinion),
        Periodic("cases-retention", timedelta(days=1), retention.run),
        Periodic("cases-photos-sweep", timedelta(days=1), photos.sweep),
        Periodic("cases-counts", timedelta(minutes=1), counts.compact),
        Periodic("cases-rezone", timedelta(hours=1), rezoning.look),
        Periodic("cases-clocks", timedelta(minutes=10), clocks.run),
        Periodic("cases-ask-solved", timedelta(hours=1), notices.ask_solved),
        documents.FileSubject("cases.case", _("Case"), reads.may_read_files, reads.may_add_files),
        PersonalData("cases", export),
        Erasure("cases", retention.forget_person),
        following.FOLLOW,
        mine.MINE,
        Urls("cases", "", "toguna.engines.cases.urls"),
    ),
)
