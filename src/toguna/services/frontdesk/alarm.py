"""When the town's budget of log-in codes for the hour is spent, those who administer it hear of it at once."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import town
from toguna.kernel.tasks import Lane


def on_codes_run_out(event: people.CodesRunOut) -> None:
    for account in people.administrators():
        if not account.email:
            continue
        with translation.override(account.language or town.current().languages[0]):
            channels.send(
                "email",
                account.email,
                key=f"frontdesk.codes-run-out:{event.hour}:{account.pk}",
                subject=_("No more log-in codes are sent this hour"),
                text=_(
                    "%(sent)d log-in codes were sent by SMS in one hour: the most that town.toml allows (codes_an_hour). "
                    "Somebody may be making the town pay for SMS. Residents can still log in by USSD or e-mail. Look at the "
                    "list of messages; if the demand is real, raise codes_an_hour."
                )
                % {"sent": event.sent},
                lane=Lane.ALARM,
            )
