"""The town's own ground as datasets: its zones, and each public layer."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.datasets import Column, Dataset
from toguna.engines.territory import api as territory


def datasets() -> Sequence[Dataset]:
    """OpenStreetMap asks that what comes from it stays under its licence; the town's own layers are under the same one."""
    found = [
        Dataset(
            "zones",
            _("Zones of the town"),
            _("The town, its districts and their limits in force."),
            "ODbL-1.0",
            (
                Column("id", "integer", _("Number")),
                Column("level", "integer", _("Level: 0 the town, 2 a district")),
                Column("name", "string", _("Name")),
                Column("parent", "integer", _("Number of the zone around it")),
            ),
            "SELECT id, level, name, parent_id AS parent, geom FROM territory_zone WHERE closed IS NULL ORDER BY id",
            geometry=True,
            keywords=("boundaries",),
            attribution="© OpenStreetMap contributors",
            version="SELECT count(*) || '-' || COALESCE(max(id), 0) || '-' || COALESCE(max(valid_from)::text, '') FROM territory_zone_version",
        )
    ]
    for layer in territory.public_layers():
        found.append(
            Dataset(
                f"layer-{layer.slug}",
                layer.name,
                _("A layer of the town's map."),
                "ODbL-1.0",
                (
                    Column("id", "integer", _("Number")),
                    Column("source", "string", _("Who knows it")),
                    Column("name", "string", _("Name")),
                    Column("kind", "string", _("Kind")),
                ),
                "SELECT id, source, name, kind, geom FROM territory_feature WHERE layer_id = %s AND valid_to IS NULL ORDER BY id",
                geometry=True,
                params=(layer.id,),
                keywords=("map",),
                attribution=layer.attribution,
                version="SELECT version FROM territory_layer WHERE id = %s",
            )
        )
    return found
