"""Rewards, and six months of sorting in the demo town, with a campaign that changed something in two districts."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from toguna.engines.territory import api as territory
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import Material, PointEntry, Reward, SortingCampaign

REWARDS = (
    ("savon", {"fr": "Un savon", "pt": "Um sabão", "en": "A bar of soap"}, 100, 250),
    ("riz", {"fr": "Un kilo de riz", "pt": "Um quilo de arroz", "en": "A kilo of rice"}, 250, 600),
    ("cahiers", {"fr": "Cinq cahiers", "pt": "Cinco cadernos", "en": "Five exercise books"}, 400, 1000),
)
# A household brings plastic in some weeks: more where the campaign is, from the day on which it began.
_SORTED = """
INSERT INTO waste_point_entry (key, household_id, points, material_id, grammes, zone_id, campaign_id, at)
SELECT 'demo:' || h.id || ':' || w.n, h.id, (g.grammes * m.points * CASE WHEN t.ours THEN 2 ELSE 1 END / 1000)::int, m.id, g.grammes, h.zone_id,
    CASE WHEN t.ours THEN %(campaign)s END, w.at
FROM waste_household h JOIN waste_material m ON m.slug = 'plastic'
CROSS JOIN LATERAL (SELECT n, %(day)s::timestamptz - make_interval(days => n * 7, hours => (h.id %% 60)::int) AS at FROM generate_series(0, 21) n) w
CROSS JOIN LATERAL (SELECT h.zone_id = ANY(%(zones)s) AND w.at >= %(since)s AS ours) t
CROSS JOIN LATERAL (SELECT ('x' || substr(md5(h.id || '-' || w.n), 1, 6))::bit(24)::int / 16777216.0 AS dice) r
CROSS JOIN LATERAL (SELECT (500 + 2500 * r.dice * CASE WHEN t.ours THEN 1.6 ELSE 1 END)::int AS grammes) g
WHERE h.zone_id IS NOT NULL AND r.dice < CASE WHEN t.ours THEN 0.55 ELSE 0.35 END
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent."""
    for n, (slug, titles, points, value) in enumerate(REWARDS):
        Reward.objects.get_or_create(
            slug=slug, defaults={"titles": titles, "points": points, "value": value, "order": n * 10}
        )
    districts = [zone.id for zone in territory.districts()]
    if PointEntry.objects.exists() or len(districts) < 4:
        return
    since = files.until - timedelta(weeks=10)
    campaign, _new = SortingCampaign.objects.get_or_create(
        slug="plastique-demo",
        defaults={
            "titles": {"fr": "Le plastique compte double", "pt": "O plástico vale a dobrar", "en": "Plastic counts double"},
            "texts": {"fr": "Tant que dure la campagne, chaque kilo de plastique trié vaut le double de points dans votre quartier."},
            "since": since, "until": files.until + timedelta(weeks=2), "material": Material.objects.get(slug="plastic"), "target": 1, "times": 200,
        },
    )  # fmt: skip
    half = min(3, len(districts) // 2)
    campaign.zones.set(districts[:half])
    campaign.compared.set(districts[half : half + 4])
    with connection.cursor() as cursor:
        cursor.execute(
            _SORTED, {"day": files.until, "zones": districts[:half], "since": since, "campaign": campaign.pk}
        )
        cursor.execute(
            "UPDATE waste_household h SET points = s.points FROM (SELECT household_id, sum(points) AS points FROM waste_point_entry GROUP BY 1) s"
            " WHERE s.household_id = h.id"
        )
