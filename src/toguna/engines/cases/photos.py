"""Pictures sent with a case: checked at the door, drawn anew in a task, shown only when that is done."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from toguna.engines.cases.models import Case, Photo
from toguna.kernel import tasks
from toguna.kernel.access import NOBODY, Actor

MOST_BYTES = 12_000_000
MOST_PIXELS = 60_000_000
SIZES = {"large": 1600, "small": 320}
TYPES = {"JPEG", "PNG", "WEBP", "GIF"}

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class BadPhoto(Exception):
    """Not a picture that can be kept; str() is a sentence for the person."""


def check(data: bytes) -> None:
    """Looks at the head of the file only: type and size, before anything is decoded. Raises BadPhoto."""
    if len(data) > MOST_BYTES:
        raise BadPhoto(
            _("This photo is too large (%(size)d MB at most). Take it again in a smaller size.")
            % {"size": MOST_BYTES // 10**6}
        )
    try:
        with Image.open(io.BytesIO(data), formats=sorted(TYPES)) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise BadPhoto(_("This file is not a photo that we can read. Send a JPEG, PNG or WebP picture.")) from None
    if width * height > MOST_PIXELS or min(width, height) < 16:
        raise BadPhoto(_("This photo is too large or too small. Take it again with your telephone's camera."))


def folder(photo: Photo) -> Path:
    """Where its files are: never served as files, always through a view that checks access."""
    name = str(photo.public_id)
    return Path(settings.MEDIA_ROOT) / "photos" / name[:2] / name


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def after(by: Actor) -> str:
    """What a picture sent with a change of state shows: the team's, how it is now; the reporter's, what they report."""
    return Photo.Moment.AFTER if by.staff else Photo.Moment.REPORT


def add(case: Case, data: bytes, *, moment: str = Photo.Moment.REPORT, by: Actor = NOBODY) -> Photo | None:
    """Keeps a picture with a case, in the caller's transaction. The same picture twice is kept once. Raises BadPhoto."""
    check(data)
    digest = digest_of(data)
    if Photo.objects.filter(case=case, digest=digest).exists():
        return None
    photo = Photo(case=case, digest=digest, moment=moment, account=by.account)
    place = folder(photo)
    place.mkdir(parents=True, exist_ok=True)
    # The file first, then the row: a power cut between the two leaves a file that nobody sees, never a row without one.
    temporary = place / "original.part"
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place / "original")
    photo.save(force_insert=True)
    tasks.defer(draw, photo=photo.pk)
    return photo


@tasks.task
def draw(photo: int) -> None:
    """Draws the sizes that are shown, without EXIF, and removes the original."""
    with transaction.atomic():
        row = Photo.objects.select_for_update().filter(pk=photo).first()
        if row is None or row.state != Photo.State.WAITING:
            return
        place = folder(row)
        try:
            with Image.open(place / "original", formats=sorted(TYPES)) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                for name, size in SIZES.items():
                    drawn = upright.copy()
                    drawn.thumbnail((size, size))
                    drawn.save(place / f"{name}.part", "JPEG", quality=78, optimize=True, progressive=True)
                    (place / f"{name}.part").replace(place / f"{name}.jpg")
            row.state = Photo.State.READY
        except (OSError, ValueError, Image.DecompressionBombError):
            row.state = Photo.State.REFUSED  # its head was a picture's, its body was not
        row.save(update_fields=["state"])
    (place / "original").unlink(missing_ok=True)
