"""A letter to the town: kept first, whole; then taken by the service whose it is, or read by somebody. Answered once, and
never when a machine wrote it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation

from toguna.engines.channels import incoming
from toguna.engines.channels.models import Conversation, Incoming, Message
from toguna.engines.channels.post import files, letters
from toguna.engines.channels.post.stamps import read_stamp
from toguna.engines.channels.sending import send
from toguna.engines.channels.settings import mail, section
from toguna.engines.channels.talk import answering, understanding
from toguna.engines.people import api as people
from toguna.kernel import limits, registry, town
from toguna.kernel.manifest import Declaration
from toguna.kernel.text import fold

log = logging.getLogger("toguna.channels")

HOUR = timedelta(hours=1)
MOST_ANSWERS = 10  # an hour to one address: two machines that answer each other fall silent (RFC 3834)
SHORT = 60  # characters: a letter that is a command, "SUIVI K7M4XZ"


class TooLarge(ValueError):
    """More bytes than a letter may have."""


@dataclass(frozen=True)
class Mail:
    """A letter as services see it. answers: our messages that it answers, the nearest first, proven by what only their
    recipient was sent; key: unique to it, for idempotent verbs."""

    sender: str
    name: str
    subject: str
    text: str
    language: str
    pictures: tuple[bytes, ...]
    answers: tuple[Message, ...]
    key: str
    files: tuple[tuple[str, bytes], ...] = ()  # all that is attached: (name, content)


@dataclass(frozen=True)
class MailBox(Declaration):
    """A service that may take letters. take(mail): does what the letter asks, in the caller's transaction, and gives the words
    of the answer in the language that is active ("" for none); None when the letter is not for this service.
    machine(sender): whether it is a machine of the town's own (a scanner), whose letters are many and are answered by nobody."""

    name: str
    take: Callable[[Mail], str | None]
    order: int = 100
    machine: Callable[[str], bool] | None = None


def take(raw: bytes, *, envelope_sender: str | None = None, envelope_to: tuple[str, ...] = ()) -> Incoming:
    """Keeps a letter, once however often it comes, and answers it. Raises TooLarge."""
    if len(raw) > letters.LARGEST:
        raise TooLarge(len(raw))
    letter = letters.read(raw, envelope_sender=envelope_sender, envelope_to=envelope_to)
    name = files.keep(raw)
    with transaction.atomic():
        row = incoming.keep(
            "email",
            letter.sender,
            letter.text[: incoming.LONGEST],
            to=(letter.to[0] if letter.to else ""),
            reference=letter.id,
            route=None,
            subject=letter.subject,
            raw={
                "file": name,
                "name": letter.name,
                "references": list(letter.references),
                "automatic": letter.automatic,
                "attachments": [{"name": a.name, "kind": a.kind, "bytes": len(a.data)} for a in letter.attachments],
            },
        )
        if row is None:
            return Incoming.objects.get(medium="email", reference=letter.id)
        try:
            with transaction.atomic():
                _sort(row, letter)
        except Exception:
            # Whatever a service does wrong, the letter is kept, and somebody looks at it.
            log.exception("letter %s could not be taken", row.pk)
            answering.hand_over(row, broken=True)
    return row


def _sort(row: Incoming, letter: letters.Letter) -> None:
    if letter.bounce is not None:
        returned(letter.bounce)
    for box in registry.declared(MailBox):
        if box.machine is not None and box.machine(letter.sender):
            box.take(_mail(row, letter, town.current().languages[0]))
            _state(row, Incoming.State.KEPT)
            return
    if letter.automatic or _our_own(letter.sender):
        _state(row, Incoming.State.KEPT)
        return
    try:
        with transaction.atomic():
            limits.hit("channels.mail", letter.sender, at_most=MOST_ANSWERS, per=HOUR)
    except limits.TooMany:
        _state(row, Incoming.State.PERSON)
        return
    person = people.known_at(letter.sender)
    offered = town.current().languages
    language = person.language if person is not None and person.language in offered else offered[0]
    given = _mail(row, letter, language)
    with translation.override(language):
        for box in sorted(registry.declared(MailBox), key=lambda b: b.order):
            words = box.take(given)
            if words is not None:
                if words:
                    send(
                        "email", letter.sender, key=given.key, text=words, language=language,
                        person=person.pk if person else None,
                    )  # fmt: skip
                    row.answer = Message.objects.get(key=given.key)
                _state(row, Incoming.State.ANSWERED)
                return
    if _is_command(row, letter):
        row.text = row.text or letter.subject
        answering.answer(row)
    else:
        answering.hand_over(row)


def _mail(row: Incoming, letter: letters.Letter, language: str) -> Mail:
    return Mail(
        letter.sender, letter.name, letter.subject, letter.text, language,
        tuple(a.data for a in letter.attachments if a.picture), answered(letter), f"incoming:{row.pk}",
        tuple((a.name, a.data) for a in letter.attachments),
    )  # fmt: skip


def answered(letter: letters.Letter) -> tuple[Message, ...]:
    """Our messages that a letter answers, by the stamps in its references or in the address that it was sent to."""
    stamps = [read_stamp(given) for given in (*letter.to, *letter.references)]
    numbers = list(dict.fromkeys(pk for pk in stamps if pk is not None))
    found = Message.objects.in_bulk(numbers)
    return tuple(found[pk] for pk in numbers if pk in found)


def _is_command(row: Incoming, letter: letters.Letter) -> bool:
    """A word or two that the conversation understands, or the answer to its last question."""
    typed = letter.text or letter.subject
    if not typed or len(typed) > SHORT or "\n" in typed:
        return False
    return bool(understanding.meant(typed)) or (
        Conversation.objects.filter(
            medium="email", address=row.address, updated__gt=timezone.now() - answering.REMEMBERED
        )
        .exclude(state=Conversation.State.CLOSED)
        .exclude(asked="")
        .exists()
    )


def returned(bounce: letters.Bounce) -> None:
    """A message of ours did not arrive: it is marked as failed. Who has not received it cannot say so: its stamp is proof."""
    pk = read_stamp(bounce.original)
    if pk is None or not bounce.final:
        return
    sent = (Message.State.SENDING, Message.State.SENT, Message.State.DOUBTFUL)
    Message.objects.filter(pk=pk, medium="email", state__in=sent).update(
        state=Message.State.FAILED, error=bounce.words or "returned"
    )


def _our_own(sender: str) -> bool:
    """Whether the town itself is said to have written it: a circle."""
    ours = {fold(str(a)) for a in ((mail() or {}).get("from", ""), section("mail_in").get("address", "")) if a}
    local, _at, domain = sender.partition("@")
    return fold(f"{local.partition('+')[0]}@{domain}") in ours


def _state(row: Incoming, state: str) -> None:
    row.state = state
    row.save(update_fields=["state", "answer", "text"])
