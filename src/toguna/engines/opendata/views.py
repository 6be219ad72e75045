"""`/data/`: the catalogue, a page for each dataset, and the files, streamed."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.opendata.datasets import LICENCES, Dataset, catalogue
from toguna.engines.opendata.formats import FORMATS, Format, plain, rows, squeezed
from toguna.kernel import access, audit, town
from toguna.kernel.web import Request, public

PREVIEW = 10
SAMPLE = 200  # rows by which the sizes of the files are told
SHORT = 4 << 20  # bytes, as sent
LONG_AT_ONCE = 2  # in each process of the web server, which has four threads
_long = threading.BoundedSemaphore(LONG_AT_ONCE)


def _files(found: Dataset) -> list[Format]:
    """The formats in which a dataset comes out."""
    return [f for f in FORMATS.values() if (found.geometry or not f.geometry) and not f.describes]


@public
def index(request: Request) -> HttpResponse:
    shown = [(d, _files(d), LICENCES[d.licence]) for d in catalogue(request.actor)]
    return render(request, "opendata/index.html", {"rows": shown})


@dataclass(frozen=True)
class _Sized:
    """A file to download. size: bytes, about; None where only making it would tell."""

    extension: str
    size: int | None


def _sizes(found: Dataset) -> tuple[list[Any], int, list[_Sized]]:
    """The first rows, how many there are, and about how large each file is: a sample, and what the planner expects of
    the rest. Nobody waits for a million rows to be counted."""
    sample = replace(found, sql=f"SELECT * FROM ({found.sql}) x LIMIT {SAMPLE}")
    some = list(rows(sample))
    count = len(some)
    if count == SAMPLE:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {found.sql}", list(found.params) or None)
            plan = cursor.fetchone()[0]
        plan = json.loads(plan) if isinstance(plan, str) else plan
        count = max(count, int(plan[0]["Plan"]["Plan Rows"]))
    sizes = [
        _Sized(f.extension, sum(map(len, f.write(sample, {}))) * count // max(1, len(some)) if f.text else None)
        for f in _files(found)
    ]
    return some[:PREVIEW], count, sizes


@public
def page(request: Request, name: str) -> HttpResponse:
    found = _dataset(request, name)
    if found is None:
        return _missing(request, name)
    preview, count, sizes = _sizes(found)
    moved = found.moves()
    values = {
        "dataset": found,
        "files": sizes,
        "licence": LICENCES[found.licence],
        "preview": [[plain(v) for v in row] for row in preview],
        "count": count,
        "exact": count < SAMPLE,
        "changed": moved if isinstance(moved, datetime) else None,
    }
    return render(request, "opendata/page.html", values)


@public
def download(request: Request, name: str, extension: str) -> HttpResponseBase:
    """The file, streamed. An unknown format says which there are."""
    found = _dataset(request, name)
    if found is None:
        return _missing(request, name)
    kind = FORMATS.get(extension)
    if kind is None or (kind.geometry and not found.geometry):
        words = _("There is no %(extension)s of this dataset. There are: %(all)s.") % {
            "extension": extension,
            "all": ", ".join(f.extension for f in _files(found)),
        }
        return HttpResponse(words, status=404, content_type="text/plain; charset=utf-8")
    moved = found.moves()
    etag = _etag(found, kind, request, moved) if moved is not None else None
    seconds = int(moved.timestamp()) if isinstance(moved, datetime) else None
    unchanged = get_conditional_response(request, etag, seconds) if etag or seconds else None
    if unchanged is not None:
        return unchanged
    if found.permission:
        audit.record(request.actor, "opendata.download", f"opendata.dataset:{found.name}", format=extension)
    chunks = kind.write(found, request.GET.dict())
    squeeze = "gzip" in request.headers.get("Accept-Encoding", "")
    response = _body(request, squeezed(chunks) if squeeze else chunks)
    if response.status_code != 200:
        return response
    response["Content-Type"] = kind.content
    if squeeze:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    response["Content-Disposition"] = f'attachment; filename="{found.name}.{extension}"'
    response["Link"] = f'<{LICENCES[found.licence][1]}>; rel="license"'
    if not found.permission:
        response["Access-Control-Allow-Origin"] = "*"
    if etag:
        response["ETag"] = etag
    if seconds:
        response["Last-Modified"] = http_date(seconds)
    return response


def _body(request: HttpRequest, chunks: Iterator[bytes]) -> HttpResponseBase:
    """The file as it comes. What is short goes out in one piece, and the server sends it at the reader's pace while this
    thread does other work; what is long holds a thread until its last byte, so only a few are sent at a time.

    The first pieces are made before anything is said: a failure there is a page that says so, not half a file."""
    held, size = [], 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size > SHORT:
            break
    else:
        return HttpResponse(b"".join(held))
    if not _long.acquire(blocking=False):
        response = render(request, "opendata/busy.html", status=503)
        response["Retry-After"] = "300"
        return response
    stream = _streamed(held, chunks)
    next(stream)  # it has begun: however it ends, it gives its place back
    return StreamingHttpResponse(stream)


def _streamed(held: list[bytes], chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield b""
        while held:
            yield held.pop(0)
        yield from chunks
    finally:
        _long.release()


def _etag(found: Dataset, kind: Format, request: HttpRequest, moved: Any) -> str:
    said = f"{found.name}.{kind.extension}?{request.GET.urlencode()} {get_language()} {moved}"
    return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:20]}"'


def _dataset(request: Request, name: str) -> Dataset | None:
    """The dataset of that name; Denied where it is not for this actor."""
    found = next((d for d in catalogue(access.SYSTEM) if d.name == name), None)
    if found is not None and found.permission:
        access.require(request.actor, found.permission, anywhere=True)
    return found


def _missing(request: Request, name: str) -> HttpResponse:
    """Says which datasets have a name like it."""
    known = {d.name: d for d in catalogue(request.actor)}
    near = [known[n] for n in get_close_matches(name, known, n=3, cutoff=0.5)]
    return render(request, "opendata/missing.html", {"name": name, "near": near}, status=404)


@public
def dcat(request: Request) -> HttpResponse:
    """The catalogue as DCAT (JSON-LD), for harvesters: what everyone may have."""
    base = request.build_absolute_uri("/data/")
    language = get_language() or ""
    publisher = {"@type": "foaf:Agent", "foaf:name": town.current().name}

    def described(d: Dataset) -> dict[str, Any]:
        licence = {"@id": LICENCES[d.licence][1]}
        moved = d.moves()
        changed = {"dct:modified": moved.isoformat(timespec="seconds")} if isinstance(moved, datetime) else {}
        return {
            "@type": "dcat:Dataset",
            "@id": f"{base}{d.name}",
            "dct:identifier": d.name,
            "dct:title": {"@value": str(d.title), "@language": language},
            "dct:description": {"@value": str(d.description), "@language": language},
            "dct:publisher": publisher,
            "dct:license": licence,
            "dcat:landingPage": {"@id": f"{base}{d.name}"},
            "dcat:keyword": list(d.keywords),
            **changed,
            "dcat:distribution": [
                {
                    "@type": "dcat:Distribution",
                    "dct:title": f.extension.upper(),
                    "dcat:accessURL": {"@id": f"{base}{d.name}"},
                    "dcat:downloadURL": {"@id": f"{base}{d.name}.{f.extension}"},
                    "dcat:mediaType": f.content.partition(";")[0],
                    "dct:conformsTo": {"@id": f"{base}{d.name}.schema.json"},
                    "dct:license": licence,
                }
                for f in _files(d)
            ],
        }

    catalog = {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
        },
        "@type": "dcat:Catalog",
        "@id": base,
        "dct:title": town.current().name,
        "dct:publisher": publisher,
        "dcat:dataset": [described(d) for d in catalogue(access.NOBODY)],
    }
    response = JsonResponse(catalog, content_type="application/ld+json", json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response
