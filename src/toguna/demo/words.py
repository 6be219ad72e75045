"""Names that sound as if they belonged there. Quarters have names common in the region,
or made up from them; persons are combinations of common first and family names."""

from __future__ import annotations

import numpy as np


def _each(names: str) -> list[str]:
    return names.split("|")


TOWN = "Soundiakoura"

_QUARTERS = _each(
    "Hamdallaye|Sabon Gari|Zongo|Dougoutiguila|Médina Koura|Koïratégui|Bozola Ba|Djoliba Da|Nafadji|Tilwatenga|"
    "Sansanné|Kossobougou|Gaweye Béri|Fadakoro|Wuro Modi|Sirakoro Dounfing|Bankoni Woro|Guidan Noma|"
    "Tanghin Yaar|Dar Es Salam|Kalabanbougou|Tudun Wada|Missirakoura|Wattaradaga|Goudourey|Yirimassa|"
    "Zogona Peulh|Dialakoroni|Boukoki Koura|Lafiabougou Kô"
)
_HEADS = _each("Sira|Kola|Dia|Fara|Bana|Nia|Tié|Sama|Woro|Koumba|Doun|Gara|Sokoni|Béla|Maran|Kéni")
_TAILS = _each("bougou|koura|kin|dougou|tenga|koïra|yiri|so|woro|kolon|kèna|tégui")
_FIRST_F = _each(
    "Aminata|Fatoumata|Mariam|Awa|Salimata|Haoua|Ramatou|Kadiatou|Djénéba|Rokia|Safi|Binta|Zeinabou|Assétou|Oumou|Nana"
)
_FIRST_M = _each(
    "Moussa|Ibrahim|Seydou|Abdoulaye|Issa|Boubacar|Adama|Souleymane|Amadou|Yacouba|Drissa|Hamidou|Bakary|Oumarou|"
    "Idrissa|Lassana"
)
_FAMILY = _each(
    "Traoré|Coulibaly|Diarra|Maïga|Touré|Ouédraogo|Sawadogo|Diallo|Barry|Sidibé|Konaté|Keïta|Cissé|Kaboré|"
    "Issoufou|Dembélé|Sangaré|Camara|Sissoko|Yattara"
)
_PORTUGUESE = _each(
    "Domingas Mendes|Augusto Gomes|Fátima Baldé|Armando Sanhá|Quinta Cá|Braima Djaló|Maria Correia|Iancuba Indjai"
)
_ENGLISH = _each(
    "Kwame Mensah|Grace Boateng|Musa Ibrahim|Blessing Okoro|Joseph Kamara|Hawa Conteh|Esther Johnson|Samuel Tetteh"
)
AVENUES = _each(
    "Avenue de l'Indépendance|Avenue de la Concorde|Avenue du Fleuve|Avenue des Manguiers|Avenue de la Mairie|"
    "Avenue du Grand Marché|Avenue des Caïlcédrats|Avenue de la Paix|Avenue du 8-Mars|Avenue de l'Unité|"
    "Avenue des Tisserands|Avenue de la Jeunesse"
)
BOULEVARDS = _each(
    "Boulevard Circulaire|Boulevard des Potiers|Boulevard du Nord|Boulevard Périphérique|Boulevard des Jardins|"
    "Boulevard de l'Aérodrome|Boulevard du Barrage"
)
STREETS = _each(
    "Rue des Teinturières|Rue des Bouchers|Rue du Puits|Rue de l'École|Rue des Forgerons|Rue du Cinéma|"
    "Rue des Nattes|Rue des Pêcheurs|Rue de la Poste|Rue du Château d'Eau|Rue des Griots|Rue du Dispensaire|"
    "Rue des Bijoutiers|Rue du Karité|Rue de la Gare Routière|Rue des Baobabs|Rue du Tribunal|Rue de l'Abattoir|"
    "Rue du Stade|Rue des Brodeurs|Rue de la Patience|Rue du Marigot|Rue des Cordonniers|Rue du Vieux Fromager"
)
NEIGHBOURS = _each(
    "Kolombalani|Sankaréla|Niagoulé|Toumandougou|Wérékoïra|Famalaso|Gondiéna|Bassitenga|Dianwéla|Safarani|"
    "Tioroniama|Moulébiri|Koumantou Ba"
)
SAINTS = _each(
    "Église Saint-Kizito|Église Sainte-Bakhita|Église évangélique Bethel|Église Saint-Joseph|Temple Emmanuel"
)
PHARMACIES = _each(
    "Lafia|Kènèya|du Marché|de l'Amitié|Salama|du Fleuve|Espérance|Nieta|du Pont|Al Afiya|Badenya|de la Paix"
)
FUEL = _each("Sira Pétrole|Djigui Énergie|Sahélia|Kamben Oil")


def quarters(rng: np.random.Generator, count: int) -> list[str]:
    """That many different names of quarters."""
    composed = [head + tail for head in _HEADS for tail in _TAILS]
    names = [
        *(_QUARTERS[i] for i in rng.permutation(len(_QUARTERS))),
        *(composed[i] for i in rng.permutation(len(composed))),
    ]
    return names[:count]


def person(rng: np.random.Generator, language: str = "fr") -> str:
    """A made-up person's name."""
    if language == "pt":
        return str(rng.choice(_PORTUGUESE))
    if language == "en":
        return str(rng.choice(_ENGLISH))
    first = _FIRST_F if rng.random() < 0.5 else _FIRST_M
    return f"{rng.choice(first)} {rng.choice(_FAMILY)}"
