"""What `opendata` declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata import ground
from toguna.engines.opendata.datasets import DatasetSource
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls

SERVICE = Service(
    name="opendata",
    section="territory",
    provides=(
        DatasetSource("ground", ground.datasets),
        Page(
            "data",
            _("Open data"),
            "data",
            "data",
            where=("home",),
            order=70,
            summary=_("The town's files, for everyone to reuse."),
        ),
        Urls("opendata", "", "toguna.engines.opendata.urls"),
    ),
)
