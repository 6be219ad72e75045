// What answers amount to on the phone: what is calculated, what is asked at all, what is wrong. The twin of values.py, which decides
// in the end; the same answers give the same here, as far as the phone can know (see Unknown).

import * as n from "./numbers.js";
import { Evaluator, Unknown, boolean, joined, number, plain, string, when } from "./expressions.js";

const MEDIA = ["image", "audio", "video", "file", "signature"], LISTS = ["select_one", "select_multiple", "rank"];
const SILENT = ["calculate", "hidden", "start", "end", "today", "deviceid", "username", "phonenumber", "email", "audit"];
export const isMedia = (item) => MEDIA.includes(item.kind), isList = (item) => LISTS.includes(item.kind);
export const isBlock = (item) => item.kind === "group" || item.kind === "repeat", isSilent = (item) => SILENT.includes(item.kind);
export const isEmpty = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);
export const named = (key) => key.join(".");

/** What the town hall sent of a form, made ready once. */
export function prepare(form) {
  const ready = { ...form, byName: new Map(), byPath: new Map(), steps: [], repeats: new Set() };
  const walk = (items) => items.forEach((item) => {
    ready.byName.set(item.name, [...(ready.byName.get(item.name) ?? []), item]);
    ready.byPath.set(joined(item.path), item);
    if (item.kind === "repeat") ready.repeats.add(joined(item.path));
    if (item.items) walk(item.items);
  });
  walk(form.items);
  ready.steps = form.steps.map((step) => ({ ...step, item: ready.byPath.get(joined(step.path)) }));
  ready.steps.forEach((step) => { step.item.step = step; });
  return ready;
}

export const get = (answers, key) => key.reduce((holder, part) => holder?.[part], answers) ?? null;
/** Writes an answer; null takes it away. */
export function set(answers, key, value) {
  let holder = answers;
  for (let i = 0; i + 1 < key.length; i += 1) {
    if (holder[key[i]] === undefined) { if (value === null) return; holder[key[i]] = typeof key[i + 1] === "number" ? [] : {}; }
    holder = holder[key[i]];
  }
  if (value === null) delete holder[key.at(-1)]; else holder[key.at(-1)] = value;
}

/** The answer of that kind that a text is; null when it is empty or none. Throws Unknown for what only the town hall reads. */
export function parse(item, text, most) {
  const written = item.kind === "text" ? text : text.trim();
  if (!written) return null;
  switch (item.kind) {
    case "integer": return /^[-+]?\d{1,20}(\.0{1,10})?$/.test(written) && Math.abs(parseInt(written, 10)) <= most.integer ? parseInt(written, 10) : null;
    case "decimal": case "range": return /^[-+]?(\d{1,30}(\.\d{0,20})?|\.\d{1,20})$/.test(written) ? n.digits(n.read(written)) : null;
    case "select_multiple": case "rank": return [...new Set(written.split(/\s+/))];
    case "acknowledge": return ["OK", "ok", "true", "1"].includes(written) ? true : null;
    case "date": return when(written.slice(0, 10))?.whole ? written.slice(0, 10) : null;
    case "geopoint": case "geotrace": case "geoshape": case "time": case "dateTime": throw new Unknown(item.kind);
    default: return written.length > most.text ? null : written;
  }
}

export class Filled extends Evaluator {
  /** now: () => ISO 8601 of the town's clock; throws Unknown when the phone's cannot be believed. fresh: the keys (or all: "") under
   * which what was never answered gets its default. */
  constructor(form, answers, { now, language, fresh = null }) {
    super(form, language);
    Object.assign(this, { now, answers: structuredClone(answers), hidden: new Set(), unknown: new Set(), keys: new Map([["", [[]]]]) });
    this.run(fresh);
  }
  shown(key) { return !this.hidden.size || key.every((_part, i) => !this.hidden.has(joined(key.slice(0, i + 1)))); }
  look(key) {
    if (this.unknown.has(joined(key))) throw new Unknown(named(key));
    if (!this.shown(key)) return null;
    const value = get(this.answers, key);
    if (typeof value !== "string") return value;
    const { kind } = this.form.byPath.get(joined(key.filter((part) => typeof part === "string"))) ?? {};
    return kind === "decimal" || kind === "range" ? number(value) : value;
  }
  expand(path, at) {
    let keys = [[]];
    path.forEach((name, i) => {
      keys = keys.map((key) => [...key, name]);
      if (!this.form.repeats.has(joined(path.slice(0, i + 1)))) return;
      const length = keys[0]?.length, own = keys.length === 1 && i + 1 < path.length ? at.slice(0, length + 1) : [];
      if (keys.length && own.length === length + 1 && joined(own.slice(0, -1)) === joined(keys[0])) keys = [own];
      else keys = keys.flatMap((key) => this.instances(key));
    });
    return keys;
  }
  instances(key) {
    const rows = get(this.answers, key);
    return Array.isArray(rows) ? rows.map((_row, i) => [...key, i]).filter((one) => !this.hidden.has(joined(one))) : [];
  }
  /** What an expression is worth there; `otherwise` where the phone cannot know. */
  known(tree, key, otherwise, row) {
    try { return this.value(tree, { key, row, rank: 0 }); }
    catch (error) { if (error instanceof Unknown) return otherwise; throw error; }
  }
  run(fresh) {
    for (const { item, ...step } of this.form.steps) {
      const keys = [];
      for (const above of this.keys.get(joined(item.path.slice(0, -1))) ?? []) {
        const key = [...above, item.name];
        if (step.relevant && !boolean(this.known(step.relevant, key, true))) { this.hidden.add(joined(key)); continue; }
        if (item.kind === "repeat") { this.count(step, key); keys.push(...this.instances(key)); continue; }
        keys.push(key);
        if (step.calculation) this.calculate(item, step, key);
        else if (fresh !== null && !item.items && named(key).startsWith(fresh) && get(this.answers, key) === null) set(this.answers, key, this.first(item, step, key));
      }
      this.keys.set(joined(item.path), keys);
    }
  }
  calculate(item, step, key) {
    try { set(this.answers, key, parse(item, string(this.value(step.calculation, { key, rank: 0 })), this.form.most)); }
    catch (error) {
      if (!(error instanceof Unknown)) throw error;
      this.unknown.add(joined(key)); // the town hall calculates it; what stood there is not shown as if it were right
      set(this.answers, key, null);
    }
  }
  count(step, key) {
    if (!step.count) return;
    const wanted = this.known(step.count, key, null);
    if (wanted === null) return;
    const most = Math.min(Math.max(n.integer(number(wanted)) || 0, 0), this.form.most.instances), rows = get(this.answers, key) ?? [];
    if (rows.length < most) set(this.answers, key, [...rows, ...Array.from({ length: most - rows.length }, () => ({}))]);
    for (let i = most; i < rows.length; i += 1) this.hidden.add(joined([...key, i]));
  }
  first(item, step, key) {
    try {
      if (item.kind === "start") return this.now();
      if (item.kind === "today") return this.now().slice(0, 10);
      if (item.kind === "end") return null;
      if (step.default) return parse(item, string(this.value(step.default, { key, rank: 0 })), this.form.most);
      return isEmpty(item.default) ? null : parse(item, plain(item.default), this.form.most);
    } catch (error) { if (error instanceof Unknown) return null; throw error; }
  }
  /** The choices that are offered there now. */
  offered(item, key) {
    const rows = this.form.choices[item.list] ?? [], keep = item.step.choice_filter;
    return keep ? rows.filter((row) => boolean(this.known(keep, key, true, row))) : rows;
  }
  required(item, key) {
    const { required } = item.step;
    return required === true || (Boolean(required) && boolean(this.known(required, key, false)));
  }
  /** The answers that count: only of what is relevant, and of nothing that is empty. */
  final(items = this.form.items, answers = this.answers, at = []) {
    const kept = {};
    for (const item of items) {
      const key = [...at, item.name];
      let value = answers[item.name];
      if (isEmpty(value) || !this.shown(key)) continue;
      if (item.kind === "group") value = this.final(item.items, value, key);
      else if (item.kind === "repeat") value = value.map((row, i) => [row, [...key, i]]).filter(([, own]) => this.shown(own)).map(([row, own]) => this.final(item.items, row, own));
      if (!isEmpty(value) && (Array.isArray(value) || typeof value !== "object" || Object.keys(value).length)) kept[item.name] = value;
    }
    return kept;
  }
  /** What is wrong, as {"children.0.name": sentence}. names: of the items of the first level that are looked at; texts: ours. */
  check(texts, names = null) {
    const found = {};
    for (const item of this.form.byPath.values()) {
      if (isSilent(item) || isBlock(item) || item.kind === "note" || (names && !names.includes(item.path[0]))) continue;
      for (const key of this.keys.get(joined(item.path)) ?? []) {
        const said = this.wrong(item, key, texts);
        if (said) found[named(key)] = said;
      }
    }
    return found;
  }
  words(words) { return words?.[this.language] || Object.values(words ?? {}).find(Boolean) || ""; }
  wrong(item, key, texts) {
    const value = get(this.answers, key), { constraint } = item.step;
    if (isEmpty(value)) return !item.read_only && this.required(item, key) ? this.words(item.required_message) || texts.required : "";
    if (isList(item) && this.form.choices[item.list]) {
      const offered = new Set(this.offered(item, key).map((row) => row.name)), picked = Array.isArray(value) ? value : [value];
      if (picked.some((one) => !offered.has(one)) && !(item.parameters?.other && item.kind === "select_one")) return texts.choose;
      if (item.kind === "rank" && picked.length < offered.size) return texts.order;
    }
    if (item.kind === "range" && this.outside(item, number(value))) return texts.range.replace("{0}", item.parameters.start).replace("{1}", item.parameters.end);
    return constraint && !boolean(this.known(constraint, key, true)) ? this.words(item.constraint_message) || texts.impossible : "";
  }
  outside(item, value) {
    const [start, end, step] = ["start", "end", "step"].map((name) => number(item.parameters?.[name] ?? (name === "step" ? "1" : "")));
    if (start.nan || end.nan) return false;
    const [low, high] = n.compare(start, end) < 0 ? [start, end] : [end, start];
    if (n.compare(value, low) < 0 || n.compare(value, high) > 0) return true;
    return !step.nan && step.c > 0n && n.remainder(n.subtract(value, low), step).c !== 0n;
  }
}
