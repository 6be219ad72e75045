"""The materials that a town begins with; it may then change them."""

from __future__ import annotations

from toguna.services.waste.models import Material

# slug: (French, Portuguese, English, other names, icon, kg in a cubic metre, points a kg, order)
MATERIALS: dict[str, tuple[str, str, str, tuple[str, ...], str, int, int, int]] = {
    "household": ("Ordures ménagères", "Lixo doméstico", "Household waste", ("ordures", "poubelle", "lixo", "waste", "rubbish"), "full-bin", 250, 0, 10),
    "organic": ("Déchets verts et de cuisine", "Resíduos orgânicos", "Garden and kitchen waste", ("compost", "organique", "organico"), "tree", 350, 2, 20),
    "plastic": ("Plastique", "Plástico", "Plastic", ("plastique", "bidon", "bidons", "bouteille", "bouteilles", "sachet", "sachets", "garrafa", "garrafas", "bottle", "bottles"), "waste-pile", 35, 10, 30),
    "metal": ("Ferraille et métaux", "Metal e sucata", "Scrap metal", ("fer", "ferraille", "aluminium", "canette", "canettes", "sucata", "lata", "latas", "can", "cans", "iron"), "waste-pile", 300, 8, 40),
    "paper": ("Papier et carton", "Papel e cartão", "Paper and cardboard", ("papier", "carton", "cartons", "cartao", "cardboard"), "waste-pile", 90, 4, 50),
    "glass": ("Verre", "Vidro", "Glass", ("bouteille en verre", "vidros"), "waste-pile", 400, 2, 60),
    "e-waste": ("Appareils et piles", "Aparelhos e pilhas", "Appliances and batteries", ("pile", "piles", "batterie", "telephone", "pilha", "pilhas", "bateria", "battery", "batteries"), "waste-pile", 250, 15, 70),
    "bulky": ("Encombrants et gravats", "Volumosos e entulho", "Bulky waste and rubble", ("encombrant", "encombrants", "gravats", "meuble", "meubles", "matelas", "entulho", "movel", "colchao", "rubble", "furniture", "mattress"), "waste-pile", 180, 0, 80),
}  # fmt: skip


def load() -> None:
    """Idempotent; one that the town changed stays as it is."""
    Material.objects.bulk_create(
        [
            Material(
                slug=slug, names={"fr": fr, "pt": pt, "en": en}, words=list(words), icon=icon, density=density,
                sorted=slug not in ("household", "bulky"), points=points, order=order,
            )
            for slug, (fr, pt, en, words, icon, density, points, order) in MATERIALS.items()
        ],
        ignore_conflicts=True,
    )  # fmt: skip
