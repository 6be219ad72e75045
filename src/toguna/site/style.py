"""/style/: the living page of our components, in the demo. What it shows is what pages use."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.kernel.web import public
from toguna.site.icons import ICONS


class Sample(forms.Form):
    """One field of each kind, drawn by our renderer."""

    name = forms.CharField(label=_("Your name"), help_text=_("As on your identity card."))
    phone = forms.RegexField(
        r"^[+0-9 ]{8,}$",
        label=_("Phone"),
        error_messages={"invalid": _("This is not a phone number. Write its digits, such as 76 12 34 56.")},
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
    )
    text = forms.CharField(label=_("What happens"), widget=forms.Textarea, required=False)
    district = forms.ChoiceField(label=_("District"), choices=[("a", "A"), ("b", "B")])
    answer = forms.ChoiceField(
        label=_("May we call you?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose yes or no.")},
    )
    photo = forms.FileField(label=_("Photo"), required=False)
    agree = forms.BooleanField(label=_("Tell me by message when it is solved"), required=False)


@public
def show(request: HttpRequest) -> HttpResponse:
    """Half filled in, so that errors show too."""
    form = Sample({"name": "Awa Traoré", "phone": "7"})
    return render(request, "style.html", {"icons": sorted(ICONS), "form": form, "now": timezone.now()})
