"""The look, without a browser: contrast, weight, pictograms, words, and the pages said when something goes wrong."""

from __future__ import annotations

import gzip
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django import forms
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.utils import translation
from django.utils.translation.template import templatize
from hypothesis import given
from hypothesis import strategies as st

from toguna.kernel import registry, town
from toguna.kernel.web import Page, public
from toguna.site import errors, home
from toguna.site.icons import ICONS
from toguna.site.templatetags.toguna import figure, icon, money, problems, whole

SITE = Path(home.__file__).parent
CSS = (SITE / "static" / "toguna.css").read_text()
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


# ---------------------------------------------------------------- colours


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the light and of the dark page, as the style sheet gives them."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)[:2]
    )
    return {"light": light, "dark": {**light, **dark}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        *((ink, ground, 4.5) for ink in ("ink", "ink-2", "link", "bad") for ground in ("paper", "sand")),
        *((ink, f"{ink}-soft", 4.5) for ink in ("ok", "warn", "bad")),
        *(("ink", f"{ground}-soft", 4.5) for ground in ("indigo", "ok", "warn", "bad")),
        ("paper", "bad", 4.5),
        ("line-strong", "paper", 3),
        ("indigo-2", "paper", 3),
        ("mark", "paper", 3),
    ],
)
def test_contrast(scheme: str, ink: str, ground: str, least: float) -> None:
    colours = palettes()[scheme]
    assert home.contrast(colours[ink], colours[ground]) >= least


def test_contrast_is_that_of_wcag() -> None:
    assert home.contrast("#000000", "#ffffff") == 21
    assert round(home.contrast("#767676", "#ffffff"), 2) == 4.54  # the example that everybody quotes


def test_the_papers_are_those_of_the_style_sheet() -> None:
    colours = palettes()
    assert (colours["light"]["paper"], colours["dark"]["paper"]) == (home.PAPER, home.PAPER_DARK)


@given(COLOURS)
def test_any_accent_is_readable(accent: str) -> None:
    assert home.contrast(home.ink_on(accent), accent) >= 4.5
    for paper in (home.PAPER, home.PAPER_DARK):
        assert home.contrast(home.mark_on(paper, accent), paper) >= 3


def test_an_accent_that_stands_out_is_kept() -> None:
    assert home.mark_on(home.PAPER, "#b5461b") == "#b5461b"


# ---------------------------------------------------------------- pictograms


@pytest.mark.parametrize("name", ICONS)
def test_a_pictogram_is_drawn_inside_its_square(name: str) -> None:
    drawing = ElementTree.fromstring(f"<svg>{ICONS[name]}</svg>")
    assert {shape.tag for shape in drawing} <= {"path", "circle", "rect", "ellipse"}
    assert not [shape for shape in drawing if {"fill", "stroke", "style"} & set(shape.attrib)], "the page colours it"
    for shape in drawing.iter("path"):
        start = re.match(r"M(-?[\d.]+)[ ,](-?[\d.]+)", shape.attrib["d"])
        assert start and all(0 <= float(number) <= 24 for number in start.groups())


def test_what_rooms_show_has_a_pictogram() -> None:
    missing = {page.icon for page in registry.declared(Page)} - set(ICONS)
    used = {
        name
        for file in SITE.parent.rglob("templates/**/*.html")
        for name in re.findall(r"""{% icon ["']([\w-]+)["']""", file.read_text())
    }
    assert missing | (used - set(ICONS)) == set()


def test_a_pictogram_is_silent() -> None:
    assert 'aria-hidden="true"' in icon("map") and "<script" not in icon("<script>")


# ---------------------------------------------------------------- forms


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the card")
    answer = forms.ChoiceField(label="Answer", choices=[("y", "Yes"), ("n", "No")], widget=forms.RadioSelect)
    note = forms.CharField(label="Note", required=False)
    agree = forms.BooleanField(label="Agree", required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        raise forms.ValidationError("Nothing fits")


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_form_ties_words_to_fields() -> None:
    html = Template("{{ form }}").render(Context({"form": Sample({})}))
    found = Elements(html).found
    ids = [attrs["id"] for _, attrs in found if "id" in attrs]
    assert len(ids) == len(set(ids))
    spoken = [attrs["aria-describedby"].split() for _, attrs in found if attrs.get("aria-describedby")]
    assert spoken and {name for names in spoken for name in names} <= set(ids)
    assert {attrs["for"] for tag, attrs in found if tag == "label" and "for" in attrs} <= set(ids)
    anchors = [attrs["href"][1:] for tag, attrs in found if tag == "a"]
    assert anchors == ["id_name", "id_answer_0"] and set(anchors) <= set(ids)
    by_id = {attrs["id"]: attrs for _, attrs in found if "id" in attrs}
    assert by_id["id_name"]["aria-invalid"] == "true"
    assert set(by_id["id_name"]["aria-describedby"].split()) == {"id_name_helptext", "id_name_error"}
    assert html.count(translation.gettext("optional")) == 1  # of the text field; a box to tick needs no such word


def test_the_summary_says_all_that_is_wrong() -> None:
    found = problems(Sample({}))
    assert found[0] == ("", "Nothing fits") and [anchor for anchor, _ in found[1:]] == ["id_name", "id_answer_0"]


# ---------------------------------------------------------------- pages


@pytest.fixture
def demo_town(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML", demo=True))


def weight(*bodies: bytes | str) -> int:
    return sum(len(gzip.compress(b.encode() if isinstance(b, str) else b, 6)) for b in bodies)


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_town")
def test_the_home_page_is_light_and_has_no_inline_code() -> None:
    page = Client().get("/").content
    frame = [CSS, (SITE / "static/toguna.js").read_text(), Client().get("/town.css").content]
    assert weight(CSS) < 9_000 and weight(frame[1]) < 3_000
    assert weight(page, *frame) < 30_000
    for tag, attrs in Elements(page.decode()).found:
        assert "style" not in attrs and not any(name.startswith("on") for name in attrs), (tag, attrs)
        assert tag != "script" or attrs.get("src")


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_town")
@pytest.mark.parametrize(("asked", "said"), [("fr-FR", "Que voulez-vous faire"), ("pt", "O que deseja"), ("de", "Que")])
def test_the_reader_is_answered_in_a_language_of_the_town(asked: str, said: str) -> None:
    assert said in Client(headers={"accept-language": asked}).get("/").content.decode()


@pytest.mark.usefixtures("demo_town")
def test_the_language_is_chosen_without_a_session_or_a_query() -> None:
    client = Client()  # no database is allowed in this test
    response = client.get("/language/?language=pt&next=/nowhere")
    assert response["Location"] == "/nowhere" and response.cookies["language"].value == "pt"
    assert "Esta página não existe" in client.get("/nowhere").content.decode()
    away = client.get("/language/?language=xx&next=https://elsewhere.test/")
    assert away["Location"] == "/" and "language" not in away.cookies


@public
def stops(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the server closed the connection")


@public
def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


@public
def heavy(request: HttpRequest) -> HttpResponse:
    raise RequestDataTooBig


urlpatterns = [
    path("stops", stops),
    path("breaks", breaks),
    path("heavy", heavy),
    path("", include("toguna.site.urls")),
]
handler400, handler403, handler404, handler500 = errors.bad_request, errors.forbidden, errors.not_found, errors.broken


@pytest.mark.usefixtures("demo_town")
@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/stops", 503, "De retour dans un instant"),
        ("/breaks", 500, "Une panne s&#x27;est produite chez nous"),
        ("/heavy", 413, "trop lourd"),
        ("/nowhere", 404, "existe pas"),
    ],
)
def test_what_goes_wrong_is_said_without_the_database(address: str, status: int, said: str) -> None:
    """Even to somebody who is logged in. (This test has no database: a query would make it fail.)"""
    with override_settings(ROOT_URLCONF=__name__):
        client = Client(raise_request_exception=False)
        client.cookies["sessionid"] = "anything"
        response = client.get(address)
        assert response.status_code == status and said in response.content.decode()
        assert ("Retry-After" in response) == (status == 503)
        programs = client.get(address, headers={"accept": "application/json"})
        assert programs.status_code == status and set(programs.json()) == {"detail"}


# ---------------------------------------------------------------- words

KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def said_by_the_site() -> set[str]:
    found = set()
    for file in [*SITE.rglob("*.py"), *SITE.rglob("*.html")]:
        if "tests" in file.parts:
            continue
        source = file.read_text() if file.suffix == ".py" else templatize(file.read_text())
        for _line, message, _comments, _context in extract("python", io.BytesIO(source.encode()), KEYWORDS):  # type: ignore[arg-type]
            found |= {message} if isinstance(message, str) else set(message)
    return found


@pytest.mark.parametrize("language", ["fr", "pt"])
def test_every_sentence_is_translated(language: str) -> None:
    with (SITE / "locale" / language / "LC_MESSAGES/django.po").open("rb") as file:
        catalogue = {str(entry.id): entry for entry in read_po(file, locale=language) if entry.id}
    assert said_by_the_site() == set(catalogue), "what the site says, and what the catalogue holds"
    for said, entry in catalogue.items():
        assert entry.string and not entry.fuzzy
        assert re.findall(r"%\(\w+\)s", said) == re.findall(r"%\(\w+\)s", str(entry.string))


def test_errors_are_made_in_the_readers_language() -> None:
    request = RequestFactory().get("/api/x")
    with translation.override("pt"):
        assert "Aguarde um pouco" in errors.too_many(request, errors.TooMany(60)).content.decode()


TRANSLATED = re.compile(
    r"\{%\s*blocktranslate.*?\{%\s*endblocktranslate\s*%\}|<script.*?</script>|<style.*?</style>", re.S
)


def test_french_keeps_a_space_before_a_colon_also_where_it_stands_alone() -> None:
    """Between two values of a page a colon is in no text that is translated: {% colon %} writes it."""
    for file in SITE.parent.rglob("*.html"):
        alone = re.search(r"(%\}|\}\}|</[a-z]+>): ", TRANSLATED.sub("", file.read_text()))
        assert alone is None, (file, alone)
    page = Template("{% load toguna %}{{ a }}{% colon %} {{ b }}")
    for language, said in {"fr": "A\N{NO-BREAK SPACE}: 1", "pt": "A: 1", "en": "A: 1"}.items():
        with translation.override(language):
            assert page.render(Context({"a": "A", "b": 1})) == said


@pytest.mark.parametrize(
    ("value", "shown"), [(72.2, "72,2"), (71, "71"), (41481.6, "41\xa0481,6"), (0.004, "0"), (-3.456, "-3,46")]
)
def test_what_was_measured_is_written_as_people_do(value, shown):
    with translation.override("fr"):
        assert figure(value) == shown


def test_an_amount_stands_on_one_line_where_it_is_shown_and_where_it_is_spoken_of() -> None:
    with translation.override("fr"):
        assert money(1500, "XOF") == '<span class="nowrap">1\u202f500\xa0FCFA</span>'
    said = whole("<b> 2 m2 × 1\u202f500\xa0FCFA, puis 12,5\xa0kg")
    assert said == (
        '&lt;b&gt; 2 m2 × <span class="nowrap">1\u202f500\xa0FCFA</span>, puis <span class="nowrap">12,5\xa0kg</span>'
    )
