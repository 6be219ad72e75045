"""Register books: entries without gaps, each chained to the one before by its hash, notes in the margin, closing, index."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from toguna.engines.documents.issuing import actions, names, templates
from toguna.engines.documents.issuing.events import EntryWritten
from toguna.engines.documents.issuing.templates import Field, Refused
from toguna.engines.documents.models.issuing import BookKind, Entry, EntryName, EntryNote, Issued, Register
from toguna.kernel import access, audit, events, paper, tables, text, town
from toguna.kernel.access import Actor

WRITE, NOTE, READ, CLOSE = "registers.write", "registers.note", "registers.read", "registers.close"
LARGEST, MOST_ROWS = 10_000_000, 20_000
_TABLE = Path(__file__).parent / "table.typ"
_LIKE = 0.45  # trigram similarity from which two names may be one


class Duplicate(Refused):
    """It may be written already: whoever writes it looks at these `entries`, and confirms."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(entries)
        self.entries = entries

    def __str__(self) -> str:
        return _("This may be in the books already: %(entries)s. Look at it, then confirm if it is another person.") % {
            "entries": ", ".join(f"{one.register.get_kind_display()} {one.reference}" for one in self.entries)
        }


@transaction.atomic
def open_register(
    kind: str, year: int, *, by: Actor, volume: int = 1, language: str = "", old: bool = False
) -> Register:
    """The book of that kind, year and volume, opened if it is not. old: copied from paper. Raises Refused, Denied."""
    access.require(by, WRITE)
    if kind not in BookKind.values or not 1800 <= year <= timezone.localdate().year + 1 or not 1 <= volume <= 99:
        raise Refused(_("A register is of births, marriages, deaths or other entries, of one year, in one volume."))
    language = language or town.current().languages[0]
    book, made = Register.objects.get_or_create(
        kind=kind, year=year, volume=volume, defaults={"language": language, "old": old}
    )
    if made:
        audit.record(by, "registers.open", f"documents.register:{book.pk}")
    return book


def register_entry(
    kind: str,
    facts: Mapping[str, Any],
    *,
    words: str,
    by: Actor,
    day: date | None = None,
    officer: str = "",
    volume: int = 1,
    confirmed: bool = False,
    client_id: uuid.UUID | None = None,
) -> Entry:
    """Writes the next entry of the year's book. facts: "name" (or "names": [two spouses]), "born" (ISO), "mother", "father",
    and whatever else is kept; words: the text of the entry, frozen. Raises Duplicate unless `confirmed`, Refused when the book is
    closed, Denied."""
    access.require(by, WRITE)
    if client_id and (before := Entry.objects.filter(client_id=client_id).first()):
        return before
    day = day or timezone.localdate()
    kept = _facts(facts)
    # Two clerks who write one birth at the same second: the second waits for the first, and is then shown it.
    with transaction.atomic():
        book = open_register(kind, day.year, by=by, volume=volume)
        book = Register.objects.select_for_update().get(pk=book.pk)
        if client_id and (before := Entry.objects.filter(client_id=client_id).first()):
            return before
        if not confirmed and (found := possible_duplicates(kind, kept)):
            raise Duplicate(found)
        if book.closed:
            raise Refused(_("The register %(book)s is closed. Open its next volume.") % {"book": book.title})
        entry = _write(book, book.last + 1, kept, words, day, officer or by.name, by, client_id)
        audit.record(by, WRITE, entry.subject_key, number=entry.reference)
        events.publish(EntryWritten(entry.pk, kind))
    return entry


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, (list, tuple)):
            kept[key[:40]] = [" ".join(text.clean(str(one)).split())[:200] for one in value[:10]]
        else:
            said = value.isoformat() if isinstance(value, date) else str(value if value is not None else "")
            kept[key[:40]] = text.clean(said)[:2000]
    if len(kept) > 100:
        raise Refused(_("An entry keeps at most 100 facts."))
    if not _subjects(kept):
        raise Refused(_("Say whom the entry is about."))
    if kept.get("born"):
        try:
            date.fromisoformat(kept["born"])
        except ValueError as error:
            raise Refused(_("Write the date of birth as in 2026-03-31.")) from error
    return kept


def _subjects(facts: Mapping[str, Any]) -> list[str]:
    return [name for name in (facts.get("names") or [facts.get("name", "")]) if name]


def _sum(previous: str, *parts: Any) -> str:
    said = json.dumps([previous, *parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _entry_sum(entry: Entry) -> str:
    return _sum(
        entry.previous, entry.register_id, entry.number, entry.day.isoformat(), entry.facts, entry.text, entry.officer
    )


def _write(
    book: Register,
    number: int,
    facts: dict[str, Any],
    words: str,
    day: date,
    officer: str,
    by: Actor,
    client_id: uuid.UUID | None = None,
) -> Entry:
    born = facts.get("born") or ""
    words = text.clean(words)
    if not words or len(words) > 20_000:
        raise Refused(_("Write the text of the entry, in at most 20,000 letters."))
    entry = Entry(
        register=book,
        number=number,
        day=day,
        facts=facts,
        text=words,
        officer=" ".join(text.clean(officer).split())[:120],
        born=date.fromisoformat(born) if born else None,
        previous=book.hash,
        account=by.account,
        client_id=client_id,
    )
    entry.hash = _entry_sum(entry)
    entry.save(force_insert=True)
    people = [("subject", name) for name in _subjects(facts)]
    people += [(role, facts[role]) for role in ("mother", "father") if facts.get(role)]
    EntryName.objects.bulk_create(
        EntryName(entry=entry, role=r, name=n[:200], folded=names.folded(n), sound=names.sound(n)) for r, n in people
    )
    book.last, book.hash = number, entry.hash
    book.save(update_fields=["last", "hash"])
    return entry


@transaction.atomic
def note(
    entry: Entry,
    words: str,
    *,
    reference: str,
    by: Actor,
    day: date | None = None,
    officer: str = "",
    client_id: uuid.UUID | None = None,
) -> EntryNote:
    """A note in the margin: a marriage, a judgment. reference: by what. Also in a closed book: that is what margins are for.
    Raises Refused, Denied."""
    access.require(by, NOTE)
    Register.objects.select_for_update().get(pk=entry.register_id)
    if client_id and (before := EntryNote.objects.filter(client_id=client_id).first()):
        return before
    words, reference = text.clean(words)[:1000], " ".join(text.clean(reference).split())[:120]
    if not words or not reference:
        raise Refused(_("Write the note, and by what act or judgment it is made."))
    last = entry.notes.last()
    made = EntryNote(
        entry=entry,
        day=day or timezone.localdate(),
        text=words,
        reference=reference,
        officer=(officer or by.name)[:120],
        account=by.account,
        previous=last.hash if last else entry.hash,
        client_id=client_id,
    )
    made.hash = _note_sum(made)
    made.save(force_insert=True)
    audit.record(by, NOTE, entry.subject_key)
    return made


def _note_sum(made: EntryNote) -> str:
    return _sum(made.previous, made.day.isoformat(), made.reference, made.text, made.officer)


@transaction.atomic
def close(book: int, statement: str, *, by: Actor) -> Register:
    """Closes a book with its statement: nothing is entered in it any more. Twice is once. Raises Refused, Denied."""
    access.require(by, CLOSE)
    row = Register.objects.select_for_update().get(pk=book)
    if row.closed is None:
        said = " ".join(text.clean(statement).split())[:500]
        if not said:
            raise Refused(_("Write the closing statement: how many entries, by whom, on what day."))
        row.closed, row.closing = timezone.now(), said
        row.save(update_fields=["closed", "closing"])
        audit.record(by, CLOSE, f"documents.register:{row.pk}", entries=row.last)
    return row


def broken(book: Register) -> Iterator[str]:
    """What does not fit in a book: an entry or a note that was changed, or one that lacks."""
    previous, number = "", 0
    for entry in book.entries.order_by("number").prefetch_related("notes"):
        if entry.previous != previous or entry.hash != _entry_sum(entry):
            yield _("Entry %(number)s does not fit the one before it.") % {"number": entry.number}
        if not book.old and entry.number != number + 1:
            yield _("Entry %(number)s lacks.") % {"number": number + 1}
        previous, number, margin = entry.hash, entry.number, entry.hash
        for one in entry.notes.all():
            if one.previous != margin or one.hash != _note_sum(one):
                yield _("A note of entry %(number)s does not fit.") % {"number": entry.number}
            margin = one.hash
    if previous != book.hash or number != book.last:
        yield _("The last entry of the book lacks.")


def possible_duplicates(kind: str, facts: Mapping[str, Any], *, but: int | None = None) -> list[Entry]:
    """Entries of that kind that may be of the same people under another spelling, the likeliest first, at most 5.

    Alike is: the name sounds alike, and the day of birth is within three days, or the mother's name sounds alike too and the
    births are less than 280 days apart, or one of the two has neither."""
    found: dict[int, float] = {}
    born, mother = facts.get("born") or None, names.sound(str(facts.get("mother") or ""))
    for name in _subjects(facts):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT e.id, similarity(n.sound, %(sound)s) + coalesce(similarity(m.sound, %(mother)s), 0)
                FROM documents_entry_name n
                JOIN documents_entry e ON e.id = n.entry_id
                JOIN documents_register r ON r.id = e.register_id
                LEFT JOIN documents_entry_name m ON m.entry_id = e.id AND m.role = 'mother'
                WHERE n.role = 'subject' AND n.sound %% %(sound)s AND similarity(n.sound, %(sound)s) >= %(like)s
                  AND r.kind = %(kind)s AND e.id IS DISTINCT FROM %(but)s AND (
                    abs(e.born - %(born)s::date) <= 3
                    OR similarity(m.sound, %(mother)s) >= %(like)s AND coalesce(abs(e.born - %(born)s::date), 0) < 280
                    OR (%(born)s::date IS NULL OR e.born IS NULL) AND (m.id IS NULL OR %(mother)s = '')
                       AND similarity(n.sound, %(sound)s) > 0.8)
                ORDER BY 2 DESC LIMIT 5
                """,
                {"sound": names.sound(name), "mother": mother, "like": _LIKE, "kind": kind, "but": but, "born": born},
            )
            for pk, score in cursor.fetchall():
                found[pk] = max(score, found.get(pk, 0))
    rows = {row.pk: row for row in Entry.objects.filter(pk__in=found).select_related("register")}
    return [rows[pk] for pk in sorted(found, key=lambda pk: -found[pk])][:5]


def entry(pk: int) -> Entry:
    """Raises Entry.DoesNotExist."""
    return Entry.objects.select_related("register").get(pk=pk)


def find_entries(words: str, *, kind: str = "", year: int | None = None, most: int = 50) -> list[Entry]:
    """The index by name: whoever is named nearly so, as subject or parent, the nearest first; by "12/2026" the entry itself."""
    wanted: QuerySet[Entry] = Entry.objects.select_related("register")
    if kind:
        wanted = wanted.filter(register__kind=kind)
    if year:
        wanted = wanted.filter(register__year=year)
    number, slash, of = words.strip().partition("/")
    if slash and number.isdecimal() and of[:4].isdecimal() and len(number) < 8:
        return list(wanted.filter(number=int(number), register__year=int(of[:4]))[:most])
    if not words.strip():
        return list(wanted.order_by("-at", "-pk")[:most])
    said, sounds = names.folded(words[:200]), names.sound(words[:200])
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT n.entry_id, max(greatest(word_similarity(%(sound)s, n.sound), word_similarity(%(said)s, n.folded))
                                   + CASE WHEN n.role = 'subject' THEN 0.2 ELSE 0 END)
            FROM documents_entry_name n JOIN documents_entry e ON e.id = n.entry_id
            JOIN documents_register r ON r.id = e.register_id
            WHERE (%(sound)s <%% n.sound OR %(said)s <%% n.folded)
              AND (%(kind)s = '' OR r.kind = %(kind)s) AND (%(year)s::int IS NULL OR r.year = %(year)s::int)
            GROUP BY 1 ORDER BY 2 DESC, 1 DESC LIMIT %(most)s
            """,
            {"sound": sounds, "said": said, "kind": kind, "year": year, "most": most},
        )
        order = [row[0] for row in cursor.fetchall()]
    rows = {row.pk: row for row in wanted.filter(pk__in=order)}
    return [rows[pk] for pk in order if pk in rows]


COPY = "register-copy"
_COPY_FIELDS = (
    Field("book", {"fr": "Registre", "pt": "Registo", "en": "Register"}, shown="yes"),
    Field("number", {"fr": "Acte n°", "pt": "Assento n.º", "en": "Entry no."}, shown="yes"),
    Field("name", {"fr": "Nom", "pt": "Nome", "en": "Name"}, shown="masked"),
    Field("text", {"fr": "Texte", "pt": "Texto", "en": "Text"}, kind="lines"),
    Field("notes", {"fr": "Mentions marginales", "pt": "Averbamentos", "en": "Notes in the margin"}, kind="lines"),
)


def copy(
    entry: Entry,
    *,
    by: Actor,
    full: bool = True,
    language: str = "",
    signer: str = "",
    subject: str = "",
    person: int | None = None,
    client_id: uuid.UUID | None = None,
) -> Issued:
    """A certified copy, signed and numbered: in full, or an extract (who, when, of whom), with its notes. Raises Refused, Denied."""
    access.require(by, READ)
    book = entry.register
    language = language or book.language
    with override(language):
        margin = [f"{date_format(one.day)} – {one.text} ({one.reference})" for one in entry.notes.all()]
        facts = {
            "book": book.title,
            "number": entry.reference,
            "name": ", ".join(_subjects(entry.facts)),
            "text": entry.text if full else _extract(entry),
            "notes": "\n".join(margin) or _("No note"),
        }
    name = COPY if full else "register-extract"
    if templates.find(name) is None:
        _first_template(name, full=full)
    return actions.issue(
        name,
        facts,
        by=by,
        signer=signer,
        subject=subject or entry.subject_key,
        person=person,
        language=language,
        holder=facts["name"],
        client_id=client_id,
    )


def _first_template(name: str, *, full: bool) -> None:
    """The first copy of a town that wrote no template of its own for it; a later version is theirs to write."""
    whole = ("Copie intégrale", "Cópia integral", "Full copy") if full else ("Extrait", "Extrato", "Extract")
    templates.save_template(
        name,
        title=dict(zip(("fr", "pt", "en"), whole, strict=True)),
        words={
            "fr": "Registre : {book}. Acte n° {number}.\n\n{name}\n\n{text}\n\nMentions marginales :\n{notes}\n\nPour copie conforme au registre.",
            "pt": "Registo: {book}. Assento n.º {number}.\n\n{name}\n\n{text}\n\nAverbamentos:\n{notes}\n\nEstá conforme o registo.",
            "en": "Register: {book}. Entry no. {number}.\n\n{name}\n\n{text}\n\nNotes in the margin:\n{notes}\n\nA true copy of the register.",
        },
        fields=_COPY_FIELDS,
        prefix="CI" if full else "EX",
        by=access.SYSTEM,
    )


_LABELS = {
    "born": gettext_lazy("Date of birth"),
    "mother": gettext_lazy("Mother"),
    "father": gettext_lazy("Father"),
    "place": gettext_lazy("Place"),
    "died": gettext_lazy("Date of death"),
    "married": gettext_lazy("Date of marriage"),
}


def _extract(entry: Entry) -> str:
    lines = [f"{_LABELS[key]} : {entry.facts[key]}" for key in _LABELS if entry.facts.get(key)]
    lines.append(_("Entered on") + f" : {date_format(entry.day)}")
    return "\n".join(lines)


def decennial(kind: str, first: int, *, by: Actor, language: str = "") -> bytes:
    """The ten years' table of a kind, by name, as PDF. first: its first year. Raises Refused, Denied."""
    access.require(by, READ)
    entries = (
        Entry.objects.filter(register__kind=kind, register__year__range=(first, first + 9))
        .select_related("register")
        .prefetch_related(Prefetch("names", EntryName.objects.filter(role="subject")))
    )
    rows = sorted(
        (text.fold(n.name), n.name, date_format(e.born or e.day, "SHORT_DATE_FORMAT"), e.reference)
        for e in entries
        for n in e.names.all()
    )
    if not rows:
        raise Refused(_("No entry of these ten years is in the books."))
    with override(language or town.current().languages[0]):
        data = {
            "title": _("Ten years' table: %(kind)s, %(first)d–%(last)d")
            % {"kind": BookKind(kind).label, "first": first, "last": first + 9},
            "heads": [_("Name"), _("Date"), _("Entry")],
            "rows": [row[1:] for row in rows],
        }
        return paper.drawn(_TABLE, data)


@dataclass
class Report:
    """What became of a file: written, already there, and what was left out and why: (line, words); missing: numbers that lack."""

    written: int = 0
    there: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


_HEADS = {
    "number": ("number", "numero", "no", "n", "acte", "assento"),
    "day": ("day", "date", "data", "date de l acte"),
    "name": ("name", "nom", "nome", "nom et prenoms", "noms"),
    "given": ("given", "prenom", "prenoms", "apelido"),
    "born": ("born", "ne le", "naissance", "date de naissance", "nascimento", "data de nascimento"),
    "mother": ("mother", "mere", "mae"),
    "father": ("father", "pere", "pai"),
    "text": ("text", "texte", "texto"),
    "officer": ("officer", "officier", "oficial"),
}


def import_register(kind: str, year: int, name: str, raw: bytes, *, by: Actor, volume: int = 1) -> Report:
    """An old book from CSV (comma or semicolon) or XLSX, whose first line names its columns (number, date, name, born, mother,
    father, text...). What is there already stays as it is. One transaction. Raises Refused, Denied."""
    access.require(by, WRITE)
    lines = _rows(raw)
    heads = [text.fold(str(head or "")) for head in next(lines, [])]
    where = {key: heads.index(h) for key, known in _HEADS.items() for h in known if h in heads}
    if not {"number", "name"} <= where.keys():
        raise Refused(_("The first line must name the columns, among them number and name."))
    report = Report()
    rows: dict[int, tuple[int, dict[str, str]]] = {}
    for line, cells in enumerate(lines, 2):
        said = {key: tables.said(cells[at], 2000) if at < len(cells) else "" for key, at in where.items()}
        if not any(said.values()):
            continue
        if not said["number"].isascii() or not said["number"].isdigit() or not 0 < int(said["number"][:9]) < 10**6:
            report.refused.append((line, _("The number of the entry cannot be read.")))
        elif int(said["number"]) in rows:
            report.refused.append((line, _("The number %(number)s is in the file twice.") % {"number": said["number"]}))
        elif len(rows) >= MOST_ROWS:
            raise Refused(_("Bring at most %(most)d lines at once.") % {"most": MOST_ROWS})
        else:
            rows[int(said["number"])] = (line, said)
    with transaction.atomic():
        book = open_register(kind, year, by=by, volume=volume, old=True)
        book = Register.objects.select_for_update().get(pk=book.pk)
        if not book.old or book.closed:
            raise Refused(
                _("The register %(book)s is being written, or closed: nothing is imported into it.")
                % {"book": book.title}
            )
        there = set(book.entries.values_list("number", flat=True))
        for number in sorted(rows):
            line, said = rows[number]
            if number in there:
                report.there += 1
                continue
            if number < book.last:
                report.refused.append(
                    (line, _("Later entries are in the book already: import it into another volume."))
                )
                continue
            try:
                day = date.fromisoformat(said.get("day") or f"{year}-12-31")
                facts = _facts(
                    {
                        "name": " ".join(filter(None, (said["name"], said.get("given")))),
                        **{key: said.get(key, "") for key in ("born", "mother", "father")},
                    }
                )
                words = said.get("text") or _extract(Entry(facts=facts, day=day)) + f"\n{facts['name']}"
                _write(book, number, facts, words, day, said.get("officer", ""), by)
                report.written += 1
            except Refused as error:
                report.refused.append((line, str(error)))
            except ValueError:
                report.refused.append((line, _("Write the dates as in 2026-03-31.")))
        there |= set(rows)
        report.missing = [n for n in range(1, max(there, default=0) + 1) if n not in there][:1000]
        audit.record(by, "registers.import", f"documents.register:{book.pk}", written=report.written)
    return report


def _rows(raw: bytes) -> Iterator[list[Any]]:
    if len(raw) > LARGEST:
        raise Refused(_("This file is larger than %(most)d MB.") % {"most": LARGEST // 1_000_000})
    try:
        yield from tables.rows(raw)
    except tables.BadTable as error:
        raise Refused(str(error)) from error
