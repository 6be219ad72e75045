"""The back office's pages on which a clerk writes a form: no code, no script."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.forms import actions as forms_actions
from toguna.engines.forms import definition, talk, uses, values
from toguna.engines.forms.actions import Refused
from toguna.engines.forms.builder import actions, blocks, changes, conditions, editing, kinds
from toguna.engines.forms.builder.actions import Changed
from toguna.engines.forms.builder.editing import Data, Path
from toguna.engines.forms.builder.forms import BlockForm, NewForm, QuestionForm, QuickForm, TitlesForm
from toguna.engines.forms.definition import BLOCKS, LISTS, MEDIA, Definition, Problem
from toguna.engines.forms.models import Filling, Form, FormVersion
from toguna.engines.forms.uses import DESIGN
from toguna.engines.forms.web import reading
from toguna.engines.forms.web.drawing import Drawing
from toguna.kernel import text
from toguna.kernel.web import Request, staff

RESERVED = frozenset(["new", "paper"])  # addresses beside those of forms


def _form(slug: str) -> Form:
    return get_object_or_404(Form.objects.select_related("current").defer("current__xform"), slug=slug)


def _at(path: str) -> Path:
    return tuple(part for part in path.split("/") if part)


# --- A new form ----------------------------------------------------------------------------------------------------


@staff(DESIGN)
def new(request: Request) -> HttpResponse:
    form = NewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        titles = form.words("title")
        slug = _free_slug(text.pick(titles))
        actions.create(slug, titles=titles, service=form.cleaned_data["service"], by=request.actor)
        return redirect("desk-form-build", slug)
    return render(request, "forms/builder_new.html", {"form": form}, status=422 if form.errors else 200)


def _free_slug(title: str) -> str:
    base = slugify(title)[:56].strip("-") or "form"
    slug, number = base, 2
    while slug in RESERVED or Form.objects.filter(slug=slug).exists():
        slug, number = f"{base}-{number}", number + 1
    return slug


def _missing(request: Request, slug: str) -> HttpResponse:
    """The form of a service that is not written yet (`builder_address`): its title is asked, then it is there."""
    service = request.GET.get("service", "")
    if uses.of(service) is None or slug in RESERVED:
        raise Http404
    given = request.POST if "do" in request.POST else None
    form = NewForm(given, ask_service=False)
    if given is not None and form.is_valid():
        with suppress(Refused):  # another window made it just now: here it is
            actions.create(slug, titles=form.words("title"), service=service, by=request.actor)
        return redirect("desk-form-build", slug)
    return render(request, "forms/builder_new.html", {"form": form}, status=422 if form.errors else 200)


# --- The questions -------------------------------------------------------------------------------------------------


@staff(DESIGN)
def build(request: Request, slug: str) -> HttpResponse:
    """All questions in their order. do: add, page, list, block, titles, up:PLACE, down:, copy:, delete:, undo, publish."""
    if not Form.objects.filter(slug=slug).exists():
        return _missing(request, slug)
    row = _form(slug)
    if request.method != "POST":
        return _outline(request, row)
    verb, _colon, place = request.POST.get("do", "")[:400].partition(":")
    seen, at = request.POST.get("revision", ""), _at(place)
    try:
        if verb == "publish":
            return _publish(request, row)
        if verb == "undo":
            step = actions.undo(row, seen, by=request.actor)
            messages.success(request, _("“%(what)s” is again as it was.") % {"what": step.said})
            return redirect("desk-form-build", slug)
        if verb == "titles":
            return _titles(request, row, seen)
        if verb in ("add", "more"):
            return _add(request, row, seen, more=verb == "more")
        return _change(request, row, seen, verb, at)
    except Changed as changed:
        return _outline(request, row, notice=str(changed), status=409)
    except Refused as refused:
        return _outline(request, row, notice=" ".join([str(refused), *refused.problems[:3]]), status=422)
    except editing.Missing:
        return _outline(request, row, notice=_("This is not in the form any more."), status=409)


def _change(request: Request, row: Form, seen: str, verb: str, at: Path) -> HttpResponse:
    """What a button beside an item does, and what puts in a page, a list or a ready page."""
    went: list[Path] = []

    def change(data: Data) -> str:
        if verb in ("page", "list"):
            words = text.clean(request.POST.get("title", ""))[:200]
            if not words:
                raise Refused(_("Write the title of the page or of the list."))
            first = data["languages"][0] if data.get("languages") else "fr"
            kind = "group" if verb == "page" else "repeat"
            item: Data = {"name": editing.free_name(data, words), "kind": kind, "label": {first: words}, "items": []}
            went.append(editing.add(data, (), item))
        elif verb == "block":
            went.append(blocks.insert(data, request.POST.get("block", "")))
        elif verb in ("up", "down"):
            went.append(editing.move(data, at, -1 if verb == "up" else 1))
        elif verb == "copy":
            went.append(editing.duplicate(data, at))
        elif verb == "delete":
            return editing.title(editing.remove(data, at))
        else:
            raise editing.Missing(at)
        return editing.title(editing.item(data, went[0]))

    readers = editing.readers(actions.data_of(row), at) if verb == "delete" else []
    actions.edit(row, seen, change, done=verb, by=request.actor)
    if readers:
        messages.warning(request, _("Other questions read its answer: what is to be put right is said above them."))
    address = reverse("desk-form-build", args=[row.slug])
    if verb in ("page", "list"):
        return redirect(f"{address}?where={'/'.join(went[0])}#add")
    return redirect(f"{address}#{anchor(went[0])}" if went else address)


def anchor(path: Path) -> str:
    return "i-" + "--".join(path)


def _add(request: Request, row: Form, seen: str, *, more: bool) -> HttpResponse:
    form = QuickForm(actions.data_of(row), request.POST, prefix="new")
    if not form.is_valid():
        return _outline(request, row, quick=form, status=422)
    went: list[Path] = []

    def change(data: Data) -> str:
        went.append(form.apply(data))
        return editing.title(editing.item(data, went[0]))

    actions.edit(row, seen, change, done="add", by=request.actor)
    if more:
        return redirect("desk-form-item", row.slug, "/".join(went[0]))
    messages.success(request, _("“%(what)s” was added.") % {"what": form.cleaned_data["label"]})
    return redirect(f"{reverse('desk-form-build', args=[row.slug])}?where={form.cleaned_data['where']}#add")


def _titles(request: Request, row: Form, seen: str) -> HttpResponse:
    form = TitlesForm(actions.data_of(row), request.POST)
    if not form.is_valid():
        return _outline(request, row, titles=form, status=422)

    def change(data: Data) -> str:
        data["titles"] = form.words("title")
        return text.pick(data["titles"])

    actions.edit(row, seen, change, done="titles", by=request.actor)
    return redirect("desk-form-build", row.slug)


def _publish(request: Request, row: Form) -> HttpResponse:
    version = forms_actions.publish(row, by=request.actor)
    messages.success(request, _("Version %(version)s is published.") % {"version": version.version})
    return redirect("desk-form", row.slug)


def _outline(
    request: Request, row: Form, *, quick: QuickForm | None = None, titles: TitlesForm | None = None, notice: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    row = _form(row.slug)
    data = actions.data_of(row)
    form = definition.read(data)
    found = forms_actions.problems(data)
    step = actions.last(row, data)
    where = request.GET.get("where", "")
    last_page = next((item["name"] for item in reversed(data["items"]) if item["kind"] in BLOCKS), "")
    context = {
        "row": row, "revision": actions.revision(data), "rows": _rows(data["items"], form, (), row.slug),
        "problems": [(_said(data, one), _link(row, data, one)) for one in found] if data["items"] else [],
        "newer": _newer(row, data), "undo": step, "notice": notice,
        "quick": quick or QuickForm(data, prefix="new", initial={"where": where or last_page, "kind": "line"}),
        "titles": titles or TitlesForm(data), "blocks": blocks.offered(), "count": sum(i.asked for i in form.walk()),
    }  # fmt: skip
    return render(request, "forms/builder_outline.html", context, status=status)


def _newer(row: Form, data: Data) -> bool:
    return row.current is None or row.current.definition != {**data, "name": row.slug}


def _rows(items: list[Data], form: Definition, above: Path, slug: str) -> list[dict[str, Any]]:
    language = (get_language() or "").split("-")[0]
    found = []
    for number, item in enumerate(items):
        path = (*above, item["name"])
        relevant = str(item.get("relevant", ""))
        found.append(
            {
                "at": "/".join(path), "id": anchor(path), "title": editing.title(item), "kind": kinds.title(item),
                "block": item["kind"] in BLOCKS, "list": item["kind"] == "repeat", "required": bool(item.get("required")),
                "only": conditions.said(relevant, form, language) or relevant,
                "first": number == 0 and not above, "last": number == len(items) - 1 and not above,
                "url": reverse("desk-form-item", args=[slug, "/".join(path)]),
                "rows": _rows(item.get("items", []), form, path, slug),
            }
        )  # fmt: skip
    return found


def _said(data: Data, one: str) -> str:
    """A problem with the question's words where it has its technical name."""
    if not isinstance(one, Problem):
        return one
    try:
        words = editing.title(editing.item(data, one.at))
    except editing.Missing:
        return one
    return one.replace(f"“{one.at[-1]}”", f"“{words}”", 1).replace(f"« {one.at[-1]} »", f"« {words} »", 1)


def _link(row: Form, data: Data, one: str) -> str:
    return reverse("desk-form-item", args=[row.slug, "/".join(one.at)]) if isinstance(one, Problem) else ""


# --- One question --------------------------------------------------------------------------------------------------


@staff(DESIGN)
def item(request: Request, slug: str, at: str) -> HttpResponse:
    """All that is said of a question, a page or a list."""
    row, path = _form(slug), _at(at)
    given = (request.POST,) if request.method == "POST" else ()
    try:
        form = _item_form(actions.data_of(row), path, *given)
    except editing.Missing:
        messages.error(request, _("This is not in the form any more."))
        return redirect("desk-form-build", slug)
    if request.method != "POST":
        return _item_page(request, row, form)
    if not form.is_valid():
        return _item_page(request, row, form, status=422)
    went: list[Path] = []

    def change(data: Data) -> str:
        went.append(form.apply(data))
        return editing.title(editing.item(data, went[0]))

    try:
        actions.edit(row, request.POST.get("revision", ""), change, done="change", by=request.actor)
    except Changed as changed:
        fresh = _form(slug)
        return _item_page(
            request, fresh, _item_form(actions.data_of(fresh), path, request.POST), notice=str(changed), status=409
        )
    except Refused as refused:
        return _item_page(request, row, form, notice=str(refused), status=422)
    path = went[0] if went else path
    if request.POST.get("do") == "stay":
        return redirect("desk-form-item", slug, "/".join(path))
    return redirect(f"{reverse('desk-form-build', args=[slug])}#{anchor(path)}")


def _item_form(data: Data, path: Path, *given: Any) -> QuestionForm | BlockForm:
    made = BlockForm if editing.item(data, path)["kind"] in BLOCKS else QuestionForm
    return made(data, path, *given)


def _item_page(
    request: Request, row: Form, form: QuestionForm | BlockForm, *, notice: str = "", status: int = 200
) -> HttpResponse:
    data = form.form_data
    found = [one for one in forms_actions.problems(data) if isinstance(one, Problem) and one.at == form.path]
    open_expert = any(form[name].value() for name in form.expert) or any(name in form.errors for name in form.expert)
    context = {
        "row": row, "form": form, "revision": actions.revision(data), "name": form.path[-1],
        "is_block": form.row["kind"] in BLOCKS, "list": form.row["kind"] == "repeat", "title": editing.title(form.row),
        **{name: form.fields_of(name) for name in ("label", "hint", "choices", "message")},
        "listed": form.row["kind"] in LISTS, "hinted": _says(form, "hint"), "conditioned": bool(form["if_question_1"].value()),
        "limited": any(name in form.fields and form[name].value() for name in ("low", "high", "when", "length")),
        "expert": [form[name] for name in form.expert], "open_expert": open_expert, "notice": notice,
        "problems": [_said(data, one) for one in found] if request.method != "POST" else [],
    }  # fmt: skip
    return render(request, "forms/builder_item.html", context, status=status)


def _says(form: QuestionForm | BlockForm, *names: str) -> bool:
    return any(field.value() for field in form.fields_of(*names))


# --- As others see it ----------------------------------------------------------------------------------------------


@staff(DESIGN)
def preview(request: Request, slug: str) -> HttpResponse:
    """A page of the form as residents see it: what is typed is read and never kept, so that conditions can be tried."""
    row = _form(slug)
    data = actions.data_of(row)
    form = definition.read(data)
    language = (get_language() or "").split("-")[0]
    pages = form.pages()
    wanted = (request.POST if request.method == "POST" else request.GET).get("page", "")
    number = int(wanted) if wanted.isdecimal() and int(wanted) < len(pages) else 0
    errors: dict[str, str] = {}
    answers: dict[str, Any] = {}
    if request.method == "POST" and pages:
        request.POST = _without_files(request.POST, form)  # type: ignore[assignment]
        given = reading.read(
            request, form, Filling(client_id=uuid.uuid4(), values={}), pages[number], by=request.actor, language=language
        )  # fmt: skip
        verb, _colon, what = request.POST.get("do", "").partition(":")
        if verb == "add" and (key := reading.place(form, what)) is not None:
            reading.add(given.answers, key)
        answers = {key: value for key, value in given.answers.items() if value is not None}
        filled = values.evaluate(form, answers, now=timezone.localtime(), language=language)
        errors = {**values.check(form, filled, only=pages[number], language=language), **given.wrong}
        errors = {} if verb == "add" else errors
    else:
        filled = values.evaluate(form, answers, now=timezone.localtime(), language=language, fresh=True)
    drawing = Drawing(form, filled, language, errors=errors)
    context = {
        "row": row, "title": text.pick(form.titles), "blocks": drawing.blocks(pages[number]) if pages else [],
        "page": number, "step": number + 1, "steps": len(pages), "back": number - 1 if number else None,
        "next": number + 1 if number + 1 < len(pages) else None, "tried": request.method == "POST", "wrong": errors,
        "errors": [("f-" + key.replace(".", "-"), words) for key, words in errors.items()],
    }  # fmt: skip
    return render(request, "forms/builder_preview.html", context)


def _without_files(sent: QueryDict, form: Definition) -> QueryDict:
    """What was typed without what would keep a file: signatures too."""
    media = {item.path for item in form.walk() if item.kind in MEDIA}
    kept = sent.copy()
    for name in list(kept):
        if name.startswith(reading.PREFIX):
            key = reading.key_of(name)
            if tuple(step for step in key if isinstance(step, str)) in media:
                del kept[name]
    return kept


@staff(DESIGN)
def phone(request: Request, slug: str) -> HttpResponse:
    """The form as the conversation that it is by SMS or USSD, and what has to be brought to the counter instead."""
    row = _form(slug)
    form = definition.read(actions.data_of(row))
    language = (get_language() or "").split("-")[0]
    questions, brought = talk.script(form, language)
    told = [(words, choices, conditions.said(only, form, language) or only) for words, choices, only in questions]
    return render(request, "forms/builder_phone.html", {"row": row, "questions": told, "brought": brought})


# --- What changed --------------------------------------------------------------------------------------------------


@staff(DESIGN)
def versions(request: Request, slug: str) -> HttpResponse:
    """Each version with what it changed; what is not published yet comes first."""
    row = _form(slug)
    found = list(row.versions.defer("xform").order_by("-version")[:21])
    data = actions.data_of(row)
    told: list[tuple[FormVersion | None, list[changes.Change]]] = []
    if found and _newer(row, data) and row.draft is not None:
        told.append((None, changes.between(found[0].definition, data)))
    for number, one in enumerate(found[:20]):
        before = found[number + 1].definition if number + 1 < len(found) else None
        told.append((one, changes.between(before, one.definition)))
    return render(request, "forms/builder_versions.html", {"row": row, "told": told})
