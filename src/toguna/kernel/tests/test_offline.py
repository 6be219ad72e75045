"""What a page without network sends when it is back."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.utils import translation

from toguna.kernel import offline
from toguna.kernel.access import Actor

LARGEST = 2_000_000


@pytest.mark.parametrize(
    ("account", "sent", "status", "words"),
    [
        ("7", {"photo": SimpleUploadedFile("a.jpg", b"x" * LARGEST)}, 200, ""),
        ("7", {"photo": SimpleUploadedFile("a.jpg", b"x" * (LARGEST + 1))}, 413, "too large (2 MB at most)"),
        ("7", {"photo": "no file"}, 400, "Choose a photo first"),
        ("8", {"photo": SimpleUploadedFile("a.jpg", b"x")}, 403, "another account's"),
        ("", {"photo": SimpleUploadedFile("a.jpg", b"x")}, 403, "another account's"),
    ],
)
def test_a_photo_is_taken_or_it_is_said_why_not(rf, account, sent, status, words):
    request = rf.post("/", {"account": account, **sent})
    request.actor = Actor(account=7)
    with translation.override("en"):
        found = offline.photo(request, LARGEST)
    if status == 200:
        assert not isinstance(found, HttpResponse) and len(found.read()) == LARGEST
    else:
        assert found.status_code == status and words in json.loads(found.content)["says"]
