"""The acts of the demo town: forty, fictional, the same for the same day, and some that change or repeal others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from toguna.engines.documents import search
from toguna.engines.documents.library import actions, reads
from toguna.engines.documents.library.actions import Doing, Written
from toguna.engines.documents.models.library import Act, Kind, Verb
from toguna.kernel import town
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles

_SPACE = uuid.UUID("6f1d7c1e-0d0b-4a55-9a53-5b7f0b9f2c10")
MAYOR, COUNCIL = "Le maire", "Conseil communal"


@dataclass(frozen=True)
class Paper:
    """months: before the day of the demo; articles: their words; changes: (subject of the other, what is done to it)."""

    months: int
    kind: str
    subject: str
    articles: tuple[str, ...]
    changes: tuple[tuple[str, Doing], ...] = ()
    names: str = ""  # the subject of an act that it rests on


MARKET = "portant règlement des marchés de la commune"
WASTE = "portant organisation de la collecte des ordures ménagères"
SPACE = "réglementant l'occupation du domaine public communal"
NOISE = "relatif à la lutte contre le bruit"
ANIMALS = "relatif à la divagation des animaux"
TAXIS = "fixant les conditions d'exploitation des mototaxis"
WATER = "portant règlement de l'usage des bornes-fontaines"
TRAFFIC = "réglementant la circulation des poids lourds en agglomération"

_ONCE = (
    Paper(58, Kind.BYLAW, MARKET, (
        "– Objet\nLe présent arrêté fixe les règles de tenue des marchés de la commune.",
        "– Heures\nLes marchés sont ouverts de 6 heures à 18 heures. Ils sont fermés le jour de leur nettoyage.",
        "– Étals\nChaque étal porte un numéro. Nul n'occupe un étal sans autorisation du receveur des marchés.",
        "– Hygiène\nLes vendeurs de viande et de poisson tiennent leur étal couvert et lavé à la fin de chaque journée.",
        "– Sanctions\nToute infraction au présent arrêté est punie des peines de simple police.",
    )),
    Paper(55, Kind.BYLAW, WASTE, (
        "Les ordures ménagères sont déposées dans les bacs de la commune, entre 18 heures et 22 heures.",
        "Il est interdit de jeter des ordures dans les caniveaux, les marigots et sur la voie publique.",
        "Les groupements de collecte agréés passent deux fois par semaine dans chaque quartier.",
    )),
    Paper(52, Kind.BYLAW, SPACE, (
        "Toute occupation du domaine public communal est soumise à une autorisation du maire.",
        "L'autorisation est personnelle, précaire et révocable. Elle donne lieu à une redevance.",
        "Un passage libre de 1,50 mètre est laissé aux piétons et aux personnes en fauteuil roulant.",
    )),
    Paper(49, Kind.BYLAW, NOISE, (
        "Les haut-parleurs sont interdits sur la voie publique de 22 heures à 6 heures.",
        "Les cérémonies familiales font l'objet d'une déclaration à la mairie trois jours avant.",
    )),
    Paper(47, Kind.BYLAW, ANIMALS, (
        "Il est interdit de laisser divaguer les animaux sur la voie publique.",
        "Les animaux trouvés errants sont conduits à la fourrière communale. Leur propriétaire a huit jours pour les reprendre.",
        "Les frais de fourrière sont fixés par délibération du conseil communal.",
    )),
    Paper(44, Kind.BYLAW, TAXIS, (
        "Nul n'exploite une mototaxi sans licence délivrée par la mairie.",
        "Le conducteur porte un gilet numéroté et un casque, et en tient un second pour son passager.",
        "Les stationnements des mototaxis sont marqués au sol. La prise de passagers devant les écoles est interdite.",
    )),
    Paper(41, Kind.BYLAW, WATER, (
        "Les bornes-fontaines sont ouvertes de 5 heures 30 à 20 heures.",
        "Le prix du seau de 20 litres est affiché à chaque borne-fontaine.",
        "Toute panne est signalée à la mairie le jour même.",
    )),
    Paper(39, Kind.BYLAW, TRAFFIC, (
        "La circulation des véhicules de plus de 10 tonnes est interdite en agglomération de 7 heures à 20 heures.",
        "Les véhicules de secours, de voirie et de ramassage des ordures ne sont pas concernés.",
    )),
    Paper(36, Kind.BYLAW, "modifiant les heures d'ouverture des marchés", (
        "Les heures d'ouverture des marchés sont modifiées comme il suit.",
        "Le régisseur des marchés est chargé de l'exécution du présent arrêté.",
    ), (
        (MARKET, Doing("", Verb.REPLACE, "2", "", "", "Les marchés sont ouverts de 5 heures 30 à 19 heures. Ils sont fermés le lundi matin pour leur nettoyage.")),
    ), MARKET),
    Paper(33, Kind.DELIBERATION, "portant création d'un comité de gestion de l'eau", (
        "Il est créé un comité de gestion de l'eau de neuf membres, dont quatre femmes au moins.",
        "Le comité rend compte au conseil communal deux fois par an.",
    ), (), WATER),
    Paper(30, Kind.BYLAW, "complétant le règlement des marchés", (
        "Il est ajouté au règlement des marchés un article sur la prévention des incendies.",
    ), (
        (MARKET, Doing("", Verb.ADD, "4 bis", "4", "Incendies", "Les foyers sont interdits sous les halles. Un extincteur est tenu à chaque entrée.")),
    ), MARKET),
    Paper(27, Kind.DELIBERATION, "fixant les frais de la fourrière communale", (
        "Les frais de garde sont de 1 000 francs CFA par jour pour un petit ruminant et de 2 500 francs CFA pour un bovin.",
    ), (), ANIMALS),
    Paper(24, Kind.BYLAW, "portant nouvelle organisation de la collecte des ordures ménagères", (
        "La collecte des ordures ménagères se fait de porte à porte, trois fois par semaine.",
        "Le tri des matières plastiques est obligatoire dans les marchés.",
        "L'arrêté précédent sur le même objet est abrogé.",
    ), ((WASTE, Doing("", Verb.REPEAL)),), WASTE),
    Paper(20, Kind.DELIBERATION, "autorisant la construction d'une école fondamentale de six classes", (
        "Le maire est autorisé à lancer la construction d'une école de six classes avec latrines séparées et point d'eau.",
        "La dépense est imputée au budget d'investissement.",
    )),
    Paper(18, Kind.DECISION, "portant nomination des membres de la commission d'ouverture des plis", (
        "La commission d'ouverture des plis est composée de cinq membres.",
    )),
    Paper(15, Kind.BYLAW, "interdisant temporairement le pâturage dans la plaine inondable", (
        "Le pâturage est interdit dans la plaine inondable du 1er juillet au 31 octobre.",
        "Les couloirs de passage du bétail restent ouverts.",
    ), (), ANIMALS),
    Paper(12, Kind.DELIBERATION, "approuvant le programme de développement économique, social et culturel", (
        "Le programme de développement économique, social et culturel est approuvé pour cinq ans.",
        "Il est affiché à la mairie et dans chaque quartier.",
    )),
    Paper(9, Kind.BYLAW, "modifiant les conditions d'exploitation des mototaxis", (
        "Le règlement des mototaxis est modifié en son article 3.",
    ), (
        (TAXIS, Doing("", Verb.REPLACE, "3", "", "", "Les stationnements des mototaxis sont marqués au sol et éclairés. La prise de passagers à moins de 50 mètres d'une école est interdite.")),
    ), TAXIS),
    Paper(6, Kind.BYLAW, "réglementant la vente d'eau en sachet et les emballages plastiques", (
        "La vente d'eau en sachet est interdite à moins de 100 mètres des écoles.",
        "Les vendeurs tiennent à disposition un bac pour les sachets vides.",
    ), (), WATER),
    Paper(2, Kind.BYLAW, "portant fermeture de la rue du Fleuve pour travaux", (
        "La rue du Fleuve est fermée à la circulation pendant les travaux de drainage.",
        "Une déviation est mise en place. L'accès des riverains à pied reste possible.",
    ), (), TRAFFIC),
)  # fmt: skip
# What comes back every year: (months before the day of the demo, kind, subject, words of its articles).
_YEARLY = (
    (10, Kind.DELIBERATION, "adoptant le budget primitif de l'exercice {year}", (
        "Le budget primitif de l'exercice {year} est arrêté en recettes et en dépenses à {amount} millions de francs CFA.",
        "Le maire et le receveur communal sont chargés de son exécution.",
    )),
    (7, Kind.DELIBERATION, "approuvant le compte administratif de l'exercice {before}", (
        "Le compte administratif de l'exercice {before} est approuvé.",
        "Il est affiché à la mairie pendant quinze jours.",
    )),
    (5, Kind.DELIBERATION, "fixant les taxes et redevances pour l'exercice {year}", (
        "La redevance d'un étal couvert est de {stall} francs CFA par mois.",
        "La redevance d'occupation du domaine public est de {pavement} francs CFA par mètre carré et par mois.",
        "Les personnes handicapées qui tiennent elles-mêmes leur étal en sont exemptées.",
    )),
    (3, Kind.BYLAW, "portant organisation des journées de salubrité de l'année {year}", (
        "Une journée de salubrité est tenue le dernier samedi de chaque mois, de 7 heures à 11 heures.",
        "Les chefs de quartier réunissent le matériel la veille.",
    )),
)  # fmt: skip


def papers(until: date) -> Iterator[Paper]:
    """Forty, the oldest first."""
    found = list(_ONCE)
    for back in range(5):
        for months, kind, subject, articles in _YEARLY:
            year = _before(until, months + 12 * back).year
            values = {
                "year": year,
                "before": year - 1,
                "amount": 412 - 23 * back,
                "stall": 3000 - 250 * back,
                "pavement": 500 - 50 * back,
            }
            words = tuple(a.format(**values) for a in articles)
            found.append(Paper(months + 12 * back, kind, subject.format(**values), words))
    return iter(sorted(found, key=lambda paper: -paper.months))


def _before(until: date, months: int) -> date:
    year, month = divmod(until.year * 12 + until.month - 1 - months, 12)
    return date(year, month + 1, min(until.day, 28))


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: an act that is there already stays."""
    done: dict[str, Act] = {}
    for n, paper in enumerate(papers(files.until)):
        act = _act(paper, _before(files.until, paper.months), done)
        done[paper.subject] = act
        files.progress("acts", (n + 1) / 40)
    search.count_words()


def _act(paper: Paper, day: date, done: dict[str, Act]) -> Act:
    client_id = uuid.uuid5(_SPACE, f"{day} {paper.subject}")
    if act := Act.objects.filter(client_id=client_id).first():
        return act
    by_council = paper.kind == Kind.DELIBERATION
    lines = ["Le conseil communal," if by_council else "Le maire,", "Vu le code des collectivités territoriales ;"]
    if paper.names:
        lines.append(f"Vu l'arrêté n° {done[paper.names].reference} {paper.names} ;")
    lines.append("DÉLIBÈRE :" if by_council else "ARRÊTE :")
    for n, words in enumerate(paper.articles, start=1):
        lines.append(f"Article {n} {words}" if words.startswith("– ") else f"Article {n}. {words}")
    lines += [
        f"Fait à {town.current().name}, le {day:%d/%m/%Y}",
        "Le président de séance" if by_council else "Le maire",
    ]
    written = Written(paper.kind, "fr", COUNCIL if by_council else MAYOR, paper.subject, day, "\n\n".join(lines))
    act = actions.save(None, written, by=SYSTEM, client_id=client_id)
    for subject, doing in paper.changes:
        target = done[subject]
        said = Doing(
            f"{_WORD[target.kind]} {target.reference}",
            doing.verb,
            doing.article,
            doing.after,
            doing.heading,
            doing.words,
        )
        actions.add_change(act.pk, said, by=SYSTEM)
    return actions.publish(act.pk, by=SYSTEM, published=min(day, reads.today()))


_WORD: dict[str, str] = {Kind.BYLAW: "arrêté", Kind.DELIBERATION: "délibération", Kind.DECISION: "décision"}
