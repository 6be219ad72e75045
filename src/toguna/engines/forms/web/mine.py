"""The forms that a person began and has not sent, for their own space."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.forms import uses
from toguna.engines.forms.models import Filling
from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import text


def _owned(person: Person) -> list[Owned]:
    begun = Filling.objects.filter(person=person, state=Filling.State.DRAFT).select_related("version__form")
    kept = begun.defer("version__definition", "version__xform", "values", "seen", "facts").order_by("-id")
    found = []
    for filling in kept[:MOST_OWNED]:
        form = filling.version.form
        use = uses.of(form.service)
        if use is not None:
            says = _("Not sent yet. Go on where you stopped.")
            found.append(
                Owned(
                    text.pick(form.titles), use.address(filling), says, form.service, "edit", filling.updated, todo=True
                )
            )
    return found


MINE = Mine("forms", gettext_lazy("Forms to end"), "edit", _owned, order=20)
