"""Pictures sent with a case: checked at the door, drawn anew in a task, shown only when that is done."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from toguna.engines.cases.models import Case, Photo
from toguna.kernel import tasks
from toguna.kernel.access import NOBODY, Actor

MOST_BYTES = 12_000_000
MOST_PIXELS = 60_000_000
SIZES = {"large": 1600, "small": 320}
TYPES = {"JPEG", "PNG", "WEBP", "GIF"}
COVER = (38, 38, 38)
BLOCK = 16  # pixels: a JPEG smears what it shows over such a square, so one that is half covered is covered whole
LEFT_AFTER = 24 * 3600  # seconds: a folder without a row is then no longer one that is being made

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares (0 to 1) of the picture

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


def root() -> Path:
    return Path(settings.MEDIA_ROOT) / "photos"


def folder(photo: Photo) -> Path:
    """Where its files are: never served as files, always through a view that checks access."""
    return _folder(photo.public_id)


def _folder(public_id: uuid.UUID) -> Path:
    name = str(public_id)
    return root() / name[:2] / name


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
    _write(place / "original", data)
    photo.save(force_insert=True)
    tasks.defer(draw, photo=photo.pk)
    return photo


def _write(path: Path, data: bytes) -> None:
    """The whole file or none, and on the disk before this returns."""
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # on a full disk, half a photo must not take what room is left
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(path)
    shelf = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(shelf)  # its name too
    finally:
        os.close(shelf)


def _draw_sizes(picture: Image.Image, place: Path) -> None:
    """The pixels and nothing else: no EXIF, no profile, no thumbnail. The largest first: each is drawn from the one before."""
    drawn = Image.new("RGB", picture.size)
    drawn.paste(picture)
    for name, size in SIZES.items():
        encoded = io.BytesIO()
        drawn.thumbnail((size, size))
        drawn.save(encoded, "JPEG", quality=78, optimize=True, progressive=True)
        _write(place / f"{name}.jpg", encoded.getvalue())


@tasks.task
def draw(photo: int) -> None:
    """Draws the sizes that are shown, without EXIF, and removes the original."""
    with transaction.atomic():
        row = Photo.objects.select_for_update().filter(pk=photo).first()
        if row is None:
            return
        place = folder(row)
        if row.state == Photo.State.WAITING:
            try:
                with Image.open(place / "original", formats=sorted(TYPES)) as picture:
                    _draw_sizes(ImageOps.exif_transpose(picture).convert("RGB"), place)
                row.state = Photo.State.READY
            except (OSError, ValueError, Image.DecompressionBombError):
                row.state = Photo.State.REFUSED  # its head was a picture's, its body was not
            row.save(update_fields=["state"])
    (place / "original").unlink(missing_ok=True)  # also on a second run, after a power cut just before this line


def cover(photo: Photo, boxes: Sequence[Box]) -> None:
    """Covers parts of a ready photo, in the caller's transaction, its row being locked. The picture gets another
    public_id: its former address answers 404 as soon as that is committed, and its former files are removed.

    New files, then the row, then the old files: whenever the power goes, one picture is reachable, and never the old one
    once the new one is."""
    old, photo.public_id = photo.public_id, uuid.uuid4()
    place = folder(photo)
    place.mkdir(parents=True)
    with Image.open(_folder(old) / "large.jpg", formats=["JPEG"]) as picture:
        covered = picture.convert("RGB")
    _paint(covered, boxes)
    _draw_sizes(covered, place)
    photo.redacted = True
    photo.save(update_fields=["public_id", "redacted"])
    discard_files([old])


def _paint(picture: Image.Image, boxes: Sequence[Box]) -> None:
    pen = ImageDraw.Draw(picture)
    for left, top, right, bottom in boxes:
        pen.rectangle(
            (
                int(left * picture.width) // BLOCK * BLOCK,
                int(top * picture.height) // BLOCK * BLOCK,
                -(-math.ceil(right * picture.width) // BLOCK) * BLOCK - 1,
                -(-math.ceil(bottom * picture.height) // BLOCK) * BLOCK - 1,
            ),
            fill=COVER,
        )


def discard_files(public_ids: Iterable[uuid.UUID]) -> None:
    """Removes the files of photos as soon as the caller's transaction is committed; if the power goes just then, when it is
    back (the job is part of the transaction)."""
    gone = [str(public_id) for public_id in public_ids]
    tasks.defer_many(discard, tasks.Lane.TRANSACTIONAL, [{"public_id": name} for name in gone])
    for name in gone:
        transaction.on_commit(partial(_remove, name), robust=True)


def _remove(public_id: str) -> None:
    place = _folder(uuid.UUID(public_id))
    shutil.rmtree(place, ignore_errors=True)
    if place.exists():
        raise OSError(f"{place} cannot be removed: look at its owner and its rights")


@tasks.task
def discard(public_id: str) -> None:
    """Removes the files of a photo that no row names any more."""
    if not Photo.objects.filter(public_id=public_id).exclude(state=Photo.State.REFUSED).exists():
        _remove(public_id)


def sweep() -> None:
    """Removes what a power cut left: folders of no photo, a day after they were made, and originals of drawn photos."""
    before = time.time() - LEFT_AFTER
    for shelf in root().glob("??"):
        old = {place.name: place for place in shelf.iterdir() if place.stat().st_mtime < before}
        names = [name for name in old if _is_uuid(name)]
        states = {str(k): v for k, v in Photo.objects.filter(public_id__in=names).values_list("public_id", "state")}
        for name, place in old.items():
            if name not in states:
                shutil.rmtree(place, ignore_errors=True)
            elif states[name] != Photo.State.WAITING:
                (place / "original").unlink(missing_ok=True)


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
