"""A market billed alone, one thing billed at once, and the campaign that comes after: nobody pays twice, and all by the same words."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import date

import pypdfium2 as pdfium
import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel import town
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.revenue.campaigns import actions, markets, notices
from toguna.services.revenue.models import Base, Campaign, Part, Taxed
from toguna.services.revenue.register import actions as register
from toguna.simulate.mpesa import Mpesa
from toguna.simulate.payments import GIVEN

DAY, DUE = date(2026, 1, 15), date(2026, 12, 31)
PAGE = "/desk/revenue/campaigns/"


@pytest.fixture
def places(stall):
    """Two markets 220 m apart: three stalls at the first, one between them and nearer to it, two at the second of which one is written
    down for the first, one far away."""
    layer = Layer.objects.create(slug="facilities", names={"fr": "Équipements"})
    first, second = (
        Feature.objects.create(
            layer=layer, source=f"m:{n}", name=name, kind="market", geom=Point(lon, 12.005, srid=4326)
        )
        for n, (name, lon) in enumerate((("Grand marché", -0.995), ("", -0.993)))
    )
    for n, lon in enumerate((-0.995, -0.9951, -0.9952, -0.9942, -0.993, -0.9929, -0.985)):
        thing = stall(f"Vendeuse {n}", lon=lon)
        Taxed.objects.filter(pk=thing.pk).update(
            words=f"Place {n}", since=date(2025, 1, 1), feature=first.pk if n == 4 else None
        )
    return first, second


def prepared(client, place: str, label: str = "2026") -> str:
    base = Base.objects.get(slug="etal")
    said = {"base": base.pk, "label": label, "day": DAY, "due": DUE, "times": "12", "place": place, "notices": "on"}
    page = client.post(PAGE, said)
    assert page.status_code == 302, page.content.decode()
    return str(page["Location"])


def billed() -> dict[str, str]:
    """{words of the thing: key of its bill}."""
    words = dict(Taxed.objects.values_list("code", "words"))
    found = [(words[one.about], one.key) for one in ledger.Bill.objects.filter(about_kind="taxed")]
    assert len(found) == len(dict(found)), "somebody is billed twice"
    return dict(found)


def test_a_market_is_tried_billed_and_printed_and_then_the_town(places, hire, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    client, (first, second) = hire("manager"), places
    page = client.get(PAGE).content.decode()
    assert f'value="m{first.pk}"' in page and "Grand marché" in page and "Market without a name, Zongo" in page
    address = prepared(client, f"m{first.pk}")
    assert address.endswith(f"etal-2026-m{first.pk}")
    client.post(f"{address}/act", {"do": "try"})
    page = client.get(address).content.decode()
    assert "Grand marché" in page and f"{5 * 12 * 3000:,}" in page and not billed()
    for _twice in range(2):
        client.post(f"{address}/act", {"do": "start"})
        run_jobs()
        assert set(billed()) == {"Place 0", "Place 1", "Place 2", "Place 3", "Place 4"}
    file = Campaign.objects.get().files.get()
    with pdfium.PdfDocument(notices.path(file).read_bytes()) as pdf:
        assert "Grand marché" in pdf[0].get_textpage().get_text_range() and len(pdf) >= 6
    other = prepared(client, f"m{second.pk}", " 2026 ")
    client.post(f"{other}/act", {"do": "start"})
    run_jobs()
    assert set(billed()) == {f"Place {n}" for n in range(6)}
    whole = prepared(client, "")
    client.post(f"{whole}/act", {"do": "start"})
    run_jobs()
    keys = billed()
    assert set(keys) == {f"Place {n}" for n in range(7)} and keys["Place 6"].startswith("etal-2026:")
    again = client.post(
        PAGE,
        {
            "base": Base.objects.get(slug="etal").pk,
            "label": "2026",
            "day": DAY,
            "due": DUE,
            "times": "12",
            "place": f"m{first.pk}",
        },
    )
    assert again.status_code == 422, "one campaign for a market and a period"
    trial = client.get(
        f"{PAGE}tariffs",
        {
            "base": Base.objects.get(slug="etal").pk,
            "day": DAY,
            "times": "12",
            "place": f"m{second.pk}",
            "percent": "110",
        },
    )
    assert trial.status_code == 200 and "<dt>Taxed</dt><dd>1</dd>" in trial.content.decode()


def test_a_market_that_is_not_on_the_map_is_refused(places):
    with pytest.raises(actions.Refused):
        actions.create(
            Base.objects.get(slug="etal"),
            "2026",
            day=DAY,
            due=DUE,
            times={"mois": "12"},
            notices=False,
            by=SYSTEM,
            market=0,
        )
    Feature.objects.filter(pk=places[0].pk).update(valid_to=DAY)
    assert list(markets.named()) == [places[1].pk]


def test_one_new_stall_is_billed_at_once_and_the_campaign_passes_over_it(places, hire, zongo, plateau):
    client = hire("agent", zone=zongo.pk)
    thing = Taxed.objects.get(words="Place 1")
    heirs = [Part.objects.get(taxed__words=f"Place {n}").taxpayer for n in (1, 2, 3)]
    register.share(thing.pk, {heirs[0].pk: 3, heirs[1].pk: 2, heirs[2].pk: 2}, by=SYSTEM)
    now = f"{PAGE}now/{thing.code}"
    assert now in client.get(f"/desk/register/thing/{thing.code}").content.decode()
    assert now in client.get(f"/desk/register/{heirs[0].number}").content.decode()
    said = {"label": "2026", "day": DAY, "due": DUE, "times": "7"}
    assert client.post(now, {**said, "times": ""}).status_code == 422, "by the month, and no months said"
    assert hire("agent", zone=plateau.pk).post(now, said).status_code == 403
    assert hire("reader").post(now, said).status_code == 403
    for words in ("Billed:", "This period was billed already"):
        page = client.post(now, said, follow=True).content.decode()
        assert words in page
    assert "Billed" in client.get(f"/desk/register/thing/{thing.code}").content.decode()
    bills = list(ledger.Bill.objects.filter(about=thing.code).order_by("pk"))
    assert [one.amount for one in bills] == [9000, 6000, 6000] and ledger.balance(ledger.RECEIVABLE) == 21_000
    # Another stall just like it, by the campaign: the same words to the letter, but for the name of the place.
    twin = Taxed.objects.get(words="Place 0")
    register.share(twin.pk, {heirs[0].pk: 3, heirs[1].pk: 2, heirs[2].pk: 2}, by=SYSTEM)
    row = actions.create(
        Base.objects.get(slug="etal"), "2026", day=DAY, due=DUE, times={"mois": "7"}, notices=False, by=SYSTEM
    )
    actions.start(row.pk, by=SYSTEM)
    run_jobs()
    assert (
        ledger.Bill.objects.filter(about=thing.code).count() == 3
        and ledger.Bill.objects.filter(about=twin.code).count() == 3
    )

    # Begun again, it bills nobody for what another has had of the period: the stall was handed on.
    register.share(twin.pk, {heirs[1].pk: 1}, by=SYSTEM)
    actions.start(row.pk, by=SYSTEM)
    run_jobs()
    assert ledger.Bill.objects.filter(about=twin.code).count() == 3

    def shown(code: str) -> list[object]:
        rows = ledger.Bill.objects.filter(about=code).order_by("payer").prefetch_related("lines")
        lines = [[(line.kind, line.words, line.amount, line.income_id) for line in one.lines.all()] for one in rows]
        return [
            (one.words.replace("Place 0", "Place 1"), one.amount, one.due, one.tariff_id, line)
            for one, line in zip(rows, lines, strict=True)
        ]

    assert shown(thing.code) == shown(twin.code)
    page = client.get(f"{PAGE}now/{Taxed.objects.get(words='Place 2').code}").content.decode()
    assert 'value="2026"' in page and 'value="7"' in page, "as the last campaign did"


def test_a_bill_made_in_the_office_of_a_town_of_shillings_is_paid_by_m_pesa(places, hire, zongo, monkeypatch):
    kenya = dataclasses.replace(town.current(), currency="KES")
    monkeypatch.setattr(town, "current", lambda: kenya)
    thing = Taxed.objects.get(words="Place 1")
    said = {"label": "2026", "day": DAY, "due": DUE, "times": "7"}
    hire("agent", zone=zongo.pk).post(f"{PAGE}now/{thing.code}", said)
    bill = ledger.Bill.objects.get(about=thing.code)
    assert (bill.currency, bill.left % 100) == ("KES", 0)
    http.forget_tokens()
    with Mpesa(webhook=ways.address("mpesa")) as company:
        monkeypatch.setattr(ways, "tables", lambda: {"mpesa": {**GIVEN["mpesa"], "url": company.url}})
        asked = {
            "way": "mpesa", "phone": "+254712345678", "amount": f"{bill.left // 100}.00", "client_id": str(uuid.uuid4()),
        }  # fmt: skip
        assert Client(headers={"accept-language": "en"}).post(f"/pay/{bill.reference}", asked).status_code == 302
        row = ledger.PaymentRequest.objects.get()
        connection.inc_thread_sharing()
        asking.send(row.pk)
        (payment,) = company.payments.values()
        assert payment.amount == str(bill.left // 100)
        company.pay(payment)
        following.follow(row.pk)
        connection.dec_thread_sharing()
    bill.refresh_from_db()
    row.refresh_from_db()
    assert (bill.state, row.currency, row.amount) == ("paid", "KES", bill.amount)
    assert ledger.balance(ledger.RECEIVABLE, currency="KES") == 0


def test_what_is_paid_by_the_day_or_is_gone_is_not_billed_now(places, stall, hire):
    client = hire("agent")
    daily, gone = stall("Vendeuse du jour", base="place-du-jour"), Taxed.objects.get(words="Place 5")
    register.end(gone.pk, reason="burnt", by=SYSTEM)
    said = {"label": "2026", "day": timezone.localdate(), "due": timezone.localdate(), "times": "1"}
    for thing in (daily, gone):
        assert "Bill now" not in client.get(f"/desk/register/thing/{thing.code}").content.decode()
        assert client.post(f"{PAGE}now/{thing.code}", said).status_code == 422
    free = stall("École du marché", base="foncier", m2="120")
    Taxed.objects.filter(pk=free.pk).update(exemption="ecole")
    exempt = client.post(f"{PAGE}now/{free.code}", said)
    assert exempt.status_code == 422 and "nothing to bill" in exempt.content.decode()
    assert not ledger.Bill.objects.exists()
