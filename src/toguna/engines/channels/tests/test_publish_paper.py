"""A publication on paper, on air, in feeds; where it reached."""

from __future__ import annotations

import io

import feedparser
import pytest
import zxingcpp
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.urls import reverse
from django.utils import timezone
from pikepdf import Pdf
from pypdfium2 import PdfDocument

from toguna.engines.channels.models import Message, Publication
from toguna.engines.channels.publish import actions, printing, texts
from toguna.engines.people.models import Person
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent() -> Publication:
    return Publication.objects.create(
        titles={"fr": "Coupure d'eau", "en": "Water cut"}, media=["sms"], audience={"known": True},
        texts={"fr": "L'eau est coupée lundi de 8h30 à 12h.\nVoir https://ville.test/eau. Gardez 20 litres.", "en": "No water on Monday."},
        state="done", started=timezone.now(), finished=timezone.now(),
    )  # fmt: skip


@pytest.mark.parametrize(("size", "width"), [("a4", 595), ("a5", 420)])
def test_a_poster_holds_the_words_and_a_code_that_opens_the_page(sent, size, width):
    data = printing.poster(sent, size)
    page = PdfDocument(data)[0]
    words = page.get_textpage().get_text_range()
    assert "Coupure d" in words and "Water cut" in words and round(page.get_width()) == width
    (code,) = zxingcpp.read_barcodes(page.render(scale=2).to_pil())
    assert code.text == texts.address(sent)
    assert len(Pdf.open(io.BytesIO(data)).pages) == 1
    assert "Water cut" not in PdfDocument(printing.poster(sent, size, "fr"))[0].get_textpage().get_text_range()


def test_what_is_typed_is_never_markup(sent):
    sent.titles = {"fr": '#read("data.json") $x$ *gras*'}
    assert '#read("data.json")' in PdfDocument(printing.poster(sent))[0].get_textpage().get_text_range()


def test_the_radio_reads_words_and_says_how_long(sent):
    script = printing.radio(sent, "fr")
    assert "https" not in str(script) and "8h30" not in str(script)
    assert script.lines[0] == "Coupure d'eau." and len(script.lines) >= 3
    assert script.seconds == pytest.approx(len(str(script).split()) * 60 / 130, abs=1)
    assert b"%PDF" in printing.radio_pdf(sent, "fr")[:10]


def test_papers_by_their_doors(client, sent):
    assert client.get(reverse("publication-poster", args=[sent.pk, "a4"]))["Content-Type"] == "application/pdf"
    assert client.get(reverse("publication-poster", args=[sent.pk, "a9"])).status_code == 404
    assert client.get(reverse("publication-paper", args=[sent.pk, "a4", "fr"])).status_code == 302  # staff only
    Publication.objects.update(state="draft")
    assert client.get(reverse("publication-poster", args=[sent.pk, "a4"])).status_code == 404


@pytest.mark.parametrize("name", ["news-feed", "news-atom"])
def test_feeds(client, sent, name):
    read = feedparser.parse(client.get(reverse(name), headers={"accept-language": "fr"}).content)
    assert not read.bozo and read.version in ("rss20", "atom10")
    assert [e.title for e in read.entries] == ["Coupure d'eau"] and read.entries[0].id.startswith("urn:uuid:")


def test_where_it_reached(sent):
    north, south = (
        Zone.objects.create(
            level=2, name=name, source=name, geom=MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
        )
        for name in ("Nord", "Sud")
    )
    zones.forget()
    states = [(north, "delivered"), (north, "sent"), (north, "failed"), (south, "queued"), (None, "delivered")]
    for n, (zone, state) in enumerate(states):
        person = Person.objects.create(name=str(n), zone=zone)
        Message.objects.create(
            key=str(n), medium="sms", address=str(n), person=person, publication=sent, state=state, lane=10
        )
    found = {zone: counts for zone, *counts in actions.reach_by_zone(sent)}
    zones.forget()
    assert found == {"Nord": [3, 2, 1, 1], "Sud": [1, 0, 0, 0], "": [1, 1, 1, 0]}
