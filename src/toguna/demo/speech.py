"""How people of the fictional town speak of a problem: places by landmark, three languages, ordinary spelling."""

from __future__ import annotations

import re

import numpy as np

# First words of a place's French name -> article in French; words and gender in English and Portuguese.
_KINDS: list[tuple[str, str, str, str]] = [
    ("Grande Mosquée", "la", "the great mosque", "a grande mesquita"),
    ("Mosquée de ", "la", "the mosque in ", "a mesquita de "),
    ("Grand Marché", "le", "the central market", "o mercado central"),
    ("Marché de ", "le", "the market in ", "o mercado de "),
    ("École fondamentale de ", "l'", "the school in ", "a escola de "),
    ("Lycée ", "le", "the high school ", "o liceu "),
    ("CSCOM de ", "le", "the health centre in ", "o centro de saúde de "),
    ("Hôpital régional", "l'", "the hospital", "o hospital"),
    ("Hôpital de ", "l'", "the hospital in ", "o hospital de "),
    ("Pharmacie ", "la", "the pharmacy ", "a farmácia "),
    ("Station ", "la", "the filling station ", "a bomba de gasolina "),
    ("Gare routière", "la", "the bus station", "a estação rodoviária"),
    ("Mairie", "la", "the town hall", "a câmara municipal"),
    ("Puits de ", "le", "the well in ", "o poço de "),
    ("Borne-fontaine de ", "la", "the standpipe in ", "o chafariz de "),
    ("Église ", "l'", "the church ", "a igreja "),
    ("Temple ", "le", "the church ", "o templo "),
]
_WHERE = {
    "fr": [
        "derrière {}",
        "devant {}",
        "en face de {}",
        "à côté de {}",
        "juste après {}",
        "près de {}",
        "avant d'arriver à {}",
    ],
    "en": ["behind {}", "in front of {}", "opposite {}", "next to {}", "just after {}", "near {}"],
    "pt": ["atrás de {}", "em frente de {}", "ao lado de {}", "perto de {}", "depois de {}"],
}
_AREA = {"fr": "quartier {}", "en": "{} quarter", "pt": "bairro {}"}

_TEXTS: dict[str, dict[str, list[str]]] = {
    "pothole": {
        "fr": [
            "Il y a un grand trou sur la route {p}",
            "La chaussée est abîmée {p}, les motos tombent",
            "Nid de poule dangereux {p}",
            "Le goudron est parti {p}, les taxis ne passent plus",
            "Un trou profond {p}, rempli d'eau on ne le voit pas",
        ],
        "en": [
            "Big pothole {p}",
            "The road is broken {p}, motorbikes fall there",
            "Deep hole in the road {p}, we cannot see it at night",
        ],
        "pt": ["Há um buraco grande na estrada {p}", "A estrada está estragada {p}"],
    },
    "street-light": {
        "fr": [
            "Le lampadaire ne marche plus {p}",
            "Pas de lumière la nuit {p}, il y a des agressions",
            "La lampe clignote toute la nuit {p}",
            "Trois lampadaires éteints {p}",
            "Le poteau de lumière est tombé {p}",
        ],
        "en": ["The street light is off {p}", "No light at night {p}, it is not safe"],
        "pt": ["O candeeiro não funciona {p}", "Não há luz à noite {p}"],
    },
    "waste-pile": {
        "fr": [
            "Tas d'ordures {p}",
            "Les gens jettent les ordures {p}, ça sent mauvais",
            "Dépôt sauvage {p}, personne ne ramasse",
            "Les ordures bloquent le passage {p}",
            "On brûle les déchets {p}, la fumée entre dans les maisons",
        ],
        "en": ["Heap of rubbish {p}", "People dump waste {p}, the smell is very bad"],
        "pt": ["Monte de lixo {p}", "Deitam lixo {p} e cheira muito mal"],
    },
    "full-bin": {
        "fr": [
            "La poubelle est pleine {p}",
            "Le bac déborde {p}, les animaux renversent tout",
            "La benne n'a pas été vidée {p}",
        ],
        "en": ["The bin is full {p}", "The skip {p} has not been emptied"],
        "pt": ["O contentor está cheio {p}", "O caixote não foi esvaziado {p}"],
    },
    "blocked-drain": {
        "fr": [
            "Le caniveau est bouché {p}",
            "Caniveau plein de sable et de plastiques {p}",
            "L'eau sale sort du caniveau {p}",
            "Le caniveau n'a plus de dalle {p}, un enfant est tombé",
            "Il faut curer le caniveau {p} avant la pluie",
        ],
        "en": ["The gutter is blocked {p}", "Dirty water comes out of the drain {p}"],
        "pt": ["A valeta está entupida {p}", "Sai água suja da valeta {p}"],
    },
    "flooding": {
        "fr": [
            "L'eau est entrée dans les maisons {p}",
            "Inondation {p} depuis la pluie de cette nuit",
            "La route est sous l'eau {p}, on ne passe plus",
            "Nos concessions sont dans l'eau {p}, il y a des vieux et des enfants",
            "Le marigot a débordé {p}",
        ],
        "en": ["Our houses are flooded {p}", "The road is under water {p}"],
        "pt": ["A água entrou nas casas {p}", "A estrada está inundada {p}"],
    },
    "water-point": {
        "fr": [
            "La borne-fontaine ne donne plus d'eau {p}",
            "La pompe est en panne {p}, les femmes vont loin",
            "Le robinet est cassé {p}",
            "L'eau de la pompe {p} est trouble",
            "Plus d'eau {p}, la file est très longue",
        ],
        "en": ["The pump is broken {p}", "No water at the standpipe {p}"],
        "pt": ["A bomba está avariada {p}", "Não há água no chafariz {p}"],
    },
    "broken-pipe": {
        "fr": [
            "Fuite d'eau {p}",
            "Un tuyau est cassé {p}, l'eau coule dans la rue",
            "L'eau coule jour et nuit {p}, quel gaspillage",
        ],
        "en": ["Burst pipe {p}, water is running in the street", "Water leak {p}"],
        "pt": ["Cano rebentado {p}", "Fuga de água {p}"],
    },
    "fallen-tree": {
        "fr": [
            "Un arbre est tombé sur la route {p}",
            "Grosse branche cassée par le vent {p}",
            "L'arbre va tomber sur la maison {p}",
        ],
        "en": ["A tree fell across the road {p}"],
        "pt": ["Caiu uma árvore na estrada {p}"],
    },
    "dangerous-building": {
        "fr": [
            "Un mur menace de tomber {p}",
            "La vieille maison en banco s'écroule {p}",
            "Un bâtiment en chantier dangereux {p}, pas de barrière",
        ],
        "en": ["A wall is about to fall {p}"],
        "pt": ["Uma parede vai cair {p}"],
    },
    "noise": {
        "fr": [
            "Trop de bruit la nuit {p}",
            "Le maquis met la musique très fort {p}",
            "Le moulin travaille la nuit {p}, on ne dort pas",
        ],
        "en": ["Loud music every night {p}"],
        "pt": ["Muito barulho à noite {p}"],
    },
    "stray-animals": {
        "fr": [
            "Des bœufs en divagation {p}",
            "Chiens errants {p}, ils ont mordu un enfant",
            "Les chèvres mangent les arbres plantés {p}",
        ],
        "en": ["Stray dogs {p}", "Cattle on the road {p}"],
        "pt": ["Cães vadios {p}", "Vacas na estrada {p}"],
    },
    "abandoned-vehicle": {
        "fr": ["Un camion abandonné {p}", "Une vieille voiture sans roues {p} depuis des mois"],
        "en": ["Abandoned truck {p}"],
        "pt": ["Carro abandonado {p}"],
    },
    "damaged-sign": {
        "fr": ["Le panneau stop est tombé {p}", "Panneau cassé {p}, il y a des accidents"],
        "en": ["The stop sign is down {p}"],
        "pt": ["A placa caiu {p}"],
    },
    "public-toilet": {
        "fr": ["Les toilettes publiques sont bouchées {p}", "Latrines sales et sans porte {p}"],
        "en": ["The public toilet is blocked {p}"],
        "pt": ["A casa de banho pública está entupida {p}"],
    },
    "market-stall": {
        "fr": [
            "Des étals bloquent le passage {p}",
            "Le toit du hangar est troué {p}",
            "On nous demande deux fois la place {p}",
        ],
        "en": ["Stalls block the way {p}"],
        "pt": ["As bancas bloqueiam a passagem {p}"],
    },
    "road-obstruction": {
        "fr": [
            "Du sable de chantier barre la rue {p}",
            "Des gravats sur la route {p}",
            "La rue est fermée pour un baptême {p} sans déviation",
        ],
        "en": ["Building sand blocks the street {p}"],
        "pt": ["Areia de obra tapa a rua {p}"],
    },
    "street-name": {
        "fr": ["Notre rue n'a pas de nom {p}, les secours ne trouvent pas", "La plaque de rue a disparu {p}"],
        "en": ["Our street has no name {p}"],
        "pt": ["A nossa rua não tem nome {p}"],
    },
    "dead-animal": {
        "fr": ["Un âne mort {p}", "Cadavre de chien {p}, l'odeur est forte"],
        "en": ["Dead donkey {p}"],
        "pt": ["Um cão morto {p}"],
    },
    "other": {
        "fr": [
            "Les enfants jouent sur la route {p}, il faut un ralentisseur",
            "Des fils électriques pendent {p}",
            "Il y a trop de poussière {p} avec les camions",
        ],
        "en": ["Electric wires hang low {p}"],
        "pt": ["Há fios elétricos caídos {p}"],
    },
}
_BEFORE = {
    "fr": ["Bonjour. ", "Bonsoir. ", "SVP ", "Salam. ", "Bonjour la mairie. "],
    "en": ["Good morning. ", "Hello. ", "Please, "],
    "pt": ["Bom dia. ", "Boa tarde. "],
}
_AFTER = {
    "fr": [
        ". Merci",
        ". Ça fait {n} jours",
        ". Depuis {n} jours déjà",
        ". Venez vite",
        ". On a déjà appelé",
        ". C'est urgent",
        ". Les enfants passent là pour l'école",
    ],
    "en": [". Thank you", ". It has been {n} days", ". Please come"],
    "pt": [". Obrigado", ". Já são {n} dias", ". Venham depressa"],
}
_SLIPS = [
    ("quartier", "cartier"),
    ("depuis", "dépui"),
    ("lampadaire", "lampadere"),
    ("caniveau", "canivo"),
    ("c'est", "cé"),
    ("beaucoup", "bocou"),
    ("ordures", "ordure"),
    ("mosquée", "mosqué"),
    ("poubelle", "poubele"),
    ("marché", "marcher"),
    ("enfants", "enfant"),
    ("school", "scool"),
    ("rubbish", "rubish"),
    ("estrada", "estrda"),
]
_BARE = str.maketrans("éèêëàâîïôùûçÉÈÊÀÎÔÇãõáíóú", "eeeeaaiiouucEEEAIOCaoaiou")
_DONE = {
    "repaired": [
        "L'équipe est passée, la réparation est faite.",
        "Réparé ce matin. Merci de votre signalement.",
        "Travaux finis et vérifiés par le chef d'équipe.",
        "C'est réparé. Prévenez-nous si le problème revient.",
    ],
    "cleaned": [
        "Nettoyé et enlevé. Merci pour le quartier.",
        "L'équipe est passée ce matin, l'endroit est propre.",
        "Enlevé. Un ramassage est prévu chaque semaine.",
    ],
    "drained": [
        "Le caniveau a été curé, l'eau s'écoule.",
        "L'eau a été pompée, l'équipe reviendra après la prochaine pluie.",
    ],
    "policed": [
        "Les agents sont passés et ont parlé aux personnes concernées.",
        "Une patrouille est passée, le passage est libre.",
        "Constaté et réglé à l'amiable.",
    ],
}
_HOW = {
    **dict.fromkeys(
        (
            "waste-pile",
            "full-bin",
            "dead-animal",
            "public-toilet",
            "road-obstruction",
            "abandoned-vehicle",
            "fallen-tree",
        ),
        "cleaned",
    ),
    **dict.fromkeys(("blocked-drain", "flooding"), "drained"),
    **dict.fromkeys(("noise", "stray-animals", "market-stall", "other"), "policed"),
}
_REFUSED = [
    "Ce terrain est privé : la mairie ne peut pas y intervenir.",
    "Déjà signalé : nous suivons l'autre signalement.",
    "L'équipe n'a rien trouvé à cet endroit.",
    "Cela ne relève pas de la commune, nous avons transmis.",
]
_UNDER_WAY = ["Une équipe est désignée.", "Nous attendons des pièces.", "Intervention prévue cette semaine.", ""]


def replies(category: str, status: str) -> list[str]:
    """What the town hall may answer, in French; "" for nothing."""
    if status == "resolved":
        return _DONE[_HOW.get(category, "repaired")]
    return {"refused": _REFUSED, "in progress": _UNDER_WAY}.get(status, [""])


def _said(name: str, language: str) -> str:
    """A place's name with its article, as it is said in the middle of a sentence."""
    for start, article, english, portuguese in _KINDS:
        if name.startswith(start):
            rest = name[len(start) :]
            if language == "en":
                return english + rest
            if language == "pt":
                return portuguese + rest
            own = name if name.startswith("CSCOM") else name[0].lower() + name[1:]
            return f"{article}{own}" if article.endswith("'") else f"{article} {own}"
    return name


def place(rng: np.random.Generator, landmark: str | None, quarter: str, language: str) -> str:
    """Words for a place: by landmark when there is one near, and by quarter."""
    area = _AREA[language].format(quarter)
    if landmark is None:
        return area
    choices = _WHERE[language]
    words = choices[int(rng.random() * len(choices))].format(_said(landmark, language))
    if language == "fr":
        words = words.replace(" de le ", " du ").replace(" à le ", " au ")
    elif language == "pt":
        words = re.sub(r" de ([ao]) ", r" d\1 ", words)
    return f"{words}, {area}" if rng.random() < 0.35 and quarter not in landmark else words


def text(rng: np.random.Generator, category: str, where: str, language: str, channel: str) -> str:
    """What somebody writes about a problem; short and without accents by SMS."""
    a, b, c, d, e = rng.random(5)
    kinds = _TEXTS[category][language]
    words = kinds[int(a * len(kinds))].format(p=where)
    if b < 0.3 and channel != "counter":
        before = _BEFORE[language]
        words = before[int(b / 0.3 * len(before))] + words
    if c < 0.42:
        after = _AFTER[language]
        words += after[int(c / 0.42 * len(after))].format(n=2 + int(d * 14))
    if channel in ("sms", "web") and d < 0.3:
        for right, wrong in _SLIPS:
            words = words.replace(right, wrong)
    if channel == "sms" and e < 0.7:
        words = words.translate(_BARE)
        if e < 0.2:
            words = words.lower()
    return words
