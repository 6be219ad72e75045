"""Words, codes, limits, the town's file."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.kernel import audit, codes, limits, places, text, town
from toguna.kernel.access import SYSTEM
from toguna.kernel.models import AuditEntry


@given(st.text())
def test_folding_twice_is_folding_once(words):
    assert text.fold(text.fold(words)) == text.fold(words)


@given(st.text())
def test_cleaning_keeps_nothing_that_a_database_or_a_reader_cannot_bear(words):
    cleaned = text.clean(words)
    assert "\x00" not in cleaned and "\u202e" not in cleaned
    cleaned.encode("utf-8")
    assert text.clean(cleaned) == cleaned


def test_cleaning_keeps_emoji_and_right_to_left_text():
    assert text.clean(" شارع 🕳️ ") == "شارع 🕳️"


@given(st.integers(4, 8))
def test_a_code_is_read_back_however_it_is_typed(length):
    code = codes.make(length)
    assert len(code) == length
    assert codes.read(f" {code[:2].lower()}-{code[2:]} ") == code
    assert not set(code) & set("0O1IL")


def test_the_language_asked_for_then_the_towns_then_any():
    words = {"fr": "Marché", "bm": "Sugu"}
    assert text.pick(words, "fr") == "Marché"
    assert text.pick(words, "bm") == "Sugu"
    assert text.pick(words, "en") == "Marché"
    assert text.pick({"bm": "Sugu"}, "en") == "Sugu"
    assert text.pick({}, "en") == ""


@pytest.mark.django_db
def test_a_limit_counts_per_person_and_says_when_to_come_back():
    for _ in range(2):
        limits.hit("knock", "70 00 00 01", at_most=2, per=timedelta(hours=1))
    limits.hit("knock", "70 00 00 02", at_most=2, per=timedelta(hours=1))
    with pytest.raises(limits.TooMany) as caught:
        limits.hit("knock", "70 00 00 01", at_most=2, per=timedelta(hours=1))
    assert 0 < caught.value.retry_after <= 3600


@pytest.mark.django_db
def test_the_audit_log_refuses_to_forget():
    audit.record(SYSTEM, "test.done", "test:1", n=1)
    with pytest.raises(Exception, match="append-only"):
        AuditEntry.objects.all().delete()


def test_the_towns_file_is_read_back_as_written(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "home", lambda: tmp_path)
    written = town.Town('L\'« Île » "x"\n', "ML", ("fr", "en"), "XOF", "Africa/Bamako", demo=True)
    town.write(written)
    try:
        assert town.load() == written
        (tmp_path / "town.toml").write_text("[town]\nnom = 1\n")
        town.load.cache_clear()
        with pytest.raises(ValueError, match=r"town\.toml"):
            town.load()
    finally:
        town.load.cache_clear()
