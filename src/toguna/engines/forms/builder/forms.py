"""What a clerk fills in to write a form: each page reads an item of the definition and writes it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.forms import definition, expressions, values
from toguna.engines.forms.builder import conditions, editing, kinds
from toguna.engines.forms.builder.conditions import Condition, Limits
from toguna.engines.forms.builder.editing import Data, Path
from toguna.engines.forms.definition import ASKED, BLOCKS, LISTS, MEDIA, Definition, Item
from toguna.engines.forms.desk.forms import services
from toguna.engines.forms.xlsform.vocabulary import LANGUAGES
from toguna.kernel import text, town
from toguna.kernel.text import fold, pick

LONGEST_LABEL, LONGEST_CHOICES, MOST_LINES = 500, 20_000, 200
CONDITIONS = (1, 2)  # how many the page offers; more are for the expert's box
EXPERT = ("relevant", "constraint", "required_if", "calculation", "choice_filter", "default", "count")


def languages(data: Mapping[str, Any]) -> list[str]:
    """Those of the town first: the languages in which a form is written."""
    return list(dict.fromkeys([*town.current().languages, *data.get("languages", ())]))


def language_name(code: str) -> str:
    return LANGUAGES.get(code, code)


def _lines(written: str) -> list[str]:
    return [line.strip() for line in text.clean(written).splitlines() if line.strip()]


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class _Words(forms.Form):
    """Words asked once in each language: the fields "label_fr", "label_pt"..."""

    def ask(self, name: str, title: Any, codes: Sequence[str], now: Mapping[str, str], **more: Any) -> None:
        several = len(codes) > 1
        for code in codes:
            told = f"{title} – {language_name(code)}" if several else title
            field = forms.CharField(
                label=told, required=False, max_length=more.get("longest", LONGEST_LABEL), initial=now.get(code, ""),
                widget=_area(more["rows"]) if "rows" in more else None, help_text=more.get("help", ""),
            )  # fmt: skip
            field.widget.attrs["lang"] = code
            self.fields[f"{name}_{code}"] = field

    def words(self, name: str) -> dict[str, str]:
        prefix = f"{name}_"
        return {
            key.removeprefix(prefix): cleaned
            for key in self.fields
            if key.startswith(prefix) and (cleaned := text.clean(self.cleaned_data.get(key) or ""))
        }

    def fields_of(self, *names: str) -> list[forms.BoundField]:
        """The fields of these words, for the page."""
        return [self[key] for key in self.fields if key.rpartition("_")[0] in names or key in names]


class NewForm(_Words):
    """A form that is not there yet: its title, and what becomes of its answers."""

    def __init__(self, *given: Any, ask_service: bool = True, **more: Any) -> None:
        super().__init__(*given, **more)
        self.ask("title", _("Title of the form"), town.current().languages, {}, longest=120)
        if ask_service:
            self.fields["service"] = forms.ChoiceField(label=_("What becomes of the answers"), choices=services)

    def clean(self) -> dict[str, Any]:
        if not self.words("title"):
            first = town.current().languages[0]
            self.add_error(f"title_{first}", _("Give the form a title."))
        return self.cleaned_data


class TitlesForm(_Words):
    def __init__(self, data: Data, *given: Any) -> None:
        super().__init__(*given)
        self.ask("title", _("Title of the form"), languages(data), data.get("titles", {}), longest=120)

    def clean(self) -> dict[str, Any]:
        if not self.words("title"):
            self.add_error(None, _("Give the form a title."))
        return self.cleaned_data


class QuickForm(forms.Form):
    """A question in four fields; what else there is to say of it comes on its own page."""

    label = forms.CharField(label=gettext_lazy("Question"), max_length=LONGEST_LABEL)
    kind = forms.ChoiceField(label=gettext_lazy("What is answered"), choices=kinds.choices)
    choices = forms.CharField(
        label=gettext_lazy("Choices"), required=False, max_length=LONGEST_CHOICES, widget=_area(4),
        help_text=gettext_lazy("For a list only: one choice on each line."),
    )  # fmt: skip
    where = forms.ChoiceField(label=gettext_lazy("On which page"), required=False)
    required = forms.BooleanField(label=gettext_lazy("An answer is needed"), required=False)

    def __init__(self, data: Data, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.code = languages(data)[0]
        _named(self, "where").choices = _places(data)

    def clean(self) -> dict[str, Any]:
        values_ = self.cleaned_data
        if values_.get("kind") in LISTS and not _lines(values_.get("choices", "")):
            self.add_error("choices", _("Write the choices, one on each line."))
        return values_

    def apply(self, data: Data) -> Path:
        values_ = self.cleaned_data
        kind = kinds.BY_NAME[values_["kind"]]
        label = text.clean(values_["label"])
        row: Data = {"name": editing.free_name(data, label), "kind": kind.kind, "label": {self.code: label}}
        if kind.appearance:
            row["appearance"] = kind.appearance
        if values_["required"] and kind.kind in ASKED:
            row["required"] = True
        path = editing.add(data, _path(values_["where"]), row)
        if kind.kind in LISTS:
            editing.set_choices(data, row, [{self.code: line} for line in _lines(values_["choices"])[:MOST_LINES]])
        return path


def _named(form: forms.Form, name: str) -> Any:
    return form.fields[name]


def _path(written: str) -> Path:
    return tuple(part for part in written.split("/") if part)


def _places(data: Data, without: Path = ()) -> list[tuple[str, str]]:
    found = [("", _("On no page: as a page of its own"))]
    for path, row in editing.walk(data["items"]):
        if row["kind"] in BLOCKS and not (without and path[: len(without)] == without):
            found.append(("/".join(path), "– " * (len(path) - 1) + editing.title(row)))
    return found


class _Item(_Words):
    """What a question and a block have in common: words, place and condition."""

    def __init__(self, data: Data, path: Path, *given: Any) -> None:
        super().__init__(*given)
        self.form_data, self.path = data, path
        self.row = editing.item(data, path)
        self.form: Definition = definition.read(data)
        self.codes = languages(data)
        self.expert = [name for name in EXPERT if name in self.experts()]

    def experts(self) -> Sequence[str]:
        raise NotImplementedError

    # --- Building

    def build_place(self) -> None:
        at = "/".join(self.path[:-1])
        self.fields["where"] = forms.ChoiceField(
            label=_("On which page"), required=False, choices=_places(self.form_data, self.path), initial=at
        )

    def build_condition(self) -> None:
        found = conditions.read(str(self.row.get("relevant", "")))
        simple = found is not None and len(found[0]) <= len(CONDITIONS) and self._offered(found[0])
        now, join = found if found is not None and simple else ([], "and")
        self.simple_condition = simple
        others = [("", "–"), *((item.name, pick(item.label) or item.name) for item in self.readable())]
        for number in CONDITIONS:
            one = now[number - 1] if number <= len(now) else None
            self.fields[f"if_question_{number}"] = forms.ChoiceField(
                label=_("Only if") if number == 1 else _("Second condition"), required=False, choices=others,
                initial=one.question if one else "",
            )  # fmt: skip
            self.fields[f"if_is_{number}"] = forms.ChoiceField(
                label=_("is or is not"), required=False, choices=conditions.OPERATORS,
                initial=one.operator if one else "is",
            )  # fmt: skip
            self.fields[f"if_value_{number}"] = forms.CharField(
                label=_("Answer"), required=False, max_length=200, initial=self._shown(one) if one else "",
                widget=forms.TextInput(attrs={"list": "answers"}),
            )  # fmt: skip
        self.fields["if_join"] = forms.ChoiceField(
            label=_("With two conditions"), required=False, initial=join,
            choices=[("and", _("both must be true")), ("or", _("one of them is enough"))],
        )  # fmt: skip

    def build_experts(self, simple_constraint: bool = False) -> None:
        titles = {
            "relevant": _("Asked only when"), "constraint": _("The answer is right when"),
            "required_if": _("An answer is needed when"), "calculation": _("Calculated as"),
            "choice_filter": _("Choices that are offered"), "default": _("Answer that is there at first"),
            "count": _("Number of rows"),
        }  # fmt: skip
        for name in self.expert:
            now = self.row.get("required" if name == "required_if" else name, "")
            hide = (
                (name == "relevant" and self.simple_condition)
                or (name == "constraint" and simple_constraint)
                or not isinstance(now, str)
            )
            self.fields[name] = forms.CharField(
                label=titles[name], required=False, max_length=4000, initial="" if hide else now, widget=_area(2)
            )
            self.fields[name].widget.attrs["spellcheck"] = "false"

    def readable(self) -> Iterator[Item]:
        """The questions that a condition may read: before this one, and not inside a list that it is not in."""
        lists = [item.path for item in self.form.walk() if item.kind == "repeat"]
        for item in self.form.walk():
            if item.path == self.path:
                return
            inside = [one for one in lists if item.path[: len(one)] == one]
            if item.kind not in ASKED | {"calculate"} or item.kind in MEDIA:
                continue
            if all(self.path[: len(one)] == one for one in inside):
                yield item

    def _offered(self, found: Sequence[Condition]) -> bool:
        names = {item.name for item in self.readable()}
        return all(one.question in names for one in found)

    def _question(self, name: str) -> Item:
        return next(item for item in self.readable() if item.name == name)

    def _shown(self, one: Condition) -> str:
        item = self._question(one.question)
        return conditions.value_said(item, one.value, self.form, self.codes[0]) if item.kind in LISTS else one.value

    def answers(self) -> list[str]:
        """Words that a condition's answer may be: the choices of the questions before."""
        lists = dict.fromkeys(item.list for item in self.readable() if item.list)
        rows = [row for name in lists for row in self.form.choices.get(name, ())[:50]]
        return list(dict.fromkeys(pick(row.label) or row.name for row in rows))[:300]

    # --- Reading what was sent

    def check_condition(self) -> None:
        """Sets `relevant`: what is written of it."""
        found = []
        for number in CONDITIONS:
            if name := self.cleaned_data.get(f"if_question_{number}"):
                one = self._condition(number, name)
                if one is not None:
                    found.append(one)
        self.relevant = self._expression("relevant")
        if found and self.relevant:
            self.add_error("relevant", _("Say it in one way: empty this box, or the condition in words."))
        elif found:
            try:
                self.relevant = conditions.write(found, self.cleaned_data.get("if_join") or "and", self.form)
            except ValueError:
                self.add_error("if_value_1", _("Write the answer with one kind of quotation marks only."))

    def _condition(self, number: int, name: str) -> Condition | None:
        operator = self.cleaned_data.get(f"if_is_{number}") or "is"
        typed = text.clean(self.cleaned_data.get(f"if_value_{number}") or "")
        item, at = self._question(name), f"if_value_{number}"
        if operator not in conditions.NEEDS_VALUE:
            return Condition(name, operator)
        if not typed:
            self.add_error(at, _("Write the answer that it depends on."))
            return None
        if item.kind == "acknowledge":
            self.add_error(f"if_is_{number}", _("A box is ticked or not: choose “is answered” or “is not answered”."))
            return None
        if item.kind in LISTS:
            rows = self.form.choices.get(item.list, ())
            for row in rows:
                if row.name == typed or any(fold(words) == fold(typed) for words in row.label.values()):
                    return Condition(name, operator, row.name)
            told = ", ".join(pick(row.label) or row.name for row in rows[:12])
            self.add_error(at, _("This is none of its choices. They are: %(choices)s.") % {"choices": told})
            return None
        try:
            return Condition(name, operator, str(values.clean(item, [typed])))
        except values.Wrong as wrong:
            self.add_error(at, str(wrong))
        return None

    def _expression(self, name: str) -> str:
        """What an expert wrote, checked for how it is written; whether what it names is there is said on the form's page."""
        written = text.clean(self.cleaned_data.get(name) or "")
        if written and name != "default":
            try:
                expressions.compile(written)
            except expressions.BadExpression as bad:
                self.add_error(name, str(bad))
        return written

    def check_label(self) -> None:
        if not self.words("label"):
            self.add_error(f"label_{self.codes[0]}", _("Write the question in one language at least."))

    # --- Writing

    def put(self, row: Data, key: str, value: Any) -> None:
        if value in ("", None, False, {}, []):
            row.pop(key, None)
        else:
            row[key] = value

    def moved(self, data: Data) -> Path:
        return editing.put(data, self.path, _path(self.cleaned_data.get("where") or ""))


class BlockForm(_Item):
    """A page, or a list."""

    def __init__(self, data: Data, path: Path, *given: Any) -> None:
        super().__init__(data, path, *given)
        self.ask("label", _("Title"), self.codes, self.row.get("label", {}))
        self.ask("hint", _("Words of help"), self.codes, self.row.get("hint", {}), rows=2)
        self.build_place()
        self.build_condition()
        self.build_experts()

    def experts(self) -> Sequence[str]:
        return ("relevant", "count") if self.row["kind"] == "repeat" else ("relevant",)

    def clean(self) -> dict[str, Any]:
        self.check_label()
        self.check_condition()
        self.counted = self._expression("count")
        return self.cleaned_data

    def apply(self, data: Data) -> Path:
        row = editing.item(data, self.path)
        self.put(row, "label", self.words("label"))
        self.put(row, "hint", self.words("hint"))
        self.put(row, "relevant", self.relevant)
        if row["kind"] == "repeat":
            self.put(row, "count", self.counted)
        return self.moved(data)


class QuestionForm(_Item):
    """All that can be said of a question."""

    def __init__(self, data: Data, path: Path, *given: Any) -> None:
        super().__init__(data, path, *given)
        row = self.row
        kind = kinds.of(row)
        self.known = kind is not None
        self.ask("label", _("Question"), self.codes, row.get("label", {}))
        if kind is not None:
            self.fields["kind"] = forms.ChoiceField(
                label=_("What is answered"), choices=kinds.choices(), initial=kind.name
            )
        self.ask("hint", _("Words of help"), self.codes, row.get("hint", {}), rows=2)
        self.fields["required"] = forms.BooleanField(
            label=_("An answer is needed"), required=False, initial=bool(row.get("required"))
        )
        self._build_choices()
        self.build_place()
        self.build_condition()
        self._build_limits()
        facts = list(kinds.FACTS)
        if row.get("prefill") and row["prefill"] not in dict(facts):
            facts.append((row["prefill"], row["prefill"]))
        self.fields["prefill"] = forms.ChoiceField(
            label=_("Written beforehand, from what the town knows"), required=False, choices=facts,
            initial=row.get("prefill", ""),
        )  # fmt: skip
        self.build_experts(simple_constraint=self.simple_limits)

    def experts(self) -> Sequence[str]:
        return ("relevant", "constraint", "required_if", "calculation", "choice_filter", "default")

    def _build_choices(self) -> None:
        rows = self.form_data["choices"].get(self.row.get("list", ""), [])
        self.long_list = len(rows) > MOST_LINES
        self.shared = [
            editing.title(editing.item(self.form_data, path))
            for path in (editing.users(self.form_data, self.row["list"]) if rows else [])
            if path != self.path
        ]
        if self.long_list:
            return
        for code in self.codes:
            # A line for each choice in each language, so that the lines stay those of the same choice.
            now = [row.get("label", {}).get(code, "") for row in rows]
            initial = "\n".join(line or "-" for line in now) if any(now) else ""
            self.ask("choices", _("Choices"), [code], {code: initial}, rows=6, longest=LONGEST_CHOICES)
            field = self.fields[f"choices_{code}"]
            field.label = _("Choices")
            if len(self.codes) > 1:
                field.label = " – ".join([field.label, language_name(code)])
            if code == self.codes[0]:
                field.help_text = _("One choice on each line.")
            else:
                field.help_text = _("The same choices in the same order. “-” for one that is not translated.")

    def _build_limits(self) -> None:
        row = self.row
        found = conditions.read_limits(str(row.get("constraint", "")))
        self.simple_limits = found is not None
        now = found or Limits()
        if row["kind"] == "range":
            steps = row.get("parameters", {})
            now = Limits(low=str(steps.get("start", "")), high=str(steps.get("end", "")))
        self.fields["low"] = forms.CharField(
            label=_("At least"), required=False, max_length=40, initial=now.low,
            help_text=_("A number, or a day such as 31/12/2026."),
        )  # fmt: skip
        self.fields["high"] = forms.CharField(label=_("At most"), required=False, max_length=40, initial=now.high)
        self.fields["when"] = forms.ChoiceField(
            label=_("For a day"), required=False, initial=now.when,
            choices=[("", _("any day")), ("past", _("today or before")), ("future", _("today or after"))],
        )  # fmt: skip
        self.fields["length"] = forms.IntegerField(
            label=_("For words: how many characters at most"), required=False, min_value=1, max_value=10_000,
            initial=now.length, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        )  # fmt: skip
        said = row.get("constraint_message", {})
        # A message that the town did not write follows the limits: it is not shown as if somebody had.
        own = {code: words for code, words in said.items() if words != conditions.limits_said(now, row["kind"], code)}
        self.ask("message", _("What is said when it is outside"), self.codes, own, rows=2)

    # --- Reading

    def clean(self) -> dict[str, Any]:
        kind = kinds.BY_NAME.get(self.cleaned_data.get("kind", ""))
        if self.known and kind is None:
            return self.cleaned_data  # it is said already that the kind is none
        if self.row["kind"] in ASKED or (kind is not None and kind.kind in ASKED):
            self.check_label()
        self.check_condition()
        self.constraint = self._expression("constraint")
        self.required_if = self._expression("required_if")
        self.calculation = self._expression("calculation")
        self.choice_filter = self._expression("choice_filter")
        self.default = self._expression("default")
        if kind is None:
            return self.cleaned_data
        self._check_limits(kind)
        if kind.kind in LISTS and not self.long_list:
            self._check_choices()
        if kind.kind == "calculate" and not self.calculation:
            self.add_error("calculation", _("Say how it is calculated."))
        return self.cleaned_data

    def _check_choices(self) -> None:
        columns = {code: _lines(self.cleaned_data.get(f"choices_{code}") or "") for code in self.codes}
        longest = max(columns, key=lambda code: len(columns[code]))
        wanted = len(columns[longest])
        first = f"choices_{self.codes[0]}"
        if not wanted:
            self.add_error(first, _("Write the choices, one on each line."))
        elif wanted > MOST_LINES:
            self.add_error(first, _("%(most)d choices at most are written here.") % {"most": MOST_LINES})
        for code, lines in columns.items():
            if lines and len(lines) != wanted:
                told = _(
                    "There are %(here)d choices here and %(there)d in %(language)s: write as many in each language."
                )
                asked = {"here": len(lines), "there": wanted, "language": language_name(longest)}
                self.add_error(f"choices_{code}", told % asked)
        self.choices = [
            {code: lines[number] for code, lines in columns.items() if number < len(lines) and lines[number] != "-"}
            for number in range(wanted)
        ]
        if any(not line for line in self.choices):
            self.add_error(first, _("A choice has no words in any language."))
        for code in self.codes:
            said = [fold(line[code]) or line[code] for line in self.choices if line.get(code)]
            twice = next((one for one in said if said.count(one) > 1), "")
            if twice:
                self.add_error(f"choices_{code}", _("“%(choice)s” is there twice.") % {"choice": twice})

    def _check_limits(self, kind: kinds.Kind) -> None:
        asked = Item("limit", kind.kind if kind.limits else "text", ("limit",))
        found = {}
        for name in ("low", "high"):
            typed = text.clean(self.cleaned_data.get(name) or "")
            found[name] = ""
            if typed and kind.limits not in ("number", "date"):
                self.add_error(name, _("Only numbers and days have such a limit."))
            elif typed:
                try:
                    found[name] = str(values.clean(asked, [typed]))
                except values.Wrong as wrong:
                    self.add_error(name, str(wrong))
        when = self.cleaned_data.get("when") or ""
        if when and kind.limits != "date":
            self.add_error("when", _("Only a day can be past or to come."))
        length = self.cleaned_data.get("length")
        if length and kind.limits != "length":
            self.add_error("length", _("Only words have a length."))
        self.limits = Limits(found["low"], found["high"], when, str(length or ""))
        if found["low"] and found["high"] and not self.errors:
            low, high = found["low"], found["high"]
            if (low > high) if kind.limits == "date" else (float(low) > float(high)):
                self.add_error("high", _("The highest is below the lowest."))
        if kind.kind == "range" and not (found["low"] and found["high"]):
            self.add_error("low", _("Say from which number to which the scale goes."))
        if self.constraint and self.limits != Limits() and kind.kind != "range":
            self.add_error("constraint", _("Say it in one way: empty this box, or the limits in words."))

    # --- Writing

    def apply(self, data: Data) -> Path:
        row = editing.item(data, self.path)
        kind = kinds.BY_NAME.get(self.cleaned_data.get("kind", ""))
        self.put(row, "label", self.words("label"))
        self.put(row, "hint", self.words("hint"))
        self.put(row, "relevant", self.relevant)
        self.put(row, "required", self.required_if or self.cleaned_data["required"])
        self.put(row, "calculation", self.calculation)
        self.put(row, "choice_filter", self.choice_filter)
        if self.default or isinstance(row.get("default", ""), str):
            self.put(row, "default", self.default)
        self.put(row, "prefill", self.cleaned_data["prefill"])
        if kind is not None:
            self._apply_kind(data, row, kind)
        return self.moved(data)

    def _apply_kind(self, data: Data, row: Data, kind: kinds.Kind) -> None:
        if kinds.of(row) != kind:  # the appearance of the kind before means nothing for another
            row["kind"] = kind.kind
            self.put(row, "appearance", kind.appearance)
        if kind.kind in LISTS and not self.long_list:
            editing.set_choices(data, row, self.choices)
        elif kind.kind not in LISTS:
            row.pop("list", None)
            editing.drop_unused(data)
        if kind.kind == "range":
            before = row.get("parameters", {})
            row["parameters"] = {**before, "start": self.limits.low, "end": self.limits.high}
            row["parameters"].setdefault("step", "1")
            self.put(row, "constraint", self.constraint)
        else:
            self.put(row, "constraint", self.constraint or conditions.write_limits(self.limits, kind.kind))
        said = self.words("message")
        if self.limits != Limits() and kind.kind != "range":
            auto = {code: conditions.limits_said(self.limits, kind.kind, code) for code in town.current().languages}
            said = {**auto, **said}
        self.put(row, "constraint_message", said)
