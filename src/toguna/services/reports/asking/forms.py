"""A question to the town, and an article that answers one."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import text
from toguna.services.reports.models import Article
from toguna.services.reports.setup.forms import WordsForm, languages


class WordsOnlyForm(forms.Form):
    """The first step: the words, with which answers that are there already are found."""

    text = forms.CharField(
        label=gettext_lazy("What do you want to know?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("In your own words, in any of the town's languages."),
    )

    def clean_text(self) -> str:
        words = text.clean(self.cleaned_data["text"])
        if not words:
            raise ValidationError(_("Write your question."))
        return words


class QuestionForm(WordsOnlyForm):
    """The second step: to whom, by whom."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    topic = forms.ChoiceField(label=gettext_lazy("What is it about?"))
    name = forms.CharField(
        label=gettext_lazy("Your name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("Your phone or e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("So that the answer comes to you. It is never shown."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )
    open_to_all = forms.BooleanField(
        label=gettext_lazy("Everyone may read my question and its answer (never my name)"), required=False
    )

    def __init__(self, *args: Any, topics: list[cases.Topic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topics = {t.slug: t for t in topics}
        self.fields["topic"].choices = [(t.slug, text.pick(t.names)) for t in topics]  # type: ignore[attr-defined]
        if not self.is_bound:
            self.initial.setdefault("client_id", uuid.uuid4())

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None

    def clean_topic(self) -> cases.Topic:
        return self.topics[self.cleaned_data["topic"]]


class ArticleForm(WordsForm):
    keywords = forms.CharField(
        label=gettext_lazy("Other words that people use for it"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("In any language, with spaces between: they make it easier to find."),
    )
    active = forms.BooleanField(label=gettext_lazy("Shown to everyone"), required=False)
    order = forms.IntegerField(label=gettext_lazy("Place in the list"), min_value=0, max_value=9999)

    def __init__(self, *args: Any, row: Article, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_words("titles", _("Title"), row.titles, most=150)
        self.add_words("texts", _("Answer"), row.texts, most=8000, long=True)
        self.initial = {"keywords": row.keywords, "active": row.active, "order": row.order}
        codes = [code for code, _language in languages()]
        self.order_fields([name for code in codes for name in (f"titles_{code}", f"texts_{code}")])

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "titles": self.words("titles"), "texts": self.words("texts"), "keywords": given["keywords"],
            "active": given["active"], "order": given["order"],
        }  # fmt: skip
