"""Answers in what a browser sends. A question's field is named "f:" and its key: "f:children.0.name"."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _
from PIL import Image, ImageDraw, ImageFont

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions, values
from toguna.engines.forms.definition import MEDIA, Definition, Item
from toguna.engines.forms.models import Filling
from toguna.engines.territory import api as territory
from toguna.kernel import text
from toguna.kernel.access import Actor

PREFIX = "f:"
MOST_DRAWN = 400_000  # characters of base64: a signature is some 10 kB
Key = tuple[str | int, ...]


@dataclass
class Given:
    """answers: of the first level, to be saved; wrong: {key: sentence} of what is no answer; typed: what was written there,
    to be shown again; places: {key: [(words, "lat, lon")]} where what was typed means several."""

    answers: dict[str, Any]
    wrong: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    places: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def read(
    request: HttpRequest, form: Definition, filling: Filling, items: Sequence[Item], *, by: Actor, language: str
) -> Given:
    """The answers to the questions of these items. What was not sent stays as it is: it was not shown."""
    tops = {item.name for item in items}
    given = Given({name: deepcopy(filling.values[name]) for name in tops if name in filling.values})
    sent = [name for name in (*request.POST, *request.FILES) if name.startswith(PREFIX)]
    for key in dict.fromkeys(key_of(name) for name in sent):  # a question has several fields sometimes; it is read once
        item = form.by_path.get(tuple(step for step in key if isinstance(step, str)))
        if item is None or key[0] not in tops or not item.asked or item.read_only:
            continue
        try:
            if item.kind in MEDIA:
                value = _file(request, filling, item, key, by)
                if value == "":
                    continue
            else:
                value = _value(request, item, key, given, language)
        except (values.Wrong, actions.Refused, documents.FileRefused) as error:
            given.wrong[_dotted(key)] = str(error)
            given.typed[_dotted(key)] = request.POST.get(PREFIX + _dotted(key), "")[:1000]
        else:
            _put(given.answers, key, value)
    for name in tops:
        given.answers.setdefault(name, None)
    return given


def _dotted(key: Key) -> str:
    return ".".join(map(str, key))


def key_of(name: str) -> Key:
    """ "f:a.0.b:drop" is ("a", 0, "b")."""
    dotted = name.removeprefix(PREFIX).partition(":")[0]
    return tuple(int(one) if one.isdecimal() and len(one) < 5 else one for one in dotted.split(".")[:16])


def _value(request: HttpRequest, item: Item, key: Key, given: Given, language: str) -> Any:
    name = PREFIX + _dotted(key)
    typed = request.POST.getlist(name)
    if item.kind == "rank":
        places = {
            other.removeprefix(f"{name}:"): request.POST[other]
            for other in request.POST
            if other.startswith(f"{name}:")
        }
        ordered = sorted((int(n), choice) for choice, n in places.items() if n.isdecimal() and len(n) < 4)
        typed = [choice for _n, choice in ordered]
    if item.kind == "geopoint":
        picked = request.POST.get(f"{name}:pick", "")
        words = text.clean(picked or (typed[0] if typed else ""))
        try:
            return values.clean(item, [words], language)
        except values.Wrong:
            return _geocoded(item, words, _dotted(key), given, language)
    return values.clean(item, typed, language)


def _geocoded(item: Item, words: str, key: str, given: Given, language: str) -> Any:
    """A landmark, a street, a plus code: the place it means, or those among which to choose."""
    hits = territory.geocode(words, language=language or None, limit=6)
    if hits and (hits[0].sure or len(hits) == 1):
        return [hits[0].lon, hits[0].lat]
    if not hits:
        raise values.Wrong(_("We do not know this place. Write a landmark, a street or a district near it."))
    given.places[key] = [(str(hit), f"{hit.lat:.6f}, {hit.lon:.6f}") for hit in hits]
    raise values.Wrong(_("Several places have this name: choose one."))


def _file(request: HttpRequest, filling: Filling, item: Item, key: Key, by: Actor) -> str | None:
    """The id of a file that was sent, drawn or signed; None to take it away; "" for nothing new."""
    name = PREFIX + _dotted(key)
    sent = request.FILES.get(name)
    if isinstance(sent, UploadedFile):
        return actions.keep_file(filling, sent, sent.name or "file", by=by, code=filling.code)
    if drawn := request.POST.get(f"{name}:drawn", ""):
        return actions.keep_file(filling, _drawing(drawn), "signature.png", by=by, code=filling.code)
    if item.kind == "signature" and (signed := text.clean(request.POST.get(f"{name}:name", ""))[:80]):
        return actions.keep_file(filling, _written(signed), "signature.png", by=by, code=filling.code)
    return None if request.POST.get(f"{name}:drop") else ""


def _drawing(data: str) -> io.BytesIO:
    head, _comma, body = data.partition(",")
    if head != "data:image/png;base64" or len(body) > MOST_DRAWN:
        raise values.Wrong(_("This signature could not be read. Draw it again."))
    try:
        return io.BytesIO(base64.b64decode(body, validate=True))
    except binascii.Error as error:
        raise values.Wrong(_("This signature could not be read. Draw it again.")) from error


def _written(name: str) -> io.BytesIO:
    """A signature without a pen: the name, as somebody typed it, as a picture."""
    picture = Image.new("L", (900, 200), 255)
    draw = ImageDraw.Draw(picture)
    draw.text((30, 70), name, fill=0, font=ImageFont.load_default(48))
    draw.line((30, 150, 870, 150), fill=120, width=2)
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    kept.seek(0)
    return kept


def _put(answers: dict[str, Any], key: Key, value: Any) -> None:
    """Writes an answer at its place; None takes it away. Rows that are not there yet are made, one after the other."""
    here: Any = answers
    for step, after in pairwise(key):
        if isinstance(here, list):
            if not isinstance(step, int) or step >= values.MOST_INSTANCES:
                return
            while len(here) <= step:
                here.append({})
            here = here[step]
            continue
        empty: Any = [] if isinstance(after, int) else {}
        if here.get(step) is None or not isinstance(here[step], type(empty)):
            here[step] = empty
        here = here[step]
    last = key[-1]
    if not isinstance(here, dict) or not isinstance(last, str):
        return
    if value is None:
        here.pop(last, None)
    else:
        here[last] = value


def add(answers: dict[str, Any], key: Key) -> None:
    """One more row in a list."""
    rows: Any = _rows(answers, key, make=True)
    if isinstance(rows, list) and len(rows) < values.MOST_INSTANCES:
        rows.append({})


def remove(answers: dict[str, Any], key: Key, number: int) -> None:
    rows = _rows(answers, key, make=False)
    if isinstance(rows, list) and 0 <= number < len(rows):
        rows.pop(number)


def _rows(answers: dict[str, Any], key: Key, *, make: bool) -> Any:
    here: Any = answers
    for step in key[:-1]:
        if isinstance(here, list):
            here = here[step] if isinstance(step, int) and step < len(here) else None
        elif isinstance(here, dict):
            if make and here.get(step) is None:
                here[step] = {}
            here = here.get(step)
    if not isinstance(here, dict):
        return None
    if make and not isinstance(here.get(key[-1]), list):
        here[key[-1]] = []
    return here.get(key[-1])


def place(form: Definition, dotted: str) -> Key | None:
    """The key of a list that a button names; None when there is none of that name."""
    key = key_of(dotted)
    item = form.by_path.get(tuple(step for step in key if isinstance(step, str)))
    return key if item is not None and item.kind == "repeat" else None
