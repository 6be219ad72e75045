"""A weighbridge at each dump of the demo town, and what its trucks brought there in six months."""

from __future__ import annotations

from django.db import connection, transaction

from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import Material, Scale, WastePlace
from toguna.services.waste.weighing import actions

MOST = 20_000_000  # grammes
FILL = 4000  # people whose waste of a day fills a truck
# A truck's load is 2.5 to 5.5 tonnes; on Sundays none comes.
_LOADS = """
INSERT INTO waste_weighing (scale_id, number, at, received, grammes, material_id, place_id, zone_id, why, price)
SELECT %(scale)s, row_number() OVER (ORDER BY t.at), t.at, t.at, 2500000 + (('x' || md5(%(scale)s || '-' || t.at))::bit(24)::int %% 30000) * 100,
    %(material)s, %(place)s, %(zone)s, '', 0
FROM (
    SELECT %(day)s::date - d + interval '7 hours' + n * interval '95 minutes' AS at
    FROM generate_series(1, 180) d CROSS JOIN generate_series(0, %(loads)s - 1) n
    WHERE extract(isodow FROM %(day)s::date - d) < 7
) t
"""


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has scales keeps them."""
    dumps = list(WastePlace.objects.filter(kind=WastePlace.Kind.DUMP).order_by("pk"))
    if Scale.objects.exists() or not dumps:
        return
    household = Material.objects.get(slug="household")
    loads = max(1, files.people // FILL // len(dumps))
    for place in dumps:
        told = actions.Told(f"Pont-bascule, {place.name}", place, "", material=household, least=100_000, most=MOST)
        scale = actions.save(None, told, by=SYSTEM)
        values = {
            "scale": scale.pk, "material": household.pk, "place": place.pk, "zone": place.zone_id, "day": files.until, "loads": loads,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_LOADS, values)
