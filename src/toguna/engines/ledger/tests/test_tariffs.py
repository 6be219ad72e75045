"""Tariffs: data with its act, tried by anyone, written without code, never changed once it holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.ledger import demo
from toguna.engines.ledger.models import Tariff
from toguna.engines.ledger.tariffs import actions, pricing, reads
from toguna.kernel.access import NOBODY, Denied


@pytest.fixture
def tariffs(db):
    demo.load(None)


def price(rule, **more):
    measures = more.pop("measures", {})
    return pricing.quote(rule, measures, "XOF", words="Stall", **more)


@pytest.mark.parametrize(
    ("rule", "measures", "total"),
    [
        ({"type": "flat", "amount": 500}, {}, 500),
        ({"type": "flat", "amount": 500, "times": "days"}, {"days": 3}, 1500),
        ({"type": "unit", "by": "m2", "price": 750, "least": 2500}, {"m2": "2"}, 2500),
        ({"type": "unit", "by": "m2", "price": 750, "round": 25}, {"m2": "3,33"}, 2500),
        ({"type": "unit", "by": "kg", "price": "12.5"}, {"kg": "10,2"}, 128),
        ({"type": "band", "by": "m2", "bands": [["10", 100], ["20", 200], [None, 900]]}, {"m2": 10}, 100),
        ({"type": "band", "by": "m2", "bands": [["10", 100], ["20", 200], [None, 900]]}, {"m2": "10.01"}, 200),
        ({"type": "steps", "by": "kg", "bands": [["100", 10], [None, 5]]}, {"kg": 150}, 1250),
        ({"type": "unit", "by": "m2", "price": 100, "most": 1000}, {"m2": 50}, 1000),
        ({"type": "unit", "by": "m2", "price": 100, "zones": {"7": 150}}, {"m2": 10}, 1000),
    ],
)
def test_what_a_rule_gives(rule, measures, total):
    pricing.check(rule)
    assert price(rule, measures=measures).total == total


def test_a_price_explains_itself_line_by_line():
    rule = {"type": "unit", "by": "m2", "price": 100, "zones": {"7": 150},
            "exemptions": [{"code": "school", "words": {"en": "School"}, "percent": 50}]}  # fmt: skip
    with translation.override("en"):
        found = price(rule, measures={"m2": 10}, zones=[7], exemptions=["school"])
    assert [(one.kind, one.amount) for one in found.lines] == [
        ("principal", 1000),
        ("principal", 500),
        ("rebate", -750),
    ]
    assert "10 m² × 100" in found.lines[0].words and "School (−50 %)" in found.lines[2].words


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "NaN", "1e99", None, "12;5"])
def test_no_measure_is_guessed(wrong):
    with pytest.raises(pricing.Missing):
        price({"type": "unit", "by": "m2", "price": 1}, measures={"m2": wrong})


@pytest.mark.parametrize(
    "rule",
    [
        None, {}, {"type": "magic"}, {"type": "flat", "amount": -1}, {"type": "flat", "amount": 1.5}, {"type": "unit", "price": 5},
        {"type": "unit", "by": "m2", "price": "x"}, {"type": "band", "by": "m2", "bands": []},
        {"type": "band", "by": "m2", "bands": [[None, 5], ["10", 9]]}, {"type": "band", "by": "m2", "bands": [["10", 5], ["10", 9]]},
        {"type": "flat", "amount": 1, "least": 5, "most": 2}, {"type": "flat", "amount": 1, "zones": {"x": 5}},
        {"type": "flat", "amount": 1, "exemptions": [{"code": "a", "percent": 101}]},
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(pricing.BadRule):
        pricing.check(rule)


@given(
    st.sampled_from(["flat", "unit", "band", "steps"]),
    st.lists(
        st.tuples(st.integers(1, 500), st.integers(0, 10_000)), min_size=1, max_size=5, unique_by=lambda one: one[0]
    ),
    st.decimals(0, 1000, places=2),
    st.one_of(st.none(), st.integers(0, 5000)),
    st.sampled_from([1, 5, 25, 100]),
    st.integers(1, 100),
)
def test_any_price_is_the_sum_of_its_lines_and_never_below_zero(kind, bands, measured, least, to, percent):
    rule = {"type": kind, "amount": bands[0][1], "by": "m2", "price": bands[0][1], "round": to,
            "bands": [[str(upto), each] for upto, each in sorted(bands)] + [[None, 7]],
            "exemptions": [{"code": "a", "percent": percent}]}  # fmt: skip
    if least is not None:
        rule["least"] = least
    pricing.check(rule)
    whole = price(rule, measures={"m2": measured})
    less = price(rule, measures={"m2": measured}, exemptions=["a"])
    assert 0 <= less.total <= whole.total and sum(line.amount for line in less.lines) == less.total
    if kind == "steps" and to == 1 and least is None:
        more = price(rule, measures={"m2": measured + 1})
        assert more.total >= whole.total - 1, "more never costs less"
    assert least is None or whole.total >= least


def test_anyone_asks_what_it_costs(tariffs):
    client = Client(headers={"accept-language": "en"})
    page = client.get("/prices/", {"q": "patentes"})
    assert page.status_code == 200 and b"Business licence" in page.content and b"Cattle" not in page.content
    page = client.get("/prices/etal", {"m_m2": "8", "m_mois": "2"}).content.decode()
    assert "12,000" in page and "art. 2" in page
    wrong = client.get("/prices/etal", {"m_m2": "eight", "m_mois": "1"})
    assert wrong.status_code == 422 and "m2" in wrong.content.decode()
    assert "500" in client.get("/prices/betail", {"m_têtes": "1"}).content.decode()
    assert client.get("/prices/none").status_code == 404


def test_a_clerk_writes_a_tariff_and_its_next_version(hire, tariffs):
    client = hire("manager")
    today = timezone.localdate()
    told = {
        "title_fr": "Toilettes publiques", "title_pt": "", "title_en": "Public toilets", "kind": "band", "by": "personnes", "bands": "10: 500\n*: 900",
        "law": "Arrêté 12, art. 3", "income": "7088", "since": today.isoformat(), "public": "on", "active": "on",
        "exemptions": "École: 100",
    }  # fmt: skip
    wrong = client.post("/desk/tariffs/new", {**told, "bands": "ten: 5"})
    assert wrong.status_code == 422 and Tariff.objects.filter(slug="toilettes-publiques").count() == 0
    assert client.post("/desk/tariffs/new", told).status_code == 302
    row = Tariff.objects.get(slug="toilettes-publiques")
    assert row.rule["bands"] == [["10", 500], [None, 900]] and row.rule["exemptions"][0]["percent"] == 100
    same_day = client.post(f"/desk/tariffs/{row.pk}", {**told, "bands": "10: 600\n*: 900"})
    assert same_day.status_code == 422 and "another day" in same_day.content.decode()
    later = (today + timedelta(days=30)).isoformat()
    assert (
        client.post(f"/desk/tariffs/{row.pk}", {**told, "bands": "10: 600\n*: 900", "since": later}).status_code == 302
    )
    assert reads.quote(reads.tariff(row.slug), {"personnes": 5}).total == 500
    assert reads.quote(reads.tariff(row.slug, today + timedelta(days=31)), {"personnes": 5}).total == 600


def test_only_who_may_writes_tariffs(hire, tariffs):
    assert hire("agent").get("/desk/tariffs/").status_code == 403
    with pytest.raises(Denied):
        told = actions.Told({"fr": "x"}, "law", "", {"type": "flat", "amount": 5}, "7088")
        actions.write("x", timezone.localdate(), told, by=NOBODY)
