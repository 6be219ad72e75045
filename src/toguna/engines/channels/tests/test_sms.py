"""SMS text: the alphabet, what it costs, and that nothing is lost but ornament. Vectors: 3GPP TS 23.038 and TS 23.040."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.channels import sms


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", ("GSM", 0, 1)),
        ("a" * 160, ("GSM", 160, 1)),
        ("a" * 161, ("GSM", 161, 2)),
        ("a" * 306, ("GSM", 306, 2)),
        ("a" * 307, ("GSM", 307, 3)),
        ("€", ("GSM", 2, 1)),
        ("€" * 80, ("GSM", 160, 1)),
        ("a" * 152 + "€" + "a" * 152, ("GSM", 306, 3)),  # the euro is not cut in two: 152 + 153 + 1
        ("ê" * 70, ("UCS-2", 70, 1)),
        ("ê" * 71, ("UCS-2", 71, 2)),
        ("ê" * 135, ("UCS-2", 135, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("😀" * 36, ("UCS-2", 72, 2)),
        ("😀" * 67, ("UCS-2", 134, 3)),  # 33 + 33 + 1: a surrogate pair is not cut in two
        ("@£$¥èéùìòÇΔΦ^{}\\[~]|", ("GSM", 28, 1)),
    ],
)
def test_sizes(text, size):
    found = sms.size(text)
    assert (found.alphabet, found.units, found.parts) == size


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1\u202f500\u00a0FCFA", "1 500 FCFA"),
        ("L’état : « fait » – à l'été…", "L'état : \" fait \" - à l'été..."),
        ("Nid-de-poule signalé près de la forêt", "Nid-de-poule signalé près de la foret"),
        ("cœur, ça, naïve, Noël", "coeur, ca, naive, Noel"),
        ("São João, não, avó", "Sao Joao, nao, avo"),
        ("Ŋana ɓe ɗo", "NGana be do"),
        ("e\u0301tat", "état"),  # composed first
        ("مرحبا", "مرحبا"),  # another script is left as it is
        ("10\u200b 000", "10 000"),
    ],
)
def test_normalised(text, plain):
    assert sms.normalise(text) == plain


def test_the_alphabet_is_whole():
    assert len(sms.BASIC) == 127 and len(set(sms.BASIC)) == 127  # 128 less the escape
    assert len(sms.EXTENDED) == 10


@given(st.text(max_size=400))
def test_normalising_is_done_once_and_never_costs_more_than_it_gives(text):
    made = sms.normalise(text)
    assert sms.normalise(made) == made
    if sms.size(text).alphabet == "GSM":
        assert made == text.replace("\r\n", "\n")


@given(st.text(alphabet=sms.BASIC + sms.EXTENDED, min_size=1, max_size=900))
def test_parts_hold_the_text(text):
    found = sms.size(text)
    room = 160 if found.parts == 1 else 153 * found.parts
    assert found.units <= room and (found.parts == 1 or found.units > 152 * (found.parts - 1))
