"""Static files with hashed names, compressed once, kept by browsers for a year."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    # A page must not fail because a browser library could not be fetched at set-up: the plain name is served instead.
    manifest_strict = False
