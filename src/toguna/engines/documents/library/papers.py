"""Acts on paper (PDF by Typst), and acts out of files that people bring: text, Word, Akoma Ntoso."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from datetime import date
from pathlib import Path

import typst
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override
from lxml import etree

from toguna.engines.documents.library import akn, structure
from toguna.engines.documents.library.structure import Text, Unreadable, grouped
from toguna.engines.documents.models.library import Act
from toguna.kernel import town

LARGEST = 5_000_000  # bytes of a file that is brought
_DRAWING = Path(__file__).parent / "act.typ"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def pdf(act: Act, whole: Text, day: date, state: str, address: str) -> bytes:
    """The act as it stands on that day, in its own language. address: where it is on the web, printed at the foot."""
    with override(act.language):
        about = {
            "language": act.language,
            "town": town.current().name,
            "kind": act.get_kind_display(),
            "reference": act.reference,
            "title": _("%(kind)s no. %(reference)s of %(day)s")
            % {"kind": act.get_kind_display(), "reference": act.reference, "day": date_format(act.signed)},
            "subject": act.subject,
            "body": act.body,
            "state": state,
            "standing": _("Text as it stands on %(day)s") % {"day": date_format(day)},
            "address": address,
            "article": _("Article"),
            "removed": _("(removed)"),
            "preamble": whole.preamble,
            "chapters": [
                {
                    "title": chapter.replace("\n", " – "),
                    "articles": [
                        {
                            "number": a.number,
                            "heading": a.heading,
                            "paragraphs": a.paragraphs,
                            "removed": a.removed,
                        }
                        for a in articles
                    ],
                }
                for chapter, articles in grouped(whole.articles)
            ],
            "closing": whole.closing,
        }
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)  # Typst reads nothing outside it; what people wrote comes as data, never as markup
        shutil.copy(_DRAWING, folder / "main.typ")
        (folder / "data.json").write_text(json.dumps(about), encoding="utf-8")
        return bytes(typst.compile(str(folder / "main.typ"), root=str(folder), format="pdf"))


def bring(name: str, raw: bytes) -> akn.Imported:
    """The act in a file: .txt, .docx, or Akoma Ntoso (.akn, .xml). Raises Unreadable."""
    if len(raw) > LARGEST:
        raise Unreadable(_("This file is larger than %(most)d MB.") % {"most": LARGEST // 1_000_000})
    if raw[:4] == b"PK\x03\x04":
        return akn.Imported(structure.read(_docx(raw)))
    if raw[:5] == b"%PDF-" or raw[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable(_("Bring it as .docx, .txt or .akn. A paper or a PDF goes through the scans."))
    head = raw.lstrip(b"\xef\xbb\xbf \r\n\t")
    if head[:1] == b"<":
        return akn.read(raw)
    return akn.Imported(structure.read(_decoded(raw)))


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(_("This file is no text. Bring it as .docx, .txt or .akn."))


def _docx(raw: bytes) -> str:
    """The paragraphs of a Word file, one a line. Numbers that Word makes by itself are not in the file: they are not here."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            part = archive.getinfo("word/document.xml")
            if part.file_size > 8 * LARGEST:
                raise Unreadable(_("This file is larger than %(most)d MB.") % {"most": LARGEST // 1_000_000})
            inside = archive.read(part)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        root = etree.fromstring(inside, parser)
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unreadable(
            _("This file cannot be read as a Word document. Save it as .docx again, or as text.")
        ) from error
    lines = []
    for paragraph in root.iter(f"{_WORD}p"):
        words = ""
        for node in paragraph.iter(f"{_WORD}t", f"{_WORD}tab", f"{_WORD}br", f"{_WORD}noBreakHyphen"):
            kind = etree.QName(node).localname
            words += node.text or "" if kind == "t" else {"br": "\n", "tab": " "}.get(kind, "-")
        lines.append(words)
    return "\n".join(lines)
