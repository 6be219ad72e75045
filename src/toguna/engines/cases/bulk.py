"""The same verb on many cases: each in a transaction of its own, each with its own answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.cases import actions
from toguna.engines.cases.actions import Refused
from toguna.engines.cases.models import Case
from toguna.kernel.access import Denied

MOST = 500


@dataclass
class Outcome:
    """done: how many were changed now or by the same form before; refused: (code, why in the actor's language)."""

    done: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def each(found: Sequence[Case], verb: Callable[[int], object], *, client_id: uuid.UUID) -> Outcome:
    """Does `verb(pk)` to each case. One that is refused does not stop the others; a form that comes again (the same
    client_id) changes nothing and is answered the same. Raises Refused when there are more than MOST."""
    if len(found) > MOST:
        raise Refused(_("These are too many at once: %(most)d at most.") % {"most": MOST})
    outcome = Outcome()
    for case in found:
        try:
            with transaction.atomic():
                if actions.first_time(uuid.uuid5(client_id, str(case.pk)), case):
                    verb(case.pk)
            outcome.done += 1
        except Denied:
            outcome.refused.append((case.code, _("You may not do this here.")))
        except Refused as error:
            outcome.refused.append((case.code, str(error)))
    return outcome
