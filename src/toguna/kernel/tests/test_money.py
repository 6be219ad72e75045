import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.kernel import money

CURRENCIES = ("XOF", "GHS", "TND", "GNF")


def test_how_amounts_are_shown():
    assert money.shown(1_500_000, "XOF", language="fr", plain=True) == "1 500 000 FCFA"
    assert money.shown(150_050, "GHS", language="en", plain=True) == "1,500.50 GHS"
    assert money.shown(1_500_000, "GNF", language="en", plain=True) == "1,500,000 GNF"
    assert money.shown(-5, "GHS", language="pt", plain=True) == "-0,05 GHS"


@given(st.integers(0, 10**12), st.sampled_from(CURRENCIES), st.sampled_from(["fr", "pt", "en"]), st.booleans())
def test_what_is_shown_is_read_back(amount, currency, language, plain):
    assert money.read(money.shown(amount, currency, language=language, plain=plain), currency) == amount


@pytest.mark.parametrize("typed", ["", "abc", "12,345,6", "1500,5", "--5", "-5", "1.2.3"])
def test_what_is_no_amount_of_francs(typed):
    with pytest.raises(money.NotMoney):
        money.read(typed, "XOF")


@given(st.text(max_size=20))
def test_anything_typed_is_an_amount_or_refused(typed):
    with contextlib.suppress(money.NotMoney):
        assert money.read(typed, "XOF") >= 0
