"""What a case says of people goes when it has been closed for long enough (`Topic.keep_days`); what is counted stays.

See `docs/adr/` for what stays and why. A service that keeps more about cases declares a `CaseData`, and so takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.postgres.functions import RandomUUID
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import photos
from toguna.engines.cases.models import Case, Opinion, Photo, Received, Step, Supporter, Topic, Work
from toguna.engines.cases.workflow import case_type
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import access, audit, registry
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

BATCH = 500
GRID = 0.005  # degrees (550 m): where it was, near enough for a heat map of the town and too wide for a house
KEPT_DATA = (
    "reporter", "stars", "moment", "team", "assignee", "minutes", "cost", "into", "split_from", "transition", "law",
    "document", "fee", "amount", "says",
)  # fmt: skip
_SAID = ("moved", "replied", "answered", "late", "opinion")  # the steps of which a message tells


class NotNow(Exception):
    """The case cannot be erased; str() is a sentence for the person."""


@dataclass(frozen=True)
class CaseData(Declaration):
    """`forget(case_ids)` removes or empties what else the room keeps about these cases, in the caller's transaction."""

    name: str
    forget: Callable[[Sequence[int]], None]


@contextmanager
def history_open() -> Iterator[None]:
    """Inside, rows of the append-only tables can be changed by this transaction. When it fails, so does the transaction
    (or its savepoint), which shuts it too."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL toguna.retention = 'on'")
        yield
        cursor.execute("SET LOCAL toguna.retention = 'off'")


def run() -> None:
    """Anonymises all whose time has come, batch by batch: stopped anywhere, it goes on from there the next time."""
    while _batch():
        pass
    people.forget_unneeded()


@transaction.atomic
def _batch() -> int:
    shortest = Topic.objects.order_by("keep_days").values_list("keep_days", flat=True).first()
    if shortest is None:
        return 0
    now = timezone.now()
    due = list(
        Case.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(open=False, anonymised=None, closed__lt=now - timedelta(days=shortest))  # what the index knows
        .filter(closed__lt=now - F("topic__keep_days") * timedelta(days=1))
        .order_by("closed")
        .values_list("pk", flat=True)[:BATCH]
    )
    if due:
        people.forget_unneeded(_anonymise(due))
    return len(due)


def forget_person(person: int) -> None:
    """What erasing somebody means here, in the caller's transaction. What they followed still counts one more; what they
    sent says nothing of them any more when it is closed. What is open keeps its words, for the team that is at work on it,
    without saying whose they are, until its own time comes."""
    Supporter.objects.filter(person=person).update(person=None, device="")
    theirs = Case.objects.select_for_update(of=("self",)).filter(reporter=person)
    if closed := list(theirs.filter(open=False, anonymised=None).values_list("pk", flat=True)):
        _anonymise(closed)
    theirs.update(reporter=None, client_id=RandomUUID())


def _anonymise(cases: Sequence[int]) -> Collection[int]:
    """The caller has locked them. Gives the persons (ids) whom they named."""
    who = _forget_around(cases)
    ids = list(cases)
    with history_open(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE cases_step s SET text = '', account = CASE WHEN a.is_team THEN s.account END,
                data = (SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(s.data) WHERE key = ANY(%s))
            FROM cases_step o LEFT JOIN people_account a ON a.id = o.account
            WHERE o.id = s.id AND s.case_id = ANY(%s)
            """,
            [list(KEPT_DATA), ids],
        )
    Work.objects.filter(case__in=ids).update(what="")
    Opinion.objects.filter(case__in=ids).update(text="")
    with connection.cursor() as cursor:
        # The client_id too: it made the key of the reporter's links, and is written on their telephone.
        cursor.execute(
            """
            UPDATE cases_case SET reporter_id = NULL, text = '', place = '', answers = '{}', asset_id = NULL, language = '',
                point = ST_SnapToGrid(point, %s), client_id = gen_random_uuid(), anonymised = now(), updated = now()
            WHERE id = ANY(%s)
            """,
            [GRID, ids],
        )
    Step.objects.bulk_create([Step(case_id=pk, action="anonymised") for pk in ids])
    return who


def _forget_around(cases: Sequence[int]) -> Collection[int]:
    """Removes what stands around cases; gives the persons (ids) whom they named."""
    ids = list(cases)
    who = {
        *Case.objects.filter(pk__in=ids, reporter__isnull=False).values_list("reporter", flat=True),
        *Supporter.objects.filter(case__in=ids, person__isnull=False).values_list("person", flat=True),
    }
    for declared in registry.declared(CaseData):
        declared.forget(ids)
    # Messages of all that was said, whoever they went to: residents, followers, the team's mailbox.
    steps = Step.objects.filter(case__in=ids, action__in=_SAID).values_list("pk", flat=True)
    said = [f"case.{verb}:{step}" for step in steps for verb in _SAID]
    said += [f"case.{verb}:{pk}" for pk in ids for verb in ("opened", "asked")]
    channels.forget(said, mentioning=Case.objects.filter(pk__in=ids).values_list("code", flat=True))
    pictures = Photo.objects.filter(case__in=ids)
    photos.discard_files(pictures.values_list("public_id", flat=True))
    pictures.delete()
    Supporter.objects.filter(case__in=ids).delete()  # how many they were is on the case
    Received.objects.filter(case__in=ids).delete()
    with history_open(), connection.cursor() as cursor:
        # Who of the town hall did what stays on record; a resident's account does not, nor what came with it.
        cursor.execute(
            """
            UPDATE kernel_audit SET data = '{}', account = (SELECT id FROM people_account WHERE id = account AND is_team)
            WHERE subject = ANY(%s)
            """,
            [[f"cases.case:{pk}" for pk in ids]],
        )
    return who


@transaction.atomic
def erase(case: int, reason: str, *, by: Actor) -> None:
    """Deletes one case with all that belongs to it, because somebody has asked for it or because it should never have been
    there. What is left is a line in the audit log: its code, when, by whom. Raises NotNow without a reason, Denied."""
    if not reason.strip():
        raise NotNow(_("Say in a few words why: it is written in the audit log. Name nobody there."))
    row = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    access.require(by, case_type(row.type).moderate, zone=row.zone_id, subject=row.topic.slug)
    who, code = _forget_around([row.pk]), row.code
    with history_open():
        row.delete()
    audit.record(by, f"{row.type}.erase", f"cases.case:{case}", code=code, reason=reason.strip()[:300])
    people.forget_unneeded(who)
