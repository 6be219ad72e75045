"""Files: kept whole or not at all, hostile ones refused, read by whom they concern, ended by their plan."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from PIL import Image

from toguna.engines.documents.models import Disposal, File, FileKind, FileVersion
from toguna.engines.documents.store import actions, blobs, disposal, subjects, virus
from toguna.engines.documents.store.checks import Refused
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import registry
from toguna.kernel.access import ADMINISTRATOR, SYSTEM, Actor, Denied, Grant
from toguna.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db

CLERK = Actor(account=7, staff=True, name="Awa", grants=(Grant(ADMINISTRATOR),))
EICAR_LIKE = b"this town's test virus"


@pytest.fixture(autouse=True)
def _alone(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr(virus, "SOCKETS", [])
    monkeypatch.setattr(virus.shutil, "which", lambda name: None)
    with translation.override("en"):
        yield


def pdf(pages: int = 1, change: Any = None, **how: Any) -> bytes:
    made, out = pikepdf.new(), io.BytesIO()
    for _ in range(pages):
        made.add_blank_page()
    if change:
        change(made)
    made.save(out, **how)
    return out.getvalue()


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 30), 20).save(out, kind)
    return out.getvalue()


def zipped(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_bin", ".bin"), content)
    return out.getvalue()


def kept(content: bytes, name: str = "a.pdf", **more: Any) -> File:
    return actions.keep(io.BytesIO(content), name, **{"by": CLERK, **more})


def contents() -> list[Path]:
    return sorted(one for one in blobs.path("00").parents[1].glob("*/*") if one.is_file())


def test_a_content_is_once_on_disk_and_its_versions_stay() -> None:
    first, again = pdf(), uuid.uuid4()
    file = kept(first, "C:\\scans\\Acte n° 3.pdf", client_id=again)
    assert kept(first, client_id=again).pk == file.pk and File.objects.count() == 1
    kept(first, "copy.pdf")
    assert [one.name for one in contents()] == [hashlib.sha256(first).hexdigest()]
    assert contents()[0].read_bytes() == first
    assert actions.add_version(file, io.BytesIO(first), "same.pdf", by=CLERK).number == 1
    assert actions.add_version(file, io.BytesIO(pdf(3)), "longer.pdf", by=CLERK).pages == 3
    version, path = actions.open_file(file, CLERK, 1)
    assert path.read_bytes() == first and version.name == "Acte n° 3.pdf"
    assert AuditEntry.objects.filter(action="documents.read", subject=file.subject_key).count() == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_type_is_that_of_the_content(kind: str) -> None:
    assert kept(picture(kind), "lies.pdf").latest.type == f"image/{kind.lower()}"


def _script(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def _launch(made: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
    made.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Subtype=pikepdf.Name.Link, A=action)])


def _carries(made: pikepdf.Pdf) -> None:
    made.attachments["x.exe"] = b"MZ"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (pdf(change=_script), "program"),
        (pdf(change=_launch), "program"),
        (pdf(change=_carries), "program"),
        (pdf(encryption=pikepdf.Encryption(user="a", owner="b")), "password"),
        (pdf(20)[:-200], "damaged"),
        (b"%PDF-1.7\nnothing\n%%EOF\n", "damaged"),
        (pdf() + zipped(a=b"x"), "hides"),
        (picture() + zipped(a=b"x"), "hides"),
        (picture()[:-300], "damaged"),
        (b"MZ" + b"\0" * 300, "cannot read"),
        (b"<html><script>1</script>", "cannot read"),
        (zipped(a=b"x"), "cannot read"),
        (zipped(word__document_xml=b"<a/>", word__vbaProject_bin=b"x"), "macros"),
        (zipped(word__document_xml=b"\0" * (201 << 20)), "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_is_refused_and_leaves_nothing(content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        kept(content)
    assert not contents() and not File.objects.exists()


def test_a_signed_like_pdf_and_a_text_document_are_taken() -> None:
    linked = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://town.test"))
    assert kept(pdf(change=lambda made: made.Root.__setitem__("/OpenAction", linked))).state == "clean"
    assert kept(zipped(word__document_xml=b"<a/>"), "a.docx").latest.type.endswith("wordprocessingml.document")


def clamd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clamd that speaks INSTREAM, in a thread."""
    at = tmp_path / "clamd"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(at))
    server.listen()

    def answer() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line, line.makefile("rb") as told:
                if told.read(10) != b"zINSTREAM\0":
                    line.sendall(b"UNKNOWN COMMAND\0")
                    continue
                content = b""
                while size := struct.unpack("!I", told.read(4))[0]:
                    content += told.read(size)
                line.sendall(b"stream: Test FOUND\0" if EICAR_LIKE in content else b"stream: OK\0")

    threading.Thread(target=answer, daemon=True).start()
    monkeypatch.setattr(virus, "SOCKETS", [at])


def test_the_virus_check_refuses_and_lets_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clamd(tmp_path, monkeypatch)
    assert kept(pdf()).state == "clean"
    bad = zipfile.ZipInfo("word/document.xml")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(bad, EICAR_LIKE)
    with pytest.raises(Refused, match="virus"):
        kept(out.getvalue(), "a.docx")
    assert len(contents()) == 1


def test_a_virus_check_that_does_not_answer_makes_the_file_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead"))  # bound, and nobody listens
    monkeypatch.setattr(virus, "SOCKETS", [tmp_path / "dead"])
    file = kept(pdf())
    assert file.state == "waiting"
    with pytest.raises(Refused, match="waits"):
        actions.open_file(file, CLERK)
    clamd(tmp_path, monkeypatch)
    actions.check_again.func(file=file.pk)
    file.refresh_from_db()
    assert file.state == "clean" and actions.open_file(file, CLERK)[1].exists()


def test_who_may_read_is_said_by_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = subjects.FileSubject("test.case", "", lambda a, pk: a.account == pk, lambda a, pk: a.account == pk)
    real = registry.find
    monkeypatch.setattr(
        subjects.registry, "find", lambda kind, name: declared if name == "test.case" else real(kind, name)
    )
    mine, other = Actor(account=3, person=None), Actor(account=4)
    file = kept(pdf(), subject=("test.case", 3), by=mine)
    assert actions.open_file(file, mine) and list(actions.files_of(("test.case", 3))) == [file]
    for act in (
        lambda: actions.open_file(file, other),
        lambda: actions.open_file(file, CLERK),  # an administrator of all is not in this case
        lambda: kept(pdf(), subject=("test.case", 3), by=other),
        lambda: kept(pdf(), subject=("test.unknown", 3)),
        lambda: kept(pdf(), by=other),
    ):
        with pytest.raises(Denied):
            act()
    loose = kept(pdf(2), by=SYSTEM)
    actions.attach(loose, ("test.case", 3), by=SYSTEM)
    with pytest.raises(Refused, match="belongs"):
        actions.attach(loose, ("test.case", 4), by=SYSTEM)
    for number in range(3, 7):
        kept(pdf(number), subject=("test.case", 3), by=mine)
    with pytest.raises(Refused, match="five"):
        kept(pdf(9), subject=("test.case", 3), by=mine)
    with pytest.raises(Refused, match="10 MB"):
        kept(b"%PDF-" + b"0" * actions.LARGEST, subject=("test.case", 3), by=mine)


def test_the_plan_ends_files_and_a_hold_stops_it(django_capture_on_commit_callbacks: Any) -> None:
    short = FileKind.objects.create(name="letters", title={"fr": "Lettres"}, keep_years=1, then="destroy")
    FileKind.objects.create(name="minutes", title={"fr": "Délibérations"}, keep_years=1, then="archive")
    old = timezone.localdate() - timedelta(days=367)
    gone, held, young = (kept(pdf(n), kind="letters") for n in (1, 2, 3))
    archived = kept(pdf(4), kind="minutes")
    shared = kept(pdf(1))  # the same content as `gone`, for ever
    File.objects.filter(pk__in=[gone.pk, held.pk, archived.pk]).update(since=old)
    actions.hold(held, "Procès en cours", by=CLERK)
    with django_capture_on_commit_callbacks(execute=True):
        disposal.dispose()
    assert set(File.objects.values_list("pk", flat=True)) == {held.pk, young.pk, archived.pk, shared.pk}
    assert File.objects.get(pk=archived.pk).archived and len(contents()) == 4
    assert Disposal.objects.get().public_id == gone.public_id
    assert not disposal.due(timezone.localdate()).filter(pk=young.pk).exists() and short.pk
    actions.release(held, by=CLERK)
    with django_capture_on_commit_callbacks(execute=True):
        disposal.dispose()
    assert len(contents()) == 3


def test_the_sweep_takes_only_what_a_failure_left() -> None:
    file = kept(pdf())
    orphan, fresh, half = blobs.path("ab" * 32), blobs.path("cd" * 32), blobs.path("00").parents[1] / "new" / "tmp"
    for one in (orphan, fresh, half):
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_bytes(b"x")
    long_ago = time.time() - 2 * 24 * 3600
    for one in (orphan, half, blobs.path(file.latest.sha256)):
        os.utime(one, (long_ago, long_ago))
    assert blobs.sweep() == 2
    assert fresh.exists() and blobs.path(file.latest.sha256).exists() and not orphan.exists() and not half.exists()


def test_an_erased_person_takes_their_files_but_for_what_must_be_kept() -> None:
    FileKind.objects.create(name="permits", title={"fr": "Permis"}, keep_years=10)
    person = people.Person.objects.create(name="Awa")
    free, must, hold = kept(pdf(1)), kept(pdf(2), kind="permits"), kept(pdf(3))
    File.objects.filter(pk__in=[free.pk, must.pk, hold.pk]).update(person=person.pk)
    actions.hold(hold, "Procès", by=CLERK)
    assert {one["id"] for one in disposal.known_of(person.pk)} >= {str(free.public_id)}
    disposal.forget(person.pk)
    assert set(File.objects.values_list("pk", "person")) == {(must.pk, None), (hold.pk, None)}


def test_the_pages_of_the_desk() -> None:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test", password="long enough", name="m", grants=[("manager", "*", None)]
    )
    client = Client(headers={"accept-language": "en"})
    sign_in(client, account)
    line = {"name": "letters", "title_fr": "Lettres", "then": "destroy", "keep_years": 3}
    assert client.post(reverse("desk-documents-plan"), line).status_code == 302
    assert client.post(reverse("desk-documents-plan"), line).status_code == 422
    assert client.post(reverse("desk-documents-kind", args=["letters"]), {**line, "keep_years": ""}).status_code == 302
    assert FileKind.objects.get().keep_years is None
    content = io.BytesIO(pdf())
    content.name = "a.html"
    typed = {"file": content, "title": "Plan du marché", "kind": "letters", "client_id": str(uuid.uuid4())}
    assert client.post(reverse("desk-documents"), typed).status_code == 302
    file = File.objects.get()
    assert "Plan du marché" in client.get(reverse("desk-documents"), {"q": "marché"}).content.decode()
    assert "Plan du marché" not in client.get(reverse("desk-documents"), {"q": "école"}).content.decode()
    bad = io.BytesIO(pdf(change=_script))
    bad.name = "b.pdf"
    refused = client.post(reverse("desk-documents"), {**typed, "file": bad, "client_id": str(uuid.uuid4())})
    assert refused.status_code == 422 and "program" in refused.content.decode()
    page = reverse("desk-document", args=[file.public_id])
    assert client.post(page, {"do": "hold", "reason": "Procès"}).status_code == 302
    assert "Procès" in client.get(page).content.decode()
    assert "Plan du marché" in client.get(reverse("desk-documents-ends")).content.decode()
    sent = client.get(reverse("desk-document-content", args=[file.public_id, 1]))
    assert sent["Content-Type"] == "application/pdf" and 'attachment; filename="a.pdf"' in sent["Content-Disposition"]
    assert sent["X-Content-Type-Options"] == "nosniff" and "sandbox" in sent["Content-Security-Policy"]
    assert Client().get(reverse("document", args=[file.public_id])).status_code == 302
    assert FileVersion.objects.count() == 1
