"""What the town says of another body."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.kernel import text
from toguna.services.reports.models import Body
from toguna.services.reports.setup.forms import WordsForm, languages


class BodyForm(WordsForm):
    endpoint = forms.CharField(
        label=gettext_lazy("Address of its Open311"),
        required=False,
        max_length=300,
        help_text=gettext_lazy(
            "The part before services.xml, for example https://town.example/open311/v2/. Leave it empty if it has none."
        ),
        widget=forms.URLInput,
    )
    jurisdiction = forms.CharField(
        label=gettext_lazy("Its jurisdiction_id"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Only if it serves several towns: they tell you."),
    )
    api_key = forms.CharField(
        label=gettext_lazy("Our key with them"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("The one that they gave you. Leave it empty to keep the one that is there."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("Its e-mail"), required=False, help_text=gettext_lazy("Used when it has no Open311.")
    )
    active = forms.BooleanField(label=gettext_lazy("Reports can be sent on to it"), required=False)

    def __init__(self, *args: Any, body: Body, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.body = body
        self.add_words("names", _("Name"), body.names, most=80)
        self.add_words("contact", _("How residents reach it"), body.contact, most=300)
        self.initial = {name: getattr(body, name) for name in ("endpoint", "jurisdiction", "email", "active")}
        codes = [code for code, _language in languages()]
        self.order_fields([f"names_{c}" for c in codes] + [f"contact_{c}" for c in codes])

    def clean_endpoint(self) -> str:
        typed: str = self.cleaned_data["endpoint"].strip()
        if not typed:
            return ""
        try:
            parts = urlsplit(typed)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and parts.port != 0
        except ValueError:
            good = False
        if not good or parts.username or not typed.isprintable() or " " in typed:
            raise forms.ValidationError(_("Write a web address that begins with https:// and holds no question mark."))
        return typed.rstrip("/") + "/"

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.words("names"):
            self.add_error(f"names_{languages()[0][0]}", _("Give it a name in one language at least."))
        if not (values.get("endpoint") or values.get("email")) and not self.errors:
            self.add_error("endpoint", _("Give the address of its Open311, or its e-mail."))
        return values

    def filled(self) -> Body:
        """The body as it is to be saved."""
        given, body = self.cleaned_data, self.body
        moved = bool(body.endpoint) and body.endpoint != given["endpoint"]
        for name in ("endpoint", "jurisdiction", "email", "active"):
            setattr(body, name, given[name])
        body.names, body.contact = self.words("names"), self.words("contact")
        # A key is for whom it was given by: never sent to another address.
        body.api_key = given["api_key"] or ("" if moved else body.api_key)
        if moved:
            body.polled = body.checked = None
            body.trouble = ""
        if not body.slug:
            body.slug = _free_slug(text.pick(body.names))
        return body


def _free_slug(name: str) -> str:
    base = slugify(name)[:50] or "body"
    taken = set(Body.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := base if n == 1 else f"{base}-{n}") not in taken)
