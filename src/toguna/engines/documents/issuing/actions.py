"""Papers with a number, a code, a QR and the town's signature; taking one back; another in its place."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.documents.issuing import seal, templates
from toguna.engines.documents.issuing.events import PaperIssued, PaperRevoked
from toguna.engines.documents.issuing.templates import Refused
from toguna.engines.documents.models.issuing import Issued, IssuedFile, PaperTemplate
from toguna.kernel import access, audit, codes, events, paper, text, town, turns
from toguna.kernel.access import Actor

ISSUE, SIGN, REVOKE = "documents.issue", "documents.sign", "documents.revoke"
_DRAWING = Path(__file__).parent / "paper.typ"
_CODE = 8  # letters: 378 thousand million codes, so that trying some finds nothing


def issue(
    template: str,
    facts: Mapping[str, Any],
    *,
    by: Actor,
    signer: str = "",
    subject: str = "",
    language: str = "",
    person: int | None = None,
    holder: str = "",
    day: date | None = None,
    replaces: Issued | None = None,
    client_id: uuid.UUID | None = None,
) -> Issued:
    """A signed paper, with the next number of its template and year; what fails takes no number.

    facts: {name of the field: text, or a date}; signer: the name under it; subject: what it is for ("cases.case:12");
    person: id of whom it is about; holder: their name, for the desk's search; client_id: the same one again gives the same paper.
    Raises Refused, seal.BadSeal, Denied."""
    access.require(by, ISSUE)
    access.require(by, SIGN)
    if client_id and (before := Issued.objects.filter(client_id=client_id).first()):
        return before
    row = templates.find(template)
    if row is None:
        raise Refused(_("There is no template of this name."))
    language = language or town.current().languages[0]
    kept = templates.checked(row, facts)
    day = day or timezone.localdate()
    made = Issued(
        template=row,
        kind=row.name,
        year=day.year,
        code=codes.make(_CODE),
        language=language,
        facts=kept,
        day=day,
        signer=" ".join(text.clean(signer or by.name).split())[:120],
        subject=subject[:80],
        person_id=person,
        holder=" ".join(text.clean(holder).split())[:200],
        account=by.account,
        replaces=replaces,
        client_id=client_id,
    )
    seal.signer()  # whatever is wrong with the key is said before a number is taken
    with transaction.atomic():
        if client_id:
            turns.one_at_a_time(f"documents.issue {client_id}")
            if before := Issued.objects.filter(client_id=client_id).first():
                return before
        with connection.cursor() as cursor:
            # From here to the commit others who issue from this template wait: that is what leaves no gap.
            cursor.execute(
                "INSERT INTO documents_paper_counter (template, year, last) VALUES (%s, %s, 1) "
                "ON CONFLICT (template, year) DO UPDATE SET last = documents_paper_counter.last + 1 RETURNING last",
                [row.name, day.year],
            )
            made.number = cursor.fetchone()[0]
        signed = seal.sign(drawn(made), reason=f"{text.pick(row.title, language)} {made.reference}", name=made.signer)
        made.sha256 = hashlib.sha256(signed).hexdigest()
        made.save(force_insert=True)
        IssuedFile.objects.create(issued=made, content=signed)
        audit.record(by, ISSUE, made.subject_key, number=made.reference)
        events.publish(PaperIssued(made.pk, made.code, made.kind, made.subject))
    return made


def drawn(made: Issued, mark: str = "") -> bytes:
    """The paper before it is signed. mark: words in a box under its title."""
    row, language = made.template, made.language
    with override(language):
        title = text.pick(row.title, language)
        plain = settings.TOGUNA_URL + reverse("check-paper", args=[made.code])
        said = seal.told([made.code, title, made.reference, made.day.isoformat(), made.holder])
        address = f"{plain}?s={said}"
        picture = io.BytesIO()
        # One mask rather than the best of eight: it reads as well, and trying them all costs more than the signature.
        code = segno.make(address, error="l", mask=3, micro=False, boost_error=False)
        code.save(picture, kind="svg", border=2, omitsize=True)
        data = {
            "language": language,
            "title": title,
            "reference": made.reference,
            "numbered": _("No. %(number)s") % {"number": made.reference},
            "head": text.pick(row.head, language),
            "foot": text.pick(row.foot, language),
            "paragraphs": templates.paragraphs(row, made.facts, language),
            "done": _("Done at %(town)s, on %(day)s") % {"town": town.current().name, "day": date_format(made.day)},
            "signer": made.signer,
            "check": _("Check that this paper is genuine:"),
            "address": address,
            "plain": plain,
            "code": f"{made.code[:4]} {made.code[4:]}",
            "mark": mark,
        }
        return paper.drawn(_DRAWING, data, {"qr.svg": picture.getvalue()})


def preview(row: PaperTemplate, language: str) -> bytes:
    """What a template looks like, with the names of the facts in their places, unsigned."""
    today = timezone.localdate()
    made = Issued(
        template=row, year=today.year, number=0, code="TEST2345", language=language, day=today, holder="", signer="…"
    )
    made.facts = templates.sample(row)
    with override(language):
        return drawn(made, _("SAMPLE – NOT VALID"))


@transaction.atomic
def revoke(code: str, *, reason: str, by: Actor) -> Issued:
    """Takes a paper back: whoever checks it sees so, and why. Twice is once. Raises Refused, Denied."""
    access.require(by, REVOKE)
    made = _locked(code)
    reason = " ".join(text.clean(reason).split())[:300]
    if not reason:
        raise Refused(_("Say why the paper is taken back: whoever checks it reads it."))
    if made.revoked is None:
        made.revoked, made.reason = timezone.now(), reason
        made.save(update_fields=["revoked", "reason"])
        audit.record(by, REVOKE, made.subject_key)
        events.publish(PaperRevoked(made.pk, made.code, made.kind, made.subject))
    return made


@transaction.atomic
def replace(
    code: str, facts: Mapping[str, Any], *, reason: str, by: Actor, signer: str = "", client_id: uuid.UUID | None = None
) -> Issued:
    """Another paper in the place of one, which is taken back. Raises Refused, Denied."""
    if client_id and (before := Issued.objects.filter(client_id=client_id).first()):
        return before
    old = _locked(code)
    if old.revoked:
        raise Refused(_("This paper is already taken back."))
    new = issue(
        old.kind,
        facts,
        by=by,
        signer=signer,
        subject=old.subject,
        language=old.language,
        person=old.person_id,
        holder=old.holder,
        replaces=old,
        client_id=client_id,
    )
    revoke(code, reason=reason, by=by)
    return new


@transaction.atomic
def reprint(code: str, *, by: Actor) -> tuple[Issued, bytes]:
    """The same signed file again, counted as a duplicate: the check page says how many there are. Raises Refused, Denied."""
    access.require(by, ISSUE)
    made = _locked(code)
    if made.revoked:
        raise Refused(_("This paper is already taken back."))
    Issued.objects.filter(pk=made.pk).update(duplicates=F("duplicates") + 1)
    audit.record(by, "documents.reprint", made.subject_key)
    return made, content(made)


def papers_of(subject: str) -> QuerySet[Issued]:
    """What was issued for a thing ("cases.case:12"), the oldest first. Whoever shows it has checked who asks."""
    return Issued.objects.filter(subject=subject).select_related("template").order_by("pk")


def content(made: Issued) -> bytes:
    return bytes(IssuedFile.objects.get(pk=made.pk).content)


def _locked(code: str) -> Issued:
    made = (
        Issued.objects.select_for_update(of=("self",)).select_related("template").filter(code=codes.read(code)).first()
    )
    if made is None:
        raise Refused(_("No paper has this code."))
    return made


def forget(person: int) -> None:
    """A person is erased: their papers stay as numbers and hashes, without their facts and their file."""
    mine = Issued.objects.filter(person_id=person)
    IssuedFile.objects.filter(issued__in=mine).delete()
    mine.update(facts={}, holder="", person=None)


def known_of(person: int) -> list[dict[str, Any]]:
    told = Issued.objects.filter(person_id=person).values("kind", "year", "number", "code", "day", "facts", "revoked")
    return [dict(one) for one in told]
