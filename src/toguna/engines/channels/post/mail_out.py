"""E-mail that leaves: stamped, so that its answers and its bounces come home; an answer stands under what it answers; news can
be stopped with one press (RFC 8058)."""

from __future__ import annotations

import re
import smtplib
from email.utils import formataddr

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.channels import leaving
from toguna.engines.channels.gateway.media import Busy, Medium, Outgoing, Sent, Unsendable
from toguna.engines.channels.models import Incoming
from toguna.engines.channels.post.reading import reading
from toguna.engines.channels.post.stamps import stamp
from toguna.engines.channels.settings import mail, section
from toguna.kernel import town

WAITS = 20  # seconds
_SALT = "channels.post.stop"


def letter(message: Outgoing, sender: str, gateway: BaseEmailBackend) -> EmailMultiAlternatives:
    """The letter that a message becomes. sender: the town's address."""
    answered = _answered(message)
    subject = message.subject or (
        _answering(answered.subject) if answered and answered.subject else town.current().name
    )
    made = EmailMultiAlternatives(
        " ".join(subject.split()), message.text, formataddr((town.current().name, sender)), [message.address],
        headers=_headers(message, sender.rpartition("@")[2], answered), connection=gateway,
    )  # fmt: skip
    made.attach_alternative(_html(message), "text/html")
    return made


def _answered(message: Outgoing) -> Incoming | None:
    """The letter that this one answers: a service's answer, or that of somebody who took over the conversation."""
    found = Incoming.objects.filter(medium="email")
    if message.key.startswith("incoming:"):
        found = found.filter(answer=message.id)
    elif talk := re.match(r"talk:(\d+):", message.key):
        found = found.filter(conversation=int(talk.group(1)))
    else:
        return None
    with reading():
        return found.order_by("-id").first()


def _headers(message: Outgoing, domain: str, answered: Incoming | None) -> dict[str, str]:
    mark = stamp(message.id)
    # The same for each attempt: a mail server that receives it twice can see that it is one.
    headers = {"Message-ID": f"<{mark}@{domain}>"}
    if not message.key.startswith("talk:"):  # RFC 3834: somebody wrote those
        headers["Auto-Submitted"] = "auto-replied" if answered else "auto-generated"
    if home := str(section("mail_in").get("address", "")):
        local, _at, at = home.partition("@")
        headers["Reply-To"] = f"{local}+{mark}@{at}"
    if answered is not None and not answered.reference.startswith(("sha256-", "same:")):
        headers["In-Reply-To"] = f"<{answered.reference}>"
        before = [f"<{r}>" for r in reversed(answered.raw.get("references", []))][-9:]
        headers["References"] = " ".join([*before, f"<{answered.reference}>"])
    if message.publication is not None:
        headers["List-Unsubscribe"] = f"<{stop_link(message.address)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        headers["Precedence"] = "bulk"
    headers |= leaving.headers(message.key)
    return {name: re.sub(r"[\r\n]+", " ", value) for name, value in headers.items()}


def _answering(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


def _html(message: Outgoing) -> str:
    """The same words for programs that show HTML: paragraphs and links, no pictures, nothing from elsewhere."""

    def linked(words: str) -> str:
        made, at = [], 0
        for found in _LINK.finditer(words):
            made += [
                escape(words[at : found.start()]),
                f'<a href="{escape(found.group())}">{escape(found.group())}</a>',
            ]
            at = found.end()
        return "".join([*made, escape(words[at:])]).replace("\n", "<br>")

    paragraphs = [f"<p>{linked(p)}</p>" for p in re.split(r"\n{2,}", message.text.strip())]
    if message.publication is not None:
        with override(message.language or settings.LANGUAGE_CODE):
            words = escape(_("No more news by e-mail"))
        paragraphs.append(f'<p><a href="{escape(stop_link(message.address))}">{words}</a></p>')
    language = escape(message.language or settings.LANGUAGE_CODE)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"></head>'
        f'<body style="font:16px/1.5 sans-serif;max-width:40em">{"".join(paragraphs)}</body></html>'
    )


def stop_link(address: str) -> str:
    """Where whoever has this address says that they want no more news by e-mail."""
    return f"{settings.TOGUNA_URL}{reverse('mail-stop', args=[signing.dumps(address, salt=_SALT)])}"


def of_stop_link(token: str) -> str | None:
    """The address of a link; None for one that is not ours."""
    try:
        return str(signing.loads(token, salt=_SALT))
    except signing.BadSignature:
        return None


def deliver(message: Outgoing) -> Sent:
    """One e-mail to the town's server, which is in town.toml. Raises Unsendable when it is refused for good (5xx), Busy when
    it was not taken or when the line was cut: the Message-ID makes a second one the same letter."""
    server = mail()
    if server is None:
        raise Busy("town.toml names no mail server")
    sender = server.pop("from", "") or f"noreply@{server['host']}"
    try:
        with get_connection("django.core.mail.backends.smtp.EmailBackend", timeout=WAITS, **server) as gateway:
            made = letter(message, sender, gateway)
            made.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refused(code, words) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refused(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:  # also a server that does not know our name and password
        raise Busy(f"{type(error).__name__}: {error}"[:300]) from error
    return Sent(reference=str(made.extra_headers["Message-ID"])[:120])


def _refused(code: int, words: bytes | str) -> Unsendable | Busy:
    said = f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"[:300]
    return Unsendable(said) if code >= 500 else Busy(said, route_down=False)


EMAIL = Medium("email", deliver, alone=True, ready=lambda: mail() is not None)
