"""What the app of the field says: one JSON in the page, in the page's language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from toguna.engines.forms import actions


def texts() -> dict[str, str | int]:
    return {
        # What became of a record, or of an attempt to send.
        "draft": _("begun"),
        "waiting": _("Waiting on this phone"),
        "refused": _("Not taken"),
        "sent": _("Sent"),
        "done": _("Everything is sent."),
        "offline": _("No network: your work stays on this phone."),
        "login": _("Log in again: your work stays on this phone."),
        "others": _("Work of another account waits on this phone: that account must log in to send it."),
        "loaded": _("Loaded: you may leave the network."),
        "failed": _("It could not be loaded. Try again where there is network."),
        "kept": _("Kept on this phone"),
        "full": _("This phone has no room left: send what waits, then try again."),
        "broken": _("This phone could not keep it. Close other pages, then try again."),
        "lost": _("A photo of it is no longer on this phone. Take it again."),
        "file": _("This file was not taken. Take it away, or choose another one."),
        "large": _("This file is larger than %(megabytes)d MB.") % {"megabytes": actions.LARGEST_FILE >> 20},
        "largest": actions.LARGEST_FILE,
        # Buttons and questions
        "fill": _("Fill in"),
        "go_on": _("Go on"),
        "correct": _("Correct"),
        "change": _("Change"),
        "next": _("Continue"),
        "end": _("End"),
        "page": _("Step {0} of {1}"),
        "remove": _("Remove"),
        "another": _("Add another one"),
        "first": _("Add the first one"),
        "up": _("Move up"),
        "take_away": _("Take it away"),
        "here": _("I am there now"),
        "add_here": _("Add where I am"),
        "searching": _("Looking for your position…"),
        "nowhere": _("The position is not known here."),
        "scan": _("Read a code with the camera"),
        "no_code": _("No code is seen in this picture. Come closer, or write it."),
        "sign": _("Sign with your finger."),
        "signed": _("Keep this signature"),
        "clear": _("Clear"),
        "optional": _("optional"),
        "drop": _("What is written there is lost. Remove it?"),
        "sure": _("This form has not been sent. Delete it from this phone?"),
        "logout": _("What waits here has not been sent. It stays on this phone, for your account only. Log out?"),
        # What is wrong
        "wrong": _("Some answers have to be looked at again."),
        "required": _("This question needs an answer."),
        "choose": _("Choose one of the answers that are offered."),
        "order": _("Put all of them in order."),
        "range": _("Choose a number from {0} to {1}."),
        "impossible": _("This answer cannot be right. Look at it again."),
        "integer": _("Write a whole number, in digits."),
        "number": _("Write a number, in digits."),
        "point": _("Write latitude, longitude, or be there and press the button."),
        "points": _("Write one point on each line: latitude, longitude."),
        "long": _("This is too long."),
    }
