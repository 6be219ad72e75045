"""The service `reports`: somebody sees something wrong in the town, and the right team hears of it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseData
from toguna.kernel import text
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission, Subjects
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.web import Api, HomeBlock, Page, Urls
from toguna.services.reports import commands, demo, figures, forgetting, layers, open_data, starter, topics, views
from toguna.services.reports.casetype import REPORT

WORKERS = frozenset({AGENT, MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="reports",
    title=_("Reports"),
    provides=(
        REPORT,
        Permission("reports.read", _("See reports in the back office"), WORKERS | {READER}),
        Permission("reports.handle", _("Work on reports"), WORKERS),
        Permission("reports.assign", _("Give reports to a team or a person, and answer"), WORKERS),
        Permission("reports.export", _("Take reports away: CSV, Excel, PDF"), WORKERS),
        Permission("reports.moderate", _("Hide words and photos, and cover what should not be seen"), frozenset({MANAGER, ADMINISTRATOR})),
        Permission("reports.set_up", _("Change the categories of reports, and who gets them"), frozenset({MANAGER, ADMINISTRATOR})),
        Subjects("reports", _("Category"), lambda: [(t.slug, text.pick(t.names)) for t in topics.topics()]),
        Page("report-choose", _("Report a problem"), "report", "report-choose", where=("home", "nav"), order=10,
             summary=_("A pothole, a broken lamp, waste: tell us, with or without a name.")),
        Page("report-follow", _("Follow my report"), "follow", "report-follow", where=("home",), order=20,
             summary=_("With the code that you were given.")),
        Page("reports", _("What was reported"), "list", "reports", where=("home", "nav"), order=30,
             summary=_("All reports of the town, and what was done.")),
        Page("desk-reports", _("Reports"), "report", "desk-reports", where=("desk",), permission="reports.read", order=10),
        *commands.COMMANDS,
        *figures.MEASURES,
        open_data.REPORTS,
        layers.PUBLIC,
        HomeBlock("reports-lately", "reports/lately.html", views.lately, order=10),
        Urls("reports", "", "toguna.services.reports.urls"),
        CaseData("reports", forgetting.forget),
        Page("desk-moderation", _("Moderation"), "lock", "desk-moderation", where=("desk",), permission="reports.moderate", order=60),
        Page("desk-setup", _("Categories"), "settings", "desk-setup", where=("desk",), permission="reports.set_up", order=70),
        Urls("reports-setup", "desk/setup/", "toguna.services.reports.setup.urls"),
        Urls("reports-moderation", "", "toguna.services.reports.moderation.urls"),
        Page("field", _("My round"), "pin", "field", where=("desk",), permission="reports.handle", order=15),
        Urls("reports-field", "field/", "toguna.services.reports.field.urls"),
        Urls("reports-desk", "desk/reports/", "toguna.services.reports.desk.urls"),
        Urls("open311", "open311/v2/", "toguna.services.reports.open311"),
        Api("reports", "reports", "toguna.services.reports.rest.router"),
        Starter("reports", starter.load, order=10),
        Demo("reports", demo.load, order=50),
    ),
)  # fmt: skip
