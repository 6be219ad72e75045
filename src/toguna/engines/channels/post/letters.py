"""A letter as it comes over the wire, read without trust: whatever the bytes are, something that a person can look at is made.

What machines send (RFC 3834), what says that a letter did not arrive (RFC 3464), and what was already said before (quoted
text, signatures) are told apart from what somebody wrote.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from html.parser import HTMLParser

from toguna.kernel import text as words

LARGEST = 25_000_000  # bytes of a letter, as the large mail services have it
MOST_PARTS = 100
MOST_ATTACHMENTS = 20
LONGEST = 20_000  # characters of text that are looked at
MOST_HOPS = 50  # servers that it went through: more is a circle

_PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
_ROBOTS = re.compile(r"^(mailer-daemon|postmaster|no-?reply|ne-?pas-?repondre|bounces?|donotreply)([+@-]|$)", re.I)


@dataclass(frozen=True)
class Attachment:
    """A file that came with a letter. kind: its media type as the sender says it, lower case."""

    name: str
    kind: str
    data: bytes

    @property
    def picture(self) -> bool:
        return self.kind in _PICTURES


@dataclass(frozen=True)
class Bounce:
    """Another server says that it could not deliver `original` (a Message-ID without its angle brackets)."""

    original: str
    address: str
    words: str
    final: bool


@dataclass(frozen=True)
class Letter:
    """id: the Message-ID, or a digest of the whole where there is none; sender: lower case, "" when it cannot be read;
    text: what is new in it; references: Message-IDs that it answers, the nearest first; automatic: why no machine may
    answer it ("" for what a person wrote)."""

    id: str
    sender: str
    name: str
    to: tuple[str, ...]
    subject: str
    text: str
    references: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    automatic: str
    bounce: Bounce | None


def read(raw: bytes, *, envelope_sender: str | None = None, envelope_to: tuple[str, ...] = ()) -> Letter:
    """Reads a letter. envelope_sender: that of MAIL FROM where it is known; "" is what bounces have."""
    try:
        message = email.message_from_bytes(raw)
        parts = list(_leaves(message))
    except RecursionError:  # parts within parts without end: its headers, and nothing else, can be read
        message = email.message_from_bytes(raw.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0])
        parts = []
    sender, name = _sender(message)
    own_id = _ids(_header(message, "Message-ID"))
    plain, html, attachments = _sorted(parts)
    written = plain or html_to_text(html)
    bounce = _bounce(message, parts)
    return Letter(
        id=own_id[0][:150] if own_id else "sha256-" + hashlib.sha256(raw).hexdigest(),
        sender=sender,
        name=name,
        to=tuple(
            dict.fromkeys(a.lower() for a in (*envelope_to, *_addresses(message, "To", "Cc", "Delivered-To")) if a)
        ),
        subject=words.clean(_header(message, "Subject"))[:300],
        text=words.clean(newest(written[:LONGEST])),
        references=tuple(
            dict.fromkeys(
                [*_ids(_header(message, "In-Reply-To")), *reversed(_ids(_header(message, "References")))],
            )
        )[:30],
        attachments=attachments,
        automatic="bounce" if bounce else _automatic(message, sender, envelope_sender),
        bounce=bounce,
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that are not containers; letters within letters stay whole, but for those of a delivery report."""
    waiting = [message]
    seen = 0
    while waiting and seen < MOST_PARTS * 3:
        part = waiting.pop(0)
        seen += 1
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting[:0] = _inside(part)[:MOST_PARTS]
        else:
            yield part


def _inside(part: Message) -> list[Message]:
    """The parts of a container. (The library's `get_payload` fails on what is none and names a strange alphabet.)"""
    inner = part.get_payload() if part.is_multipart() else []
    return [p for p in inner if isinstance(p, Message)] if isinstance(inner, list) else []


def _header(message: Message, name: str) -> str:
    """A header in Unicode, whatever it says of its own alphabet."""
    try:
        given = message.get(name)
    except Exception:  # the library's own parsing of a hostile header
        return ""
    return _decoded(str(given)) if given is not None else ""


def _decoded(given: str) -> str:
    try:
        pieces = decode_header(given)
    except (HeaderParseError, ValueError, LookupError):
        return _printable(given)
    return _printable("".join(p if isinstance(p, str) else _text(p, c or "") for p, c in pieces))


def _printable(given: str) -> str:
    """One line, without what cannot be stored (surrogates stand for bytes outside any alphabet)."""
    whole = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(whole.replace("\x00", "").split())


def _text(data: bytes, charset: str) -> str:
    """Bytes as text: in the alphabet that they claim, else UTF-8, else that of old Windows, where every byte means something."""
    for name in (charset, "utf-8"):
        try:
            return data.decode(name or "utf-8")
        except (LookupError, ValueError):  # an alphabet that does not exist, a codec that is none of text, a wrong byte
            continue
    return data.decode("cp1252", "replace")


def _addresses(message: Message, *names: str) -> list[str]:
    try:
        given = [str(value) for name in names for value in message.get_all(name, [])]
        found = getaddresses(given)
    except Exception:  # a hostile header
        return []
    return [_printable(address)[:254] for _name, address in found[:50]]


def _sender(message: Message) -> tuple[str, str]:
    """(address, name)."""
    for header in ("From", "Sender"):
        try:
            found = getaddresses([str(message.get(header, ""))])
        except Exception:  # a hostile header
            found = []
        for name, address in found:
            if re.fullmatch(r"[^\s<>\"@,;:]+@[^\s<>\"@,;:]+", address) and len(address) <= 254:
                return _printable(address).lower(), words.clean(_decoded(name))[:200]
    return "", ""


def _ids(header: str) -> list[str]:
    """The Message-IDs in a header, without their brackets."""
    return [found[:250] for found in re.findall(r"<\s*([^<>\s]{1,900})\s*>", header)]


def _body(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except Exception:  # an alphabet or a transfer encoding that the library stumbles over: the bytes as they came
        kept = vars(part).get("_payload")
        data = kept.encode("utf-8", "surrogateescape") if isinstance(kept, str) else b""
    return data if isinstance(data, bytes) else b""


def _sorted(parts: list[Message]) -> tuple[str, str, tuple[Attachment, ...]]:
    """(plain text, HTML, files)."""
    plain: list[str] = []
    html: list[str] = []
    files: list[Attachment] = []
    for part in parts[:MOST_PARTS]:
        kind = part.get_content_type()
        if kind.startswith("message/"):
            files.append(Attachment("message.eml", kind, _inner(part)))
            continue
        name = _filename(part)
        if kind in ("text/plain", "text/html") and not name and part.get_content_disposition() != "attachment":
            (plain if kind == "text/plain" else html).append(_text(_body(part), part.get_content_charset("") or ""))
        elif data := _body(part):
            files.append(Attachment(name, _really(kind, name, data), data))
    return "\n".join(plain).strip(), "\n".join(html), tuple(files[:MOST_ATTACHMENTS])


def _inner(part: Message) -> bytes:
    try:
        return b"".join(p.as_bytes() for p in _inside(part))
    except Exception:  # what was parsed leniently cannot always be written again
        return b""


def _filename(part: Message) -> str:
    try:
        given = part.get_filename() or ""
    except Exception:  # parameters in several alphabets, continued, and wrong
        given = ""
    return re.sub(r"[\\/\x00-\x1f]", "_", _decoded(given))[-120:]


def _really(kind: str, name: str, data: bytes) -> str:
    """The kind of a file: what its first bytes say of pictures, whatever the sender calls it."""
    for magic, found in ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n", "image/png"), (b"GIF8", "image/gif")):
        if data.startswith(magic):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "application/octet-stream" if kind in _PICTURES else kind


# What machines send


def _automatic(message: Message, sender: str, envelope_sender: str | None) -> str:
    """Why a letter must not be answered by a machine; "" when a person wrote it."""
    submitted = _header(message, "Auto-Submitted").split(";")[0].strip().lower()
    if submitted and submitted != "no":
        return "auto-submitted"
    if _header(message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return "precedence"
    if any(
        message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "List-Id", "List-Unsubscribe")
    ):
        return "list or vacation"
    if _header(message, "X-Spam-Flag").upper() == "YES":
        return "spam"
    if envelope_sender == "" or _header(message, "Return-Path").strip() == "<>":
        return "empty return path"
    if not sender or _ROBOTS.match(sender):
        return "no person's address"
    if len(message.get_all("Received", [])) > MOST_HOPS:
        return "too many hops"
    return ""


def _bounce(message: Message, parts: list[Message]) -> Bounce | None:
    """What a delivery status notification says of one message (RFC 3464); None for anything else."""
    if message.get_content_type() != "multipart/report":
        return None
    status, original = "", ""
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            status = "\n".join(_written(b) for b in _inside(part)) or _text(_body(part), "")
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            inner = _inside(part)
            whole = _written(inner[0]) if inner else _text(_body(part), "")
            found = re.search(r"^Message-ID:\s*<([^<>\s]+)>", whole, re.I | re.M)
            original = original or (found.group(1) if found else "")
    action = re.search(r"^Action:\s*(\w+)", status, re.I | re.M)
    if action is None or not original:
        return None
    who = re.search(r"^Final-Recipient:[^;\n]*;\s*(\S+)", status, re.I | re.M)
    why = re.search(r"^Diagnostic-Code:[^;\n]*;\s*(.+(?:\n[ \t].+)*)", status, re.I | re.M)
    code = re.search(r"^Status:\s*([245]\.\d+\.\d+)", status, re.I | re.M)
    said = " ".join(filter(None, [code and code.group(1), _printable(why.group(1)) if why else ""]))
    return Bounce(original, who.group(1).lower() if who else "", said[:290], action.group(1).lower() == "failed")


def _written(part: Message) -> str:
    """The headers of a part, as lines."""
    return "\n".join(f"{name}: {_header(part, name)}" for name in dict.fromkeys(part.keys()))


# What is new in it

_BEFORE = re.compile(
    r"^("
    r"-{2,}\s*(original message|message d.origine|message transféré|forwarded message|mensagem original|mensagem encaminhada)\s*-{2,}"
    r"|_{20,}"
    r"|(on|le|em|no dia|a) .{4,200}(wrote|a écrit|escreveu|écrit)\s*:"
    r"|(de|from)\s*:.{0,200}\n\s*(envoyé|sent|date|enviado|enviada|data|à|to|para)\b.{0,40}:"
    r")",
    re.I | re.M,
)
_WRAPPED = re.compile(
    r"^((?:on|le|em|no dia|a) [^\n]{4,200})\n([^\n]{0,120}(?:wrote|a écrit|escreveu)\s*:\s*)$", re.I | re.M
)
_SIGNATURE = re.compile(
    r"^(-- ?|(sent from|envoyé (de|depuis)|enviado (do|de|a partir)) (my|mon|ma|meu|minha|yahoo|outlook|gmail)\b.*)$",
    re.I | re.M,
)


def newest(written: str) -> str:
    """What somebody wrote, without the letter that they answer and without their signature."""
    lines = written.replace("\r\n", "\n").replace("\r", "\n")
    lines = _WRAPPED.sub(r"\1 \2", lines)
    for cut in (_BEFORE, _SIGNATURE):
        found = cut.search(lines)
        if found and lines[: found.start()].strip():
            lines = lines[: found.start()]
        elif (
            found and cut is _BEFORE
        ):  # the answer stands below what it answers: only lines that are not quoted are new
            lines = lines[found.end() :]
    kept = [line for line in lines.split("\n") if not line.lstrip().startswith(">")]
    return "\n".join(kept).strip()


class _Plain(HTMLParser):
    """The words of an HTML letter: a line for each block, nothing of what is hidden or quoted."""

    _HIDDEN = frozenset({"script", "style", "head", "title", "template", "svg"})
    _BLOCKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "h4", "ul", "ol", "hr", "section"})
    _VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "wbr", "col", "area", "base", "embed", "source"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.hidden: list[str] = []  # elements that are open inside the outermost hidden one

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BLOCKS:
            self.found.append("\n")
        if tag in self._VOID:
            return
        given = dict(attrs)
        quoted = tag == "blockquote" or any(name in (given.get("class") or "") for name in ("gmail_quote", "moz-cite"))
        if self.hidden or tag in self._HIDDEN or quoted:
            self.hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            while self.hidden and self.hidden.pop() != tag:
                pass
        if tag in self._BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(re.sub(r"\s+", " ", data))


def html_to_text(html: str) -> str:
    """The words of an HTML page, in lines."""
    parser = _Plain()
    try:
        parser.feed(html[: LONGEST * 20])
        parser.close()
    except (AssertionError, ValueError):  # declarations that the library's parser does not know
        pass
    lines = (" ".join(line.split()) for line in "".join(parser.found).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
