"""A page that works without network: its service worker and what makes it an app on a telephone.

The worker keeps the page and its files, nothing else: what belongs to people is in the page's own store (site/static/offline.js).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import get_language

FRAME = ("toguna.css", "toguna.js", "offline.js", "icon.svg")


def worker(
    request: HttpRequest, name: str, page: str, files: Sequence[str], *, scope: str, within: bool = False
) -> HttpResponse:
    """The service worker of `page`. name: of its cache, which no other page's may begin with; files: static ones, besides those of
    every page; within: without network `page` opens in the place of every page under the scope, and reads its address. Its text changes when one of the files does, so telephones fetch them again."""
    kept = [*map(static, (*FRAME, *files)), "/town.css"]
    version = hashlib.sha256(json.dumps([kept, get_language()]).encode()).hexdigest()[:8]
    values = {
        name: json.dumps(value) for name, value in (("files", kept), ("name", name), ("page", page), ("within", within))
    }
    response = render(request, "offline-worker.js", {**values, "version": version}, content_type="text/javascript")
    response["Service-Worker-Allowed"] = scope
    response["Cache-Control"] = "no-cache"
    return response


def manifest(name: str, short: str, *, start: str, scope: str) -> HttpResponse:
    """https://www.w3.org/TR/appmanifest/"""
    values: dict[str, Any] = {
        "name": name, "short_name": short, "lang": get_language(), "start_url": start, "scope": scope,
        "display": "standalone", "theme_color": "#1f2a5c", "background_color": "#ffffff",
        "icons": [{"src": static("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }  # fmt: skip
    return JsonResponse(values, content_type="application/manifest+json")
