"""The form in a browser: a page at a time, each saved as it is passed; or, at the counter, all of it at once.

A service opens the filling, says at which address its pages are (`base`, which takes ?page=) and what comes when it was
sent (`done`). Every page works without JavaScript; with it, what is typed is saved a second later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.forms import actions, reads, showing, values
from toguna.engines.forms.definition import SILENT, Definition, Item
from toguna.engines.forms.models import Filling
from toguna.engines.forms.values import Filled
from toguna.engines.forms.web import carrying, reading
from toguna.engines.forms.web.drawing import Drawing
from toguna.kernel import limits, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request

END = "end"
Done = Callable[[HttpRequest, Filling], HttpResponse]


def step_view(request: Request, filling: Filling, *, base: str, done: Done) -> HttpResponse:
    """One page of the form (?page=0...), or all that was answered before it is sent (?page=end)."""
    if filling.state == Filling.State.COMPLETE:
        return done(request, filling) if _theirs(request, filling) else _who(request, filling, base)
    by = carrying.actor(request, filling)
    if by is None:
        return _who(request, filling, base)
    view = _View(request, filling, by, base, done)
    return view.post() if request.method == "POST" else view.get()


def counter_view(request: Request, filling: Filling, *, base: str, done: Done) -> HttpResponse:
    """The whole form on one page of the back office, for whoever fills it in for somebody."""
    by = request.actor if reads.may(request.actor, filling) else None
    if by is None:
        return render(request, "forms/web_closed.html", status=403)
    if filling.state == Filling.State.COMPLETE:
        return done(request, filling)
    view = _View(request, filling, by, base, done, whole=True)
    return view.post() if request.method == "POST" else view.get()


def _theirs(request: Request, filling: Filling) -> bool:
    return carrying.actor(request, filling) is not None


def _who(request: Request, filling: Filling, base: str) -> HttpResponse:
    """On another browser: the telephone or the name that they wrote. Where somebody is named, they log in."""
    form = reads.definition_of(filling.version_id)
    named = filling.person_id is not None or filling.account is not None
    if not named and not carrying.told(form, filling):
        return carrying.carry(
            request, filling, HttpResponseRedirect(base)
        )  # nobody is written in it: the code is enough
    error = ""
    if request.method == "POST" and not named and "who" in request.POST:
        try:
            known = carrying.knows(request, form, filling, request.POST.get("who", "")[:100])
        except limits.TooMany as many:
            error = str(many)
        else:
            if known:
                return carrying.carry(request, filling, HttpResponseRedirect(base))
            error = _("This is not what is written in the form. Look at how you wrote it.")
    values_ = {"named": named, "error": error, "base": base, "title": text.pick(form.titles)}
    return render(request, "forms/web_who.html", values_, status=403 if error else 200)


class _View:
    def __init__(
        self, request: Request, filling: Filling, by: Actor, base: str, done: Done, *, whole: bool = False
    ) -> None:
        self.request, self.filling, self.by, self.base, self.done, self.whole = request, filling, by, base, done, whole
        self.form: Definition = reads.definition_of(filling.version_id)
        self.language = (get_language() or "").split("-")[0]
        self.pages: Sequence[Sequence[Item]] = [self.form.items] if whole else self.form.pages()
        wanted = request.POST.get("page") or request.GET.get("page", "")
        self.number = int(wanted) if wanted.isdecimal() and int(wanted) < len(self.pages) else 0
        self.ending = wanted == END and not whole

    # --- Pages

    def get(self) -> HttpResponse:
        filled = actions.evaluated(self.filling)
        if self.ending:
            return self._summary(filled)
        if "page" not in self.request.GET and not self.whole:
            self.number = self._first(filled)
        return self._page(filled)

    def _first(self, filled: Filled) -> int:
        """Where they were: the first page that was not passed and asks something."""
        shown = self._shown(filled)
        return next((n for n in shown if n not in self.filling.seen), shown[0] if shown else 0)

    def _shown(self, filled: Filled) -> list[int]:
        """The pages that ask or tell something now."""
        return [
            number
            for number, items in enumerate(self.pages)
            if any(
                filled.shown(key)
                for top in items
                for item in top.walk()
                if item.kind not in SILENT and item.kind not in ("group",)
                for key in (filled.keys.get(item.path, ()) or ([item.path] if item.kind == "repeat" else []))
            )
        ]

    def _page(
        self, filled: Filled, *, errors: Mapping[str, str] | None = None, given: reading.Given | None = None,
        notice: str = "", status: int = 200,
    ) -> HttpResponse:  # fmt: skip
        shown = self._shown(filled)
        items = self.pages[self.number]
        drawing = Drawing(
            self.form, filled, self.language, errors=errors, typed=given.typed if given else None,
            places=given.places if given else None,
        )  # fmt: skip
        place = shown.index(self.number) if self.number in shown else 0
        blocks = drawing.blocks(items)
        values_ = self._common() | {
            "blocks": blocks, "map": drawing.map, "errors": _errors(drawing, self.form, errors or {}),
            "notice": notice, "page": self.number, "step": place + 1, "steps": len(shown) + 1,
            "back": shown[place - 1] if place else None,
        }  # fmt: skip
        template = "forms/web_counter.html" if self.whole else "forms/web_step.html"
        return self._kept(render(self.request, template, values_, status=status))

    def _common(self) -> dict[str, Any]:
        return {
            "filling": self.filling, "base": self.base, "title": text.pick(self.form.titles, self.language),
            "whole": self.whole,
        }  # fmt: skip

    def _summary(self, filled: Filled, *, status: int = 200, said: str = "") -> HttpResponse:
        answers = showing.shown(self.form, filled.final(), self.language)
        where = {item.name: number for number, items in enumerate(self.pages) for item in items}
        sections: list[tuple[str, int, list[showing.Shown]]] = []
        for one in answers:
            page = where[one.key.partition(".")[0]]
            if not sections or sections[-1][:2] != (one.title, page):
                sections.append((one.title, page, []))
            sections[-1][2].append(one)
        wrong = values.check(self.form, filled, language=self.language)
        names = {key: self._question(key) for key in wrong}
        shown = self._shown(filled)
        values_ = self._common() | {
            "sections": sections, "said": said, "back": shown[-1] if shown else 0, "steps": len(shown) + 1,
            "wrong": [
                (where[key.partition(".")[0]], "f-" + key.replace(".", "-"), names[key], words) for key, words in wrong.items()
            ],
        }  # fmt: skip
        return self._kept(render(self.request, "forms/web_end.html", values_, status=status))

    def _question(self, dotted: str) -> str:
        item = self.form.by_path.get(tuple(step for step in dotted.split(".") if not step.isdecimal()))
        return text.pick(item.label, self.language) if item is not None else dotted

    def _kept(self, response: HttpResponse) -> HttpResponse:
        """Answers are nobody else's: no proxy and no back button of the next person keeps them."""
        response["Cache-Control"] = "no-store"
        return response

    # --- What is done

    def post(self) -> HttpResponse:
        do = self.request.POST.get("do", "next")
        if self.ending:
            return self._send() if do == "send" else self._to(END)
        before = Drawing(self.form, actions.evaluated(self.filling), self.language).keys(self.pages[self.number])
        items = self.pages[self.number]
        given = reading.read(self.request, self.form, self.filling, items, by=self.by, language=self.language)
        verb, _colon, what = do.partition(":")
        if verb == "add" and (key := reading.place(self.form, what)) is not None:
            reading.add(given.answers, key)
        elif verb == "remove":
            dotted, _dot, row = what.rpartition(".")
            if (key := reading.place(self.form, dotted)) is not None and row.isdecimal() and len(row) < 5:
                reading.remove(given.answers, key, int(row))
        typed = self.request.POST.get("revision", "")
        revision = int(typed) if typed.isdecimal() and len(typed) < 9 else -1
        passed = verb in ("next", "send")
        try:
            self.filling, filled, errors = actions.save(
                self.filling, given.answers, by=self.by, revision=revision, code=self.filling.code,
                page=self.number if passed and not given.wrong else None,
            )  # fmt: skip
        except actions.Conflict as conflict:
            return self._conflict(conflict, given, do)
        except actions.Refused as refused:
            if self.filling.state == Filling.State.COMPLETE:
                return self.done(self.request, self.filling)
            return self._failed(str(refused), do)
        errors = {**errors, **given.wrong}
        if verb == "auto":
            return self._auto(filled, before, items)
        if verb in ("add", "remove"):
            return self._page(filled, errors=given.wrong, given=given)
        if verb == "back":
            shown = [n for n in self._shown(filled) if n < self.number]
            return self._to(shown[-1] if shown else 0)
        if verb == "later":
            return self._kept(render(self.request, "forms/web_later.html", self._common()))
        revealed = Drawing(self.form, filled, self.language).keys(items) - before
        fresh = {key for key in revealed if filled.value(reading.key_of(key)) in (None, "", [])}
        if fresh and passed and not given.wrong:
            rest = {key: words for key, words in errors.items() if key not in fresh}
            told = _("Your answers ask for more: answer what was added, then go on.")
            return self._page(filled, errors=rest, notice=told, status=422 if rest else 200)
        if errors:
            return self._page(filled, errors=errors, given=given, status=422)
        if self.whole:
            return self._send()
        return self._to(next((n for n in self._shown(filled) if n > self.number), END))

    def _send(self) -> HttpResponse:
        try:
            self.filling = actions.complete(self.filling, by=self.by, code=self.filling.code)
        except actions.Invalid as invalid:
            filled = actions.evaluated(self.filling)
            if self.whole:
                return self._page(filled, errors=invalid.errors, status=422)
            return self._summary(filled, status=422)
        except actions.Refused as refused:
            filled = actions.evaluated(self.filling)
            if self.whole:
                return self._page(filled, notice=str(refused), status=422)
            return self._summary(filled, status=422, said=str(refused))
        return self.done(self.request, self.filling)

    def _to(self, page: int | str) -> HttpResponse:
        return HttpResponseRedirect(f"{self.base}?page={page}")

    def _conflict(self, conflict: actions.Conflict, given: reading.Given, do: str) -> HttpResponse:
        """Another window saved in between: what is there now is shown, and what was typed here is not lost."""
        if do == "auto":
            return JsonResponse({"said": str(conflict)}, status=409)
        self.filling = conflict.filling
        form, mine = self.form, given.answers
        filled = values.evaluate(
            form, {**self.filling.values, **{k: v for k, v in mine.items() if v is not None}},
            now=actions.evaluated(self.filling).context.now, language=self.language,
        )  # fmt: skip
        return self._page(filled, given=given, errors=given.wrong, notice=str(conflict), status=409)

    def _failed(self, said: str, do: str) -> HttpResponse:
        if do == "auto":
            return JsonResponse({"said": said}, status=422)
        return self._page(actions.evaluated(self.filling), notice=said, status=422)

    def _auto(self, filled: Filled, before: set[str], items: Sequence[Item]) -> HttpResponse:
        """For the script of the page: it was saved; the questions again when others are asked now, or something was
        calculated that is told."""
        drawing = Drawing(self.form, filled, self.language)
        told = any(item.kind == "note" or "${" in str(item.label) for top in items for item in top.walk())
        answer: dict[str, Any] = {"revision": self.filling.revision}
        if told or drawing.keys(items) != before:
            answer["html"] = render_to_string("forms/web_blocks.html", {"blocks": drawing.blocks(items)}, self.request)
        return JsonResponse(answer)


def _errors(drawing: Drawing, form: Definition, errors: Mapping[str, str]) -> list[tuple[str, str]]:
    """(where to go, "Full name: answer this question.") of each, for the summary above the page."""
    found = []
    for dotted, words in errors.items():
        key = reading.key_of(dotted)
        item = form.by_path.get(tuple(step for step in key if isinstance(step, str)))
        label = drawing.words(item.label, key) if item is not None else ""
        found.append(("f-" + dotted.replace(".", "-"), f"{label}: {words}" if label else words))
    return found
