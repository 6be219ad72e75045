"""`/data/`: the catalogue, a page for each dataset, and the files, streamed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from toguna.engines.opendata.datasets import LICENCES, Dataset, catalogue, dataset
from toguna.engines.opendata.formats import FORMATS, rows
from toguna.kernel import town
from toguna.kernel.web import public

PREVIEW = 10


def files(found: Dataset) -> list[str]:
    return [
        f.extension for f in FORMATS.values() if (found.geometry or not f.geometry) and f.extension != "schema.json"
    ]


@public
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "opendata/index.html", {"rows": [(d, files(d), LICENCES[d.licence]) for d in catalogue()]})


@public
def page(request: HttpRequest, name: str) -> HttpResponse:
    found = dataset(name)
    if found is None:
        raise Http404
    preview = list(rows(replace(found, sql=f"SELECT * FROM ({found.sql}) x LIMIT {PREVIEW}")))
    values = {"dataset": found, "files": files(found), "licence": LICENCES[found.licence], "preview": preview}
    return render(request, "opendata/page.html", values)


@public
def download(request: HttpRequest, name: str, extension: str) -> HttpResponseBase:
    """The file, streamed. An unknown format says which there are."""
    found = dataset(name)
    if found is None:
        raise Http404
    kind = FORMATS.get(extension)
    if kind is None or (kind.geometry and not found.geometry):
        words = _("There is no %(extension)s of this dataset. There are: %(all)s.") % {
            "extension": extension,
            "all": ", ".join(files(found)),
        }
        return HttpResponse(words, status=404, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(kind.write(found, request.GET.dict()), content_type=kind.content)
    response["Content-Disposition"] = f'attachment; filename="{found.name}.{extension}"'
    response["Link"] = f'<{LICENCES[found.licence][1]}>; rel="license"'
    response["Access-Control-Allow-Origin"] = "*"
    return response


@public
def dcat(request: HttpRequest) -> HttpResponse:
    """The catalogue as DCAT (JSON-LD)."""
    base = request.build_absolute_uri("/data/")

    def described(d: Dataset) -> dict[str, Any]:
        return {
            "@type": "dcat:Dataset",
            "@id": f"{base}{d.name}",
            "dct:identifier": d.name,
            "dct:title": str(d.title),
            "dct:description": str(d.description),
            "dct:license": {"@id": LICENCES[d.licence][1]},
            "dcat:keyword": list(d.keywords),
            "dcat:distribution": [
                {
                    "@type": "dcat:Distribution",
                    "dcat:downloadURL": {"@id": f"{base}{d.name}.{extension}"},
                    "dcat:mediaType": FORMATS[extension].content.partition(";")[0],
                    "dct:license": {"@id": LICENCES[d.licence][1]},
                }
                for extension in files(d)
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
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": town.current().name},
        "dcat:dataset": [described(d) for d in catalogue()],
    }
    return JsonResponse(catalog, content_type="application/ld+json", json_dumps_params={"ensure_ascii": False})
