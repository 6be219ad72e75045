"""Places: what a town begins with."""

from __future__ import annotations

from toguna.services.waste.models import Material
from toguna.services.waste.places import starter


def test_materials_are_put_in_once_and_stay_as_the_town_changed_them(db):
    starter.load()
    Material.objects.filter(slug="plastic").update(points=99)
    starter.load()
    assert Material.objects.count() == len(starter.MATERIALS)
    assert Material.objects.get(slug="plastic").points == 99
