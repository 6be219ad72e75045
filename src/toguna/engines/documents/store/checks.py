"""What a file really is, and whether the town takes it. The name and what the browser says of it count for nothing."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from toguna.kernel.heavy import Heavy

pikepdf: Any = Heavy("pikepdf")

PDF = "application/pdf"
_IMAGES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
_OFFICE = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_OPEN = {"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet"}
ENDINGS = {
    PDF: "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/tiff": "tif",
    _OFFICE["word/document.xml"]: "docx",
    _OFFICE["xl/workbook.xml"]: "xlsx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}
_PIXELS = 120_000_000  # an A3 sheet at 600 dpi is 70 million
_PAGES, _OBJECTS = 3000, 300_000
_UNPACKED, _ENTRIES = 200 << 20, 5000
_ACTING = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/RichMediaExecute"}
_CARRYING = ("/JS", "/EmbeddedFiles", "/XFA", "/RichMediaContent", "/EF")


class Refused(Exception):
    """The file is not taken. str() says why and what to do, in the language of whoever brings it."""


def checked(path: Path) -> tuple[str, int]:
    """(type, pages). Raises Refused."""
    with path.open("rb") as file:
        head = file.read(1024)
    if not head:
        raise Refused(_("This file is empty. Choose another one."))
    if head.startswith(b"PK\x03\x04"):
        return _office(path), 1
    # A file that is two things at once (a picture that is also an archive) is made to deceive.
    if zipfile.is_zipfile(path) or (b"%PDF-" in head and not head.startswith(b"%PDF-")):
        raise Refused(_("This file hides another one. Save or scan it again, then send the new one."))
    return _pdf(path) if head.startswith(b"%PDF-") else _image(path)


def _pdf(path: Path) -> tuple[str, int]:
    broken = Refused(_("This PDF is damaged or incomplete. Open it, save it again, then send the new one."))
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2048))
        if b"%%EOF" not in file.read():
            raise broken
    try:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
            if not pages:
                raise broken
            if pages > _PAGES or len(pdf.objects) > _OBJECTS:
                raise Refused(_("This PDF is too long. Send it in several parts."))
            if any(_acts(one) for one in pdf.objects):
                raise Refused(
                    _("This PDF carries a program or another file. Print it to a new PDF, then send the new one.")
                )
            return PDF, pages
    except pikepdf.PasswordError:
        raise Refused(_("This PDF is locked by a password. Remove the password, then send it again.")) from None
    except (pikepdf.PdfError, ValueError, RuntimeError):
        raise broken from None


def _acts(root: Any) -> bool:
    """Whether an object, without those it points to (each comes in its turn), does something when it is opened."""
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            inside = list(one)
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            if any(key in one for key in _CARRYING) or str(one.get("/S", "")) in _ACTING:
                return True
            inside = [one[key] for key in one.keys()]  # noqa: SIM118 (a stream gives bytes when it is iterated)
        else:
            continue
        waiting += [value for value in inside if isinstance(value, pikepdf.Object) and not value.is_indirect]
    return False


def _image(path: Path) -> tuple[str, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=tuple(_IMAGES)) as image:
                kind, pages = _IMAGES[image.format or ""], getattr(image, "n_frames", 1)
                if image.width * image.height > _PIXELS or pages > _PAGES:
                    raise Image.DecompressionBombError
                image.load()  # every line of it is read: a picture cut short is found here
                return kind, pages
    except UnidentifiedImageError:
        raise Refused(_("The town cannot read this kind of file. Send a PDF, a photo or a text document.")) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(_("This picture is too large. Send a smaller one.")) from None
    except Exception:  # a picture may break its decoder in any way
        raise Refused(_("This picture is damaged. Take it again, then send the new one.")) from None


def _office(path: Path) -> str:
    unknown = Refused(_("The town cannot read this kind of file. Send a PDF, a photo or a text document."))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if len(entries) > _ENTRIES or sum(entry.file_size for entry in entries) > _UNPACKED:
                raise Refused(_("This document is too large once it is opened. Send it as a PDF."))
            if any(n.endswith("vbaProject.bin") or n.startswith(("Basic/", "Scripts/")) for n in names):
                raise Refused(_("This document carries a program (macros). Send it as a PDF."))
            for name, kind in _OFFICE.items():
                if name in names:
                    return kind
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    said = file.read(200).decode("ascii", "replace")
                if said in _OPEN:
                    return said
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError):
        raise unknown from None
    raise unknown
