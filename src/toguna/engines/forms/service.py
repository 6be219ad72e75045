"""What `forms` declares: each of its rooms brings its own."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions
from toguna.engines.forms.builder import declared as builder
from toguna.engines.forms.desk import declared as desk
from toguna.engines.forms.field import declared as field
from toguna.engines.forms.openrosa import declared as openrosa
from toguna.engines.forms.paper import declared as paper
from toguna.engines.forms.uses import ASSIST, DESIGN, READ
from toguna.engines.forms.web import declared as web
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic

SERVICE = Service(
    name="forms",
    section="papers",
    provides=(
        Permission(DESIGN, _("Write forms and publish them"), frozenset([MANAGER, ADMINISTRATOR])),
        Permission(ASSIST, _("Fill in forms for people"), frozenset([AGENT, MANAGER, ADMINISTRATOR])),
        Permission(READ, _("Read the answers to forms"), frozenset([MANAGER, ADMINISTRATOR])),
        Periodic("forms-drafts", timedelta(days=1), actions.delete_old_drafts),
        documents.FileSubject(actions.SUBJECT, _("Form"), may_read=actions.may_read_files),
        people.Erasure("forms", actions.erase),
        people.PersonalData("forms", actions.export),
        *web.PROVIDES,
        *field.PROVIDES,
        *openrosa.PROVIDES,
        *paper.PROVIDES,
        *builder.PROVIDES,
        *desk.PROVIDES,
    ),
)
