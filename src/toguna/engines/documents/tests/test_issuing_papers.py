"""Papers: number, signature seen by another program, QR, code, taking back."""

from __future__ import annotations

import io
import shutil
import subprocess
import uuid
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from django.test import Client
from django.urls import reverse

from toguna.engines.documents.issuing import actions, checking, seal, templates
from toguna.engines.documents.issuing.templates import Field, Refused
from toguna.engines.documents.models import Counter, Issued
from toguna.kernel.access import NOBODY, SYSTEM, Denied

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def residence() -> None:
    templates.save_template(
        "residence",
        title={"fr": "Certificat de résidence", "en": "Residence certificate"},
        words={"fr": "Le maire certifie que {holder}, né(e) le {born},\nhabite {place}.\n\nFait pour servir."},
        fields=[
            Field("holder", {"fr": "Nom"}, shown="masked"),
            Field("born", {"fr": "Né(e) le"}, kind="date"),
            Field("place", {"fr": "Adresse"}, needed=False, shown="yes"),
        ],
        prefix="CR",
        by=SYSTEM,
    )


FACTS = {"holder": "Awa Koné", "born": "1990-02-03", "place": "Quartier Nord"}


def _issue(**more: object) -> Issued:
    return actions.issue("residence", {**FACTS, **more}, by=SYSTEM, holder="Awa Koné", language="fr")


def test_numbers_have_no_gap_when_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _issue()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(actions.seal, "sign", lambda *a, **k: (_ for _ in ()).throw(OSError("full")))
        _issue()
    assert [first.number, _issue().number] == [1, 2]
    assert Counter.objects.get(template="residence").last == 2


def test_the_same_again_is_the_same_paper() -> None:
    once = uuid.uuid4()
    made = [actions.issue("residence", FACTS, by=SYSTEM, client_id=once).pk for _ in range(2)]
    assert made[0] == made[1]


def test_refusals_name_what_lacks() -> None:
    with pytest.raises(Refused, match="Nom"):
        _issue(holder=" ")
    with pytest.raises(Refused, match="2026-03-31"):
        _issue(born="hier")
    with pytest.raises(Refused, match="nothere"):
        templates.save_template("x", title={}, words={"fr": "{nothere}"}, fields=[], prefix="X", by=SYSTEM)
    with pytest.raises(Denied):
        actions.issue("residence", FACTS, by=NOBODY)


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="pdfsig of poppler-utils is not installed")
def test_another_program_finds_the_signature_whole_and_sees_a_change(tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    whole = actions.content(_issue())
    path.write_bytes(whole)
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said and "ETSI.CAdES.detached" in said and "Total document signed" in said
    path.write_bytes(whole.replace(b"/MediaBox", b"/MediaBux", 1))
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    assert "Digest Mismatch" in said


def test_pyhanko_trusts_the_town_s_root() -> None:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    reader = PdfFileReader(io.BytesIO(actions.content(_issue())))
    roots = [c for c in seal.signer().cert_registry if c.ca]
    status = validate_pdf_signature(reader.embedded_signatures[0], ValidationContext(trust_roots=roots))
    assert status.bottom_line and status.docmdp_ok


def test_words_of_people_are_never_code() -> None:
    text = _text(_issue(holder='#panic() {place} "x" $a$ *b*'))
    assert '#panic() {place} "x" $a$ *b*' in text


def test_the_paper_says_its_facts() -> None:
    made = _issue()
    said = _text(made)
    assert "Awa Koné" in said and "3 février 1990" in said and made.reference in said and made.code[:4] in said


def test_the_qr_on_the_paper_is_read_and_is_the_town_s() -> None:
    made = _issue()
    page = pypdfium2.PdfDocument(actions.content(made))[0].render(scale=2.5).to_pil()
    (seen,) = zxingcpp.read_barcodes(page)
    assert checking.check_qr(made.code, seen.text.partition("?s=")[2])


def _text(made: Issued) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(actions.content(made)))


def test_a_forged_qr_is_refused_with_no_database() -> None:
    said = seal.told(["CODE2345", "Certificat", "CR-2026-00001", "2026-01-02", "Awa Koné"])
    assert seal.heard(said, seal.public_key()) == ["CODE2345", "Certificat", "CR-2026-00001", "2026-01-02", "Awa Koné"]
    body, _dot, signature = said.partition(".")
    for forged in (f"{body[:-2]}AA.{signature}", body, f".{signature}", "é.é", "a" * 5000, f"{body}.{'A' * 86}"):
        assert seal.heard(forged) is None


def test_the_public_page_masks_and_tells(client: Client) -> None:
    made = _issue()
    said = seal.told([made.code, "Certificat", made.reference, made.day.isoformat(), "Awa Koné"])
    page = client.get(reverse("check-paper", args=[made.code]), {"s": said}).content.decode()
    assert "A. K." in page and "Koné" not in page and "Quartier Nord" in page
    assert checking.check_qr(made.code, said) and not checking.check_qr(made.code, said[:-4] + "AAAA")
    assert checking.same_file(made.code, actions.content(made))
    assert not checking.same_file(made.code, actions.content(made) + b"\n")
    assert client.get(reverse("check-paper", args=["ZZZZ2222"])).status_code == 404


def test_taken_back_and_replaced() -> None:
    old = _issue()
    new = actions.replace(old.code, {**FACTS, "place": "Quartier Sud"}, reason="Adresse fausse", by=SYSTEM)
    found = checking.check(old.code)
    assert found and found.state == "replaced" and found.by == new.code and found.reason == "Adresse fausse"
    actions.revoke(new.code, reason="Fraude", by=SYSTEM)
    again = checking.check(new.code)
    assert again and again.state == "revoked"
    with pytest.raises(Refused):
        actions.reprint(new.code, by=SYSTEM)


def test_a_template_is_never_changed_under_its_papers() -> None:
    made = _issue()
    row = templates.find("residence")
    assert row
    after = templates.save_template(
        "residence", title=row.title, words={"fr": "Autre {holder}"}, fields=[Field("holder")], prefix="CR", by=SYSTEM
    )
    assert after.version == 2 and Issued.objects.get(pk=made.pk).template.version == 1
    assert actions.preview(after, "fr").startswith(b"%PDF")
