"""The day a bin is full: what is learned from visits, and that it is no worse than simpler methods where these are known to fail."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.services.waste.bins import forecasting
from toguna.services.waste.bins.forecasting import Found, Sample


def test_a_rate_is_seen_between_two_emptyings():
    found = [Found(0, 80, True), Found(1, 30, False), Found(4, 100, True), Found(4.05, 5, True), Found(90, 100, True)]
    assert forecasting.samples(found) == [Sample(4, 4, 100)]


def test_one_wild_visit_is_no_trend():
    known = [Sample(n * 4, 4, 80) for n in range(1, 9)]
    wild = [*known, Sample(36, 4, 280)]
    assert abs(forecasting.ours(wild, 20.0) - 20) < 2.5
    assert forecasting.last_value(wild, 20.0) == 70


def test_few_visits_borrow_from_the_quarter():
    one = [Sample(4, 4, 40)]
    assert 15 < forecasting.ours(one, 30.0) < 20
    many = [Sample(n * 4, 4, 40) for n in range(1, 13)]
    assert 10 < forecasting.ours(many, 30.0) < 12
    assert forecasting.ours([], 30.0) == 30.0
    assert forecasting.ours([], None) is None


def test_the_method_that_missed_by_least_is_used_once_there_is_enough_to_say_so():
    def trials(many, **errors):
        return {name: forecasting.Trial(error, 0.5, 0.0, many) for name, error in errors.items()}

    assert forecasting.best(trials(30, ours=1.2, last=0.9, line=1.0)) == "last"
    assert forecasting.best(trials(30, ours=0.9, last=0.9, line=0.9)) == "ours"
    assert forecasting.best(trials(29, ours=1.2, last=0.9, line=1.0)) == forecasting.best({}) == "ours"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0.1, 500), st.floats(0.1, 5)), min_size=1, max_size=20))
def test_the_median_is_one_of_the_middle(pairs):
    values, weights = [p[0] for p in pairs], [p[1] for p in pairs]
    found = forecasting.weighted_median(values, weights)
    assert min(values) <= found <= max(values)
    assert sum(w for v, w in pairs if v < found - 1e-9) <= sum(weights) / 2 + 1e-6


@pytest.mark.parametrize("changes", [False, True], ids=["steady", "a rate that changes"])
def test_on_bins_that_vary_as_real_ones_do_ours_is_nearer(changes):
    """Rates that differ by bin, noise in each visit, a market day in twelve: the errors that simple methods make."""
    draw = random.Random(4)
    bins, quarters = {}, {}
    for number in range(60):
        rate, day, known = draw.uniform(12, 40), 0.0, []
        for visit in range(20):
            if changes and visit == 10:
                rate *= draw.choice((0.6, 1.6))
            days = draw.choice((2, 3, 4))
            day += days
            level = rate * days * draw.lognormvariate(0, 0.25) * (2.2 if draw.random() < 0.08 else 1)
            known.append(Sample(day, days, min(round(level / 5) * 5, 150) or 5))
        bins[number], quarters[number] = known, str(number % 4)
    trials = forecasting.tried(bins, quarters, since=20)
    assert trials["ours"].error < trials["last"].error
    assert trials["ours"].error < trials["line"].error
    assert changes or trials["ours"].near > trials["last"].near
