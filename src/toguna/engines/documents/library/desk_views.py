"""The library's back office: drafts, publishing, corrections."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from toguna.engines.documents.library import actions, papers, reads, structure, views
from toguna.engines.documents.library.forms import (
    WORD,
    ActForm,
    BringForm,
    ChangeForm,
    CorrectForm,
    PublishForm,
    fresh,
    initial,
)
from toguna.engines.documents.library.structure import grouped
from toguna.engines.documents.models.library import Act
from toguna.kernel import access
from toguna.kernel.web import Request, staff

SHOWN = 50


@staff(actions.DRAFT)
def acts(request: Request) -> HttpResponse:
    """The drafts, and the published acts that fit ?q=."""
    words = request.GET.get("q", "")[:200]
    drafts = Act.objects.filter(published=None).order_by("-updated")[:SHOWN]
    return render(
        request, "documents/library_desk_acts.html", {"drafts": drafts, "words": words, "found": reads.look(words)}
    )


@staff(actions.DRAFT)
def new(request: Request) -> HttpResponse:
    """A new act, typed, or begun from a file: ?do=bring reads it into the form, where it is looked through before it is kept."""
    form, bring = ActForm(initial=fresh()), BringForm()
    if request.method == "POST" and request.POST.get("do") == "bring":
        bring = BringForm(request.POST, request.FILES)
        if bring.is_valid():
            file = bring.cleaned_data["file"]
            try:
                if file.size > papers.LARGEST:
                    raise structure.Unreadable(
                        _("This file is larger than %(most)d MB.") % {"most": papers.LARGEST // 1_000_000}
                    )
                brought = papers.bring(file.name, file.read())
                known = {
                    name: getattr(brought, name) for name in ("kind", "number", "signed", "language", "subject", "body")
                }
                language = brought.language or str(form.initial["language"])
                form = ActForm(
                    initial={
                        **form.initial,
                        **{name: value for name, value in known.items() if value},
                        "text": structure.write(brought.text, WORD[language]),
                    }
                )
                messages.info(request, _("This is what was read in the file. Look through it, then save."))
            except structure.Unreadable as error:
                bring.add_error("file", str(error))
    elif request.method == "POST":
        form = ActForm(request.POST)
        if form.is_valid():
            try:
                row = actions.save(None, form.written(), by=request.actor, client_id=form.cleaned_data["client_id"])
                messages.success(request, _("The draft is saved. Nobody outside reads it yet."))
                return redirect("desk-act", row.pk)
            except (actions.Refused, structure.Unreadable) as error:
                form.add_error(None, str(error))
    status = 422 if form.errors or bring.errors else 200
    return render(request, "documents/library_desk_new.html", {"form": form, "bring": bring}, status=status)


@staff(actions.DRAFT)
def act(request: Request, pk: int) -> HttpResponse:
    """One act: while it is a draft its form, what it changes, and publishing; then its corrections. `do` says which."""
    row = get_object_or_404(Act, pk=pk)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    typed = request.POST
    form = ActForm(typed if do == "save" else None, initial=initial(row))
    change = ChangeForm(typed if do == "change" else None)
    publish = PublishForm(typed if do == "publish" else None, initial={"published": reads.today()})
    last = reads.latest(row)
    corrected = {"subject": last.subject, "text": structure.write(reads.own_text(row), WORD[row.language])}
    correct = CorrectForm(typed if do == "correct" else None, initial=corrected)
    shown = {"save": form, "change": change, "publish": publish, "correct": correct}.get(do)
    if do and (shown is None or shown.is_valid()):
        try:
            if do == "save":
                actions.save(pk, form.written(), by=request.actor)
                messages.success(request, _("Saved."))
            elif do == "change":
                actions.add_change(pk, change.doing(), by=request.actor)
                messages.success(request, _("It is done when this act is published."))
            elif do == "drop":
                number = typed.get("change", "")
                if number.isascii() and number.isdigit() and len(number) < 18:
                    actions.drop_change(pk, int(number), by=request.actor)
            elif do == "publish":
                days = publish.cleaned_data
                row = actions.publish(pk, by=request.actor, published=days["published"], effective=days["effective"])
                messages.success(request, _("It is published: %(act)s.") % {"act": row.title})
            elif do == "correct":
                words = correct.cleaned_data
                actions.correct(pk, subject=words["subject"], words=words["text"], note=words["note"], by=request.actor)
                messages.success(request, _("The text is corrected. The earlier one stays to be read."))
            elif do == "discard":
                actions.discard(pk, by=request.actor)
                messages.success(request, _("The draft is thrown away."))
                return redirect("desk-acts")
            return redirect("desk-act", pk)
        except (actions.Refused, structure.Unreadable) as error:
            if shown is None:
                messages.error(request, str(error))
                return redirect("desk-act", pk)
            shown.add_error(None, str(error))
    text = reads.own_text(row)
    values = {
        "act": row,
        "standing": reads.standing(row, reads.today()),
        "form": form,
        "change": change,
        "publish": publish,
        "correct": correct,
        "open": do,
        "changes": [(c, views.done(c)) for c in row.changes.select_related("target").order_by("pk")],
        "text": text,
        "unsaid": [] if row.published else reads.unsaid(row, text),
        "chapters": [(chapter.split("\n"), articles) for chapter, articles in grouped(text.articles)],
        "versions": row.versions.order_by("-n"),
        "may_publish": access.can(request.actor, actions.PUBLISH),
    }
    return render(request, "documents/library_desk_act.html", values, status=422 if shown and shown.errors else 200)
