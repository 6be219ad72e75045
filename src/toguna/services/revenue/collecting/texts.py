"""What the collector's app says: one JSON in the page, in the page's language."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _

from toguna.services.revenue.models import Visit


def texts() -> dict[str, str]:
    outcomes = {f"outcome_{value}": str(label) for value, label in Visit.Outcome.choices}
    return {
        **outcomes,
        "address": settings.TOGUNA_URL,
        "waiting": _("Waiting on this phone"),
        "sent": _("Sent"),
        "kept": _("Sent, with a word"),
        "refused": _("Not taken"),
        "again": _("Send again"),
        "done": _("Everything is sent."),
        "offline": _("No network: your work stays on this phone."),
        "login": _("Log in again: your work stays on this phone."),
        "others": _("Work of another account waits on this phone: that account must log in to send it."),
        "loaded": _("Loaded: you may leave the network."),
        "failed": _("It could not be loaded. Try again where there is network."),
        "full": _("This phone has no room left: send what waits, then try again."),
        "broken": _("This phone could not keep it: nothing was taken. Close other pages, then try again."),
        "sure": _("What waits has not been sent: it stays on this phone for this account. Clear the rest?"),
        "logout": _("What waits here has not been sent. It stays on this phone, for your account only. Log out?"),
        "old": _("This list is of another day: load it again."),
        "numbers": _("{0} receipt numbers are left: load again where there is network."),
        "no_numbers": _("No receipt number is left: load again where there is network, before taking money."),
        "clock": _("This phone's clock is wrong by {0}. Set it; what you did keeps its order."),
        "minutes": _("{0} minutes"),
        "days": _("{0} days"),
        "too_much": _("You carry {0}, more than you may: bring it to the safe."),
        "closed_desk": _("Your desk is not open: count your float at the cash desk first."),
        "cut": _("This phone is cut off. Bring it to who supervises."),
        "none": _("Nobody of the list fits. Look at the number again, or take it as a passing seller's."),
        "more": _("{0} more: say more of the name or the number."),
        "owes": _("owes {0}"),
        "map": _("On the map"),
        "fee_due": _("today {0}"),
        "paid_up": _("owes nothing"),
        "fee_paid": _("today is paid"),
        "fee_line": _("Fee of today"),
        "since": _("due {0}"),
        "no_amount": _("Say an amount above 0, in figures."),
        "on_account": _("On account"),
        "for_someone": _("Passing seller"),
        "taken": _("Taken and kept on this phone: {0}."),
        "visited": _("Kept on this phone."),
        "receipt": _("Receipt"),
        "paid_on": _("Paid on"),
        "paid_by": _("Paid by"),
        "collector": _("Collector"),
        "duplicate": _("DUPLICATE no. {0}"),
        "total": _("Total"),
        "way": _("Cash"),
        "code": _("Code"),
        "check": _("Check this receipt:"),
        "printed": _("Printed."),
        "not_printed": _("The printer did not take it."),
        "in_part": _("in part"),
        "counted": _("Counted {0}; there should be {1}."),
        "counted_right": _("Counted {0}: it is right."),
        "count_kept": _("The count is kept on this phone."),
        "float": _("Float"),
        "no_code": _("No code is seen. Come closer, or write it."),
        "scanning": _("Hold the code before the camera."),
        "metres": _("{0} m"),
    }
