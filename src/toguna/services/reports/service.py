"""The service `reports`: somebody sees something wrong in the town, and the right team hears of it."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseAnswered, CaseData, CaseMoved, CaseOpened, CaseReplied
from toguna.engines.channels.api import Leaving, Subscribable
from toguna.engines.people.api import Erasure, FrontAction, PersonalData
from toguna.kernel import text
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission, Subjects
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Api, DeskBlock, HomeBlock, Page, Urls
from toguna.services.reports import (
    alarms,
    browsers,
    commands,
    demo,
    figures,
    flooding,
    forgetting,
    layers,
    mailbox,
    open_data,
    pictures,
    roads,
    starter,
    topics,
    views,
)
from toguna.services.reports.around import alerts
from toguna.services.reports.asking import starter as asking_starter
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.asking.topics import question_topics
from toguna.services.reports.bodies import actions as bodies
from toguna.services.reports.bodies import polling
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import views as desk_views

WORKERS = frozenset({AGENT, MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="reports",
    section="requests",
    title=_("Reports"),
    provides=(
        REPORT,
        QUESTION,
        Permission("reports.read", _("See reports in the back office"), WORKERS | {READER}),
        Permission("reports.handle", _("Work on reports"), WORKERS),
        Permission("reports.assign", _("Give reports to a team or a person, and answer"), WORKERS),
        Permission("reports.export", _("Take reports away: CSV, Excel, PDF"), WORKERS),
        Permission("reports.moderate", _("Hide words and photos, and cover what should not be seen"), frozenset({MANAGER, ADMINISTRATOR})),
        Permission("reports.answer", _("Answer questions to the town"), WORKERS),
        Permission("reports.set_up", _("Change the categories of reports, and who gets them"), frozenset({MANAGER, ADMINISTRATOR})),
        Subjects("reports", _("Category"), lambda: [(t.slug, text.pick(t.names)) for t in (*topics.topics(), *question_topics())]),
        Page("report-choose", _("Report a problem"), "report", "report-choose", where=("home", "nav"), order=10,
             summary=_("A pothole, a broken lamp, waste: tell us, with or without a name.")),
        Page("report-follow", _("Follow my report"), "follow", "report-follow", where=("home",), order=20,
             summary=_("With the code that you were given.")),
        Page("reports", _("What was reported"), "list", "reports", where=("home", "nav"), order=30,
             summary=_("All reports of the town, and what was done.")),
        Page("desk-reports", _("Reports"), "report", "desk-reports", where=("desk",), permission="reports.read", order=10),
        FrontAction("reports.new", _("Type a report for somebody"), "desk-report-new", "reports.handle", icon="report", order=10),
        *commands.COMMANDS,
        alarms.ON_ALARM,
        mailbox.REPORTS,
        pictures.BOX,
        flooding.FLOODING,
        flooding.RISK,
        Subscribable("category", _("Works on what is reported"), lambda: [(t.slug, text.pick(t.names)) for t in topics.topics() if t.active]),
        Reaction(CaseOpened, flooding.on_opened),
        roads.ROADS,
        Reaction(CaseMoved, roads.on_moved),
        Reaction(CaseOpened, pictures.on_opened),
        Reaction(CaseMoved, browsers.on_moved),
        Reaction(CaseReplied, browsers.on_replied),
        *figures.MEASURES,
        open_data.REPORTS,
        layers.PUBLIC,
        DeskBlock("reports", _("Reports"), "reports.read", desk_views.numbers, order=10),
        HomeBlock("reports-lately", "reports/lately.html", views.lately, order=10),
        Urls("reports-around", "", "toguna.services.reports.around.urls"),  # before "reports/CODE"
        CaseData("reports", forgetting.forget),
        Page("desk-moderation", _("Moderation"), "lock", "desk-moderation", where=("desk",), permission="reports.moderate", order=60),
        Page("desk-setup", _("Categories"), "settings", "desk-setup", where=("desk",), permission="reports.set_up", section="setup", order=70),
        Urls("reports-setup", "desk/setup/", "toguna.services.reports.setup.urls"),
        Urls("reports-moderation", "", "toguna.services.reports.moderation.urls"),
        Page("field", _("My round"), "pin", "field", where=("desk",), permission="reports.handle", order=15),
        Urls("reports-field", "field/", "toguna.services.reports.field.urls"),
        Urls("reports-drafts", "reports/drafts/", "toguna.services.reports.drafts.urls"),
        Urls("reports-stats", "reports/stats/", "toguna.services.reports.stats.urls"),
        Urls("reports", "", "toguna.services.reports.urls"),
        Urls("reports-desk", "desk/reports/", "toguna.services.reports.desk.urls"),
        Page("desk-bodies", _("Other bodies"), "share", "desk-bodies", where=("desk",), permission="reports.set_up", section="setup", order=80),
        Urls("reports-bodies", "desk/bodies/", "toguna.services.reports.bodies.urls"),
        Reaction(CaseOpened, bodies.on_opened),
        Reaction(CaseReplied, bodies.on_replied),
        Reaction(CaseAnswered, bodies.on_answered),
        Reaction(CaseMoved, bodies.on_moved),
        Periodic("reports-bodies", timedelta(minutes=2), polling.sweep),
        Page("around", _("Around you"), "pin", "around", where=("home",), order=40,
             summary=_("Hear of what is reported in your district.")),
        Leaving(alerts.KEY, alerts.leaving),
        Periodic("reports-alerts", timedelta(days=1), alerts.send_digests),
        PersonalData("alerts", alerts.export),
        Erasure("alerts", alerts.forget),
        Page("ask", _("Ask the town hall"), "question", "ask", where=("home", "nav"), order=35,
             summary=_("What people often ask; and your own question.")),
        Page("desk-questions", _("Questions"), "question", "desk-questions", where=("desk",), permission="reports.read", order=20),
        Urls("reports-asking", "", "toguna.services.reports.asking.urls"),
        Starter("questions", asking_starter.load, order=11),
        Urls("open311", "open311/v2/", "toguna.services.reports.open311.urls"),
        Api("reports", "reports", "toguna.services.reports.rest.router"),
        Starter("reports", starter.load, order=10),
        Demo("reports", demo.load, order=50),
    ),
)  # fmt: skip
