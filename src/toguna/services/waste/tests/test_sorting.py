"""Points: earned by the kilo, spent by code, never below zero; campaigns, and what they changed."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.gis.geos import Point
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste import households
from toguna.services.waste.models import Household, Material, PointEntry, Reward, SortingCampaign, Voucher, WastePlace
from toguna.services.waste.sorting import actions, campaigns, reads
from toguna.services.waste.tests.conftest import HOME, OTHER, zone

SHOP = "+22370000050"


@pytest.fixture
def home(town):
    return households.keep(HOME, spot=households.read_spot("Mosquée de Nord"), language="en")


@pytest.fixture
def reward(town):
    return Reward.objects.create(slug="soap", titles={"en": "A bar of soap"}, points=100, value=250)


@pytest.fixture
def shop(town):
    return WastePlace.objects.create(
        code="SHOP22", kind="reward", name="Chez Fanta", phone=SHOP, point=Point(0.05, 0.05, srid=4326), zone=town.north
    )


def plastic() -> Material:
    return Material.objects.get(slug="plastic")


def test_from_the_kilo_to_the_soap(say, home, reward, shop, hire):
    agent = hire("agent")
    form = {"client_id": str(uuid.uuid4()), "card": home.code.lower(), "material": "plastic", "kilos": "12.5"}
    for _again in range(2):
        agent.post("/desk/waste/sorting/", form)
    home.refresh_from_db()
    assert home.points == 125, "ten points a kilo, once"
    asked = say("MY POINTS")
    assert "125" in asked and home.code in asked and "1 A bar of soap" in asked
    answer = say("1")
    row = Voucher.objects.get()
    home.refresh_from_db()
    assert row.code in answer and home.points == 25
    assert "not one of theirs" in say(f"VOUCHER {row.code}", OTHER)
    assert "soap" in say(f"VOUCHER {row.code}", SHOP)
    again = say(f"VOUCHER {row.code}", SHOP)
    assert "already" in again and "Give nothing more" in again, "shown twice in the same shop, it is worth once"
    other = WastePlace.objects.create(
        code="SHOP33", kind="reward", name="Autre", phone="+22370000051", point=shop.point
    )
    assert "used already" in say(f"VOUCHER {row.code}", other.phone)
    shop.refresh_from_db()
    assert ledger.balance("401", payer=shop.payer_id) == -250 and ledger.balance("6583") == 250
    assert "25" in say("MY POINTS")


def test_what_was_spent_says_on_what_and_where_the_code_is_shown(home, reward, hire):
    fanta = hire("agent")
    person = people.person_for(name="Fanta", phone=HOME)
    people.Account.objects.filter(pk=fanta.account.pk).update(person=person)
    Household.objects.filter(pk=home.pk).update(person=person)
    actions.earn(home, plastic(), 20_000, key="a", by=SYSTEM)
    page = fanta.get("/waste/mine").content.decode()
    assert "A bar of soap – 100 points" in page and "you get a code" in page and "for a voucher" not in page
    row = actions.redeem(home, reward, client_id=uuid.uuid4(), by=SYSTEM)
    page = fanta.get("/waste/mine").content.decode()
    assert "−100</strong> – changed for a voucher" in page and "/waste/places?kind=reward" in page
    Voucher.objects.filter(pk=row.pk).update(until=timezone.localdate() - timedelta(days=1))
    actions.expire(timezone.localdate())
    page = fanta.get("/waste/mine").content.decode()
    assert "+100</strong> – a voucher that was not used" in page and "/waste/places?kind=reward" not in page


@hypothesis(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("earn"), st.integers(0, 5), st.integers(1, 30_000)),
            st.tuples(st.just("redeem"), st.integers(0, 5), st.just(0)),
            st.tuples(st.just("expire"), st.just(0), st.just(0)),
        ),
        max_size=14,
    )
)
def test_points_are_what_the_entries_say_and_never_below_zero(home, reward, steps):
    salt = uuid.uuid4()
    for what, key, grammes in steps:
        try:
            if what == "earn":
                actions.earn(home, plastic(), grammes, key=f"{salt}:{key}", by=SYSTEM)
            elif what == "redeem":
                actions.redeem(home, reward, client_id=uuid.uuid5(salt, str(key)), by=SYSTEM)
            else:
                actions.expire(timezone.localdate() + timedelta(days=100))
        except actions.Refused:
            pass
        home.refresh_from_db()
        assert home.points == sum(PointEntry.objects.filter(household=home).values_list("points", flat=True)) >= 0


def test_a_voucher_that_nobody_used_gives_its_points_back_once(home, reward, shop):
    actions.earn(home, plastic(), 10_000, key="a", by=SYSTEM)
    row = actions.redeem(home, reward, client_id=uuid.uuid4(), by=SYSTEM)
    later = timezone.localdate() + timedelta(days=100)
    assert (actions.expire(later), actions.expire(later)) == (1, 0)
    home.refresh_from_db()
    assert home.points == 100
    with pytest.raises(actions.Refused):
        actions.use(row.code, shop, by=SYSTEM)


def crowd(town, zone, many: int, street: int, name: str) -> list[Household]:
    rows = [
        Household(
            code=f"{street}{n:05d}",
            address=f"+2237{street}{n:06d}",
            zone=zone,
            street=street,
            street_name=name,
            language="en",
        )
        for n in range(many)
    ]
    return Household.objects.bulk_create(rows)


def test_streets_of_five_households_are_ranked_and_smaller_ones_are_nobodys_business(town, client):
    for home in crowd(town, town.north, 6, 11, "Rue longue"):
        actions.earn(home, plastic(), 2_000, key=f"a{home.pk}", by=SYSTEM)
    for home in crowd(town, town.north, 4, 12, "Rue courte"):
        actions.earn(home, plastic(), 9_000, key=f"a{home.pk}", by=SYSTEM)
    page = client.get("/waste/sorting", headers={"accept-language": "en"}).content.decode()
    assert "Rue longue" in page and "Rue courte" not in page and "+2237" not in page


def test_difference_in_differences_by_hand():
    gain, low, high = reads.difference({1: (1, 3), 2: (1, 2.6)}, {3: (1, 1.2), 4: (2, 2.0)})
    # changes 2.0 and 1.6 against 0.2 and 0.0: 1.8 - 0.1 = 1.7; standard error sqrt(0.08/2 + 0.02/2) = 0.2236, 1.47 degrees: t of 1
    assert gain == pytest.approx(1.7) and (high - low) / 2 == pytest.approx(12.706 * 0.2236, rel=1e-3)
    assert reads.difference({1: (1, 3)}, {2: (1, 1)}) == (2, None, None)
    assert reads.difference({1: (1, 3)}, {}) == (None, None, None)


def test_a_campaign_is_told_once_counts_double_and_is_measured(town, hire, django_assert_max_num_queries):
    today = timezone.localdate()
    treated, left = crowd(town, town.north, 5, 11, "Rue A"), crowd(town, town.south, 5, 12, "Rue B")
    begin = today - timedelta(weeks=4)
    told = campaigns.Told(
        "spring",
        {"en": "Spring"},
        {"en": "Plastic counts double."},
        begin,
        today + timedelta(days=7),
        [town.north.pk],
        [town.south.pk],
        plastic(),
        Decimal(1),
        200,
    )
    row = campaigns.save(None, told, by=SYSTEM)
    assert campaigns.tell(row, by=SYSTEM) and not campaigns.tell(row, by=SYSTEM)
    run_jobs()
    assert Message.objects.filter(text="Plastic counts double.").count() == 5
    for week in range(-8, 4):
        at = timezone.now() - timedelta(weeks=4) + timedelta(weeks=week, hours=12)
        for home in (*treated, *left):
            kilos = 3 if week >= 0 and home in treated else 1
            entry = PointEntry(
                key=f"{home.pk}:{week}",
                household=home,
                points=10,
                material=plastic(),
                grammes=kilos * 1000,
                zone=home.zone,
                at=at,
            )
            entry.save(force_insert=True)
    found = reads.effect(row, today)
    assert found is not None and found.gain == pytest.approx(2.0, abs=0.01) and found.low is None
    earned = actions.earn(treated[0], plastic(), 1_000, key="now", by=SYSTEM)
    assert earned is not None and (earned.points, earned.campaign) == (20, row)
    client = hire("manager")
    with django_assert_max_num_queries(30):
        page = client.get(f"/desk/waste/sorting/{row.slug}").content.decode()
    assert "+2.00 kg a household a week beside" in page and "<svg" in page and "cannot be said" in page
    form = {
        "since": begin.isoformat(),
        "until": today.isoformat(),
        "zones": [town.north.pk],
        "compared": [town.north.pk],
        "target": "1",
        "times": "100",
        "title_fr": "Autre",
    }
    assert "left out" in client.post("/desk/waste/sorting/new", form).content.decode()
    client.post("/desk/waste/sorting/new", form | {"compared": []})
    made = SortingCampaign.objects.exclude(pk=row.pk).get()
    assert list(made.compared.values_list("pk", flat=True)) == [town.south.pk], "the most alike are proposed"
    assert hire("agent").get("/desk/waste/sorting/new").status_code == 403


def test_what_is_compared_is_kept_apart_from_every_campaign_and_a_name_is_one(town, hire):
    crowd(town, town.north, 3, 11, "Rue A")
    crowd(town, town.south, 3, 12, "Rue B")
    client, day = hire("manager"), timezone.localdate() + timedelta(days=10)

    def send(title: str, zone: int, compared: list[int], begins: int = 0, material: str = "plastic") -> str:
        since = day + timedelta(days=begins)
        form = {
            "since": since.isoformat(), "until": (since + timedelta(days=20)).isoformat(), "zones": [zone], "compared": compared,
            "material": material, "target": "1", "times": "100", "title_en": title, "title_fr": title,
        }  # fmt: skip
        answer = client.post("/desk/waste/sorting/new", form)
        return "kept" if answer.status_code == 302 else unescape(answer.content.decode())

    north, south = town.north.pk, town.south.pk
    assert send("Spring", north, [south]) == "kept"
    assert "There is a campaign of this name already that begins on this day" in send("Spring", north, [])
    assert "Sud cannot have it: the campaign “Spring”" in send("Summer", south, [], 20), "on its last day"
    assert "Sud cannot have it" in send("All of it", south, [], material="")
    assert send("Glass", south, [], material="glass") == "kept", "another material spoils nothing"
    assert send("Summer", south, [], 21) == "kept"
    assert "Sud cannot be compared: the campaign “Summer” runs there" in send("Late", north, [south], 30)
    assert "Nord cannot have it: the campaign “Summer”" in send("Late", north, [], 30), "it was proposed to compare"
    SortingCampaign.objects.latest("pk").compared.clear()
    assert send("Late", north, [], 30) == "kept"
    late = SortingCampaign.objects.latest("pk")
    assert not late.compared.exists(), "a district that has a campaign is not proposed"
    assert SortingCampaign.objects.count() == 4


class Measured:
    """A campaign in Nord and Est for four weeks, not in Sud and Ouest; `many` households of each, of whom `sorting` sort: the others
    never do. Those of the campaign sort `after` kilos a week since, 1 before; in week `quiet`, one of each district does."""

    def __init__(self, town, many: int = 6, sorting: int = 6, after: float = 3, ended: int = 0, quiet: int = 9) -> None:
        zones = [
            town.north, zone("Est", 0.2, 0, 0.3, 0.1), town.south, zone("Ouest", 0.3, 0, 0.4, 0.1),
        ]  # fmt: skip
        self.since = timezone.localdate() - timedelta(weeks=4, days=ended)
        until = timezone.localdate() - timedelta(days=ended) if ended else timezone.localdate() + timedelta(days=9)
        self.row = SortingCampaign.objects.create(
            slug="spring", titles={"en": "Spring"}, since=self.since, until=until, material=plastic()
        )
        self.row.zones.set(zones[:2])
        self.row.compared.set(zones[2:])
        self.homes = [crowd(town, each, many, 20 + n, f"Rue {n}") for n, each in enumerate(zones)]
        entries = []
        for n, homes in enumerate(self.homes):
            for number, home in enumerate(homes[:sorting]):
                for week in {*range(-8, 4)}.difference({quiet} if number else ()):
                    kilos = (after if n < 2 else 1) + n / 10 if week >= 0 else 1
                    entries.append(self.entry(home, week, kilos))
        PointEntry.objects.bulk_create(entries)

    def entry(self, home: Household, week: int, kilos: float) -> PointEntry:
        at = timezone.make_aware(datetime.combine(self.since, time(12))) + timedelta(weeks=week)
        return PointEntry(
            key=f"{home.pk}:{week}", household=home, points=10, material=plastic(), grammes=int(kilos * 1000), zone=home.zone,
            at=at, campaign=self.row if week >= 0 and home.zone_id in campaigns.zones_of(self.row) else None,
        )  # fmt: skip


def sorting_page(client) -> str:
    return " ".join(client.get("/waste/sorting", headers={"accept-language": "en"}).content.decode().split())


def test_residents_read_what_a_campaign_reached(town, client, django_assert_max_num_queries):
    Measured(town)
    with django_assert_max_num_queries(20):
        page = sorting_page(client)
    # Changes 2.0 and 2.1 against 0.2 and 0.3: 1.8; standard error 0.0707, 2 degrees of freedom: t of 4.303
    assert (
        "sorted 1.80&nbsp;kg more a week than in like districts without it (very probably between 1.50 and 2.10&nbsp;kg)"
        in page
    )
    assert '<svg class="chart slim"' in page and "so far; target" in page and "Est, Nord, until" in page


def test_that_they_sorted_less_is_said_too_and_what_ended_is_remembered(town, client):
    Measured(town, after=0.2, ended=30)
    page = sorting_page(client)
    assert (
        "sorted 1.00&nbsp;kg less a week than in like districts without it (very probably between 0.70 and 1.30&nbsp;kg)"
        in page
    )
    assert "Est, Nord, ended on" in page and "so far; target" not in page


@pytest.mark.parametrize(
    "made",
    [
        {"many": 4, "sorting": 4},  # a district of four households
        {"many": 50, "sorting": 2},  # four households sorted, in two districts
        {"after": 1.15},  # it may be chance
        {"ended": 91},  # it is long ago
    ],
)
def test_what_could_be_somebodys_or_chance_is_not_told(town, client, made):
    measured = Measured(town, **made)
    assert reads.reached(measured.row, timezone.localdate()) is None or made.get("ended")
    page = sorting_page(client)
    assert "very probably" not in page and '<svg class="chart' not in page
    if made.get("sorting") == 2:
        assert "so far" not in page, "nor the mean of four"


def test_a_week_in_which_few_sorted_hides_the_drawing_and_not_what_was_reached(town, client):
    Measured(town, quiet=-3)
    page = sorting_page(client)
    assert "very probably" in page and '<svg class="chart' not in page and "The same as a table" not in page
