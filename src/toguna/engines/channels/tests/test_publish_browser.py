"""The pages of publications in a real browser at 320 pixels: nothing wider than the screen, no accessibility violation."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.utils import timezone

from toguna.engines.channels.models import Message, Publication
from toguna.engines.people.models import Person
from toguna.engines.people.testing import staff
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel.access import ADMINISTRATOR
from toguna.kernel.tasks import Lane
from toguna.kernel.testing_browser import look, press

WORDS = {
    "fr": "Le fleuve atteint 4,2 m et monte encore. Quittez les berges ce soir.",
    "en": "The river is at 4.2 m and still rising. Leave the banks tonight.",
}


@pytest.fixture
def rows():
    """A draft, an alarm that was sent and of which the end was said."""
    zone = Zone.objects.create(
        level=2, name="Nord", source="n", geom=MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
    )
    zones.forget()
    given = {
        "titles": {"fr": "Le fleuve monte", "en": "The river is rising"},
        "texts": WORDS,
        "audience": {"known": True},
    }
    draft = Publication.objects.create(**given, media=["sms", "email"])
    sent = Publication.objects.create(
        **given, media=["sms"], lane=Lane.ALARM, state="done", started=timezone.now(), finished=timezone.now()
    )
    over = Publication.objects.create(
        titles={"fr": "C’est terminé"}, media=["sms"], lane=Lane.ALARM, state="done", started=timezone.now(), follows=sent, ends=True
    )  # fmt: skip
    for n, state in enumerate(("delivered", "sent", "failed")):
        person = Person.objects.create(name=str(n), zone=zone, language="fr")
        Message.objects.create(
            key=str(n), medium="sms", address=f"+2237000000{n}", person=person, publication=sent, state=state, lane=100
        )
    yield draft, sent, over
    zones.forget()


def test_every_page(chromium, rows):
    draft, sent, _over = rows
    page = chromium.page(staff(ADMINISTRATOR))
    for path in (
        "/desk/publications/", f"/desk/publications/{draft.pk}", "/desk/publications/rules", "/news/", f"/p/{sent.pk}", "/alerts/",
        f"/desk/publications/{sent.pk}",
    ):  # fmt: skip
        look(page, path)
    press(page.locator("button[value=over]"))
    page.locator("textarea, input[name=title_fr]").first.wait_for()
    made = Publication.objects.latest("id")
    assert made.state == "draft" and made.ends and made.follows == sent
