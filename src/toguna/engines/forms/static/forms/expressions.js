// The expressions of forms, evaluated on the phone: the trees that the town hall's parser made (engines/forms/expressions.py), on the
// same values, with the same results; tests compare both. What is not here, or hangs on what the phone cannot know, throws Unknown:
// then the question is asked, the answer is taken, and the town hall decides when it comes.
//
// A value is a string, a boolean, a number of numbers.js or Nodes. A key is ["children", 0, "name"].

import * as n from "./numbers.js";

export class Unknown extends Error {}
class Nodes { constructor(values = [], keys = []) { this.values = values; this.keys = keys; } }

const isNumber = (value) => typeof value === "object" && value !== null && typeof value.c === "bigint";
const isText = (part) => typeof part === "string";
export const joined = (key) => key.join("/");
const SPACES = /\s+/;
const split = (text) => text.split(SPACES).filter(Boolean);

// --- Values

function ten(value) {
  const number = Number(value.toPrecision(10));
  return number && Math.abs(number) < 1e-4 ? number.toExponential().replace(/e([-+])(\d)$/, "e$10$2") : String(number);
}
/** An answer as an XForm writes it. */
export function plain(value) {
  if (value === null || value === undefined) return "";
  if (isText(value)) return value;
  if (value === true) return "OK";
  if (isNumber(value)) return n.digits(value);
  if (!Array.isArray(value)) return typeof value === "object" ? "" : String(value);
  if (Array.isArray(value[0])) return value.map(plain).join("; ");
  if (typeof value[0] === "number") { const [lon, lat, ...rest] = value; return [lat, lon, ...[...rest, 0, 0].slice(0, 2)].map(ten).join(" "); }
  return value.join(" ");
}
export function string(value) {
  if (value instanceof Nodes) return value.values.length ? plain(value.values[0]) : "";
  if (typeof value === "boolean") return value ? "true" : "false";
  return isNumber(value) ? n.written(value) : plain(value);
}
export function number(value) {
  if (isNumber(value)) return value;
  if (typeof value === "boolean") return value ? n.ONE : n.ZERO;
  const text = string(value), found = n.read(text);
  if (found) return found;
  const moment = when(text);
  return moment ? days(moment) : n.NAN;
}
export function boolean(value) {
  if (typeof value === "boolean") return value;
  if (isNumber(value)) return !value.nan && value.c !== 0n;
  return value instanceof Nodes ? value.values.some((one) => plain(one)) : Boolean(string(value));
}
function scalar(value) {
  if (!(value instanceof Nodes)) return value;
  const first = value.values.length ? value.values[0] : "";
  return isNumber(first) ? first : typeof first === "number" ? n.whole(first) : plain(first);
}
function equal(a, b) {
  if (typeof a === "boolean" || typeof b === "boolean") return boolean(a) === boolean(b);
  if (a instanceof Nodes && a.values.length > 1) return a.values.some((one) => equal(new Nodes([one]), b));
  if (b instanceof Nodes && b.values.length > 1) return b.values.some((one) => equal(a, new Nodes([one])));
  const x = scalar(a), y = scalar(b);
  return isNumber(x) || isNumber(y) ? n.compare(number(x), number(y)) === 0 : string(x) === string(y);
}

// --- Dates: {ms since 1970 of the clock on the wall, whole: a date without time, zone: as it was written}

const DAY = 86400000, MOMENT = /^(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[-+]\d\d:\d\d)?)?$/;
export function when(value) {
  if (isNumber(value)) {
    const float = n.float(value);
    if (!(Math.abs(float) <= 2000000) || float < -719162) return null;
    const exact = n.compare(value, n.trunc(value)) === 0;
    return { ms: exact ? n.integer(value) * DAY : Math.floor(Math.round(float * DAY * 1000) / 1000), whole: exact, zone: "" };
  }
  const text = string(value), [all, date, hour, minute, second = "0", part = "", zone = ""] = MOMENT.exec(text) ?? [];
  if (!all) { const found = n.read(text); return found ? when(found) : null; }
  const start = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(start) || iso(start).slice(0, 10) !== date || date < "0001") return null;
  if (!hour) return { ms: start, whole: true, zone: "" };
  if (hour > 23 || minute > 59 || second > 59) return null;
  const ms = start + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 + Number(part.padEnd(3, "0").slice(0, 3));
  return { ms, whole: false, zone: zone === "Z" ? "+00:00" : zone };
}
const iso = (ms) => new Date(ms).toISOString();
function days({ ms, whole }) {
  const day = Math.floor(ms / DAY);
  if (whole) return n.whole(day);
  return n.add(n.whole(day), n.divide(n.whole(Math.floor((ms - day * DAY) / 1000)), n.whole(86400)));
}
const MONTHS = { fr: "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.", pt: "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.", en: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec" };
const WEEK = { fr: "dim. lun. mar. mer. jeu. ven. sam.", pt: "dom. seg. ter. qua. qui. sex. sáb.", en: "Sun Mon Tue Wed Thu Fri Sat" };
function formatted(value, pattern, language) {
  const moment = when(value);
  if (!moment) return "";
  const at = new Date(moment.ms), text = iso(moment.ms), of = (names, i) => (names[language] ?? names.en).split(" ")[i];
  const parts = {
    Y: text.slice(0, 4), y: text.slice(2, 4), m: text.slice(5, 7), n: String(at.getUTCMonth() + 1), d: text.slice(8, 10), e: String(at.getUTCDate()),
    H: text.slice(11, 13), h: String(at.getUTCHours()), M: text.slice(14, 16), S: text.slice(17, 19), 3: text.slice(20, 23), "%": "%",
    b: of(MONTHS, at.getUTCMonth()), a: of(WEEK, at.getUTCDay()),
  };
  return pattern.replace(/%(.)/gu, (_all, letter) => parts[letter] ?? "");
}

// --- Places

const EARTH = 6371009;
function points(values) {
  const found = [], radians = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text ?? "") ? (Number(text) * Math.PI) / 180 : NaN);
  for (const value of flat(values)) for (const point of plain(value).split(";")) {
    const [lat, lon] = split(point).map(radians);
    if (Number.isFinite(lat) && Number.isFinite(lon)) found.push([lat, lon]);
  }
  return found;
}
const pairs = (rows) => rows.slice(1).map((row, i) => [rows[i], row]);
const metric = (value) => n.read(value.toFixed(2)) ?? n.NAN;
function distance(...values) {
  return metric(pairs(points(values)).reduce((sum, [[a, b], [c, d]]) => {
    const h = Math.sin((c - a) / 2) ** 2 + Math.cos(a) * Math.cos(c) * Math.sin((d - b) / 2) ** 2;
    return sum + 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(h)));
  }, 0));
}
function area(...values) {
  const ring = points(values), [first, last] = [ring[0], ring.at(-1)];
  if (ring.length < 3) return n.ZERO;
  if (first[0] !== last[0] || first[1] !== last[1]) ring.push(first);
  const twice = pairs(ring).reduce((sum, [[a, b], [c, d]]) => {
    const t = Math.tan((Math.PI / 2 - a) / 2) * Math.tan((Math.PI / 2 - c) / 2), turn = b - d;
    return sum + 2 * Math.atan2(t * Math.sin(turn), 1 + t * Math.cos(turn));
  }, 0);
  return metric(Math.abs(twice) * EARTH * EARTH);
}

// --- Functions: of values already converted, or (LAZY) of trees

const flat = (values) => values.flatMap((value) => (value instanceof Nodes ? value.values : [value]));
const isThere = (value) => typeof value === "boolean" || isNumber(value) || plain(value) !== "";
const numbers = (values) => flat(values).filter(isThere).map((value) => number(new Nodes([value]))).filter((value) => !value.nan);
const most = (sign) => (...values) => numbers(values).reduce((best, one) => (best.nan || n.compare(one, best) * sign > 0 ? one : best), n.NAN);
const letters = (text) => [...text];
const joining = (by, ...values) => flat(values).map((value) => (typeof value === "boolean" || isNumber(value) ? string(value) : plain(value))).join(string(by));
function between(least, total, top) {
  if (least.nan || top.nan || total.nan) return false;
  const none = n.whole(-1), free = (bound) => n.compare(bound, none) === 0;
  return (free(least) || n.compare(total, least) >= 0) && (free(top) || n.compare(total, top) <= 0);
}
function regex(text, pattern) {
  if ([...text].length > 2000) return false;
  let made;
  try { made = new RegExp(`^(?:${pattern})$`); } catch { throw new Unknown("regex"); }
  return made.test(text);
}
function clock(value) {
  const text = string(value), at = text.includes("T") ? text.slice(text.indexOf("T") + 1) || text : text;
  const [all, hour, minute, second = "0"] = /^(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?(?:Z|[-+]\d\d:\d\d)?$/.exec(at) ?? [];
  if (!all || hour > 23 || minute > 59 || second > 59) return n.NAN;
  return n.divide(n.whole((Number(hour) * 60 + Number(minute)) * 60 + Number(second)), n.whole(86400));
}
function translate(text, old, now) {
  const from = letters(old), to = letters(now), table = new Map();
  from.forEach((letter, i) => { if (!table.has(letter)) table.set(letter, to[i] ?? ""); });
  return letters(text).map((letter) => table.get(letter) ?? letter).join("");
}
const S = string, N = number, B = boolean, _ = (value) => value;
const count = (length) => n.whole(length);
/** name: [how each value is converted (the last one again for those that follow), what is done]. */
const FUNCTIONS = {
  true: [[_], () => true], false: [[_], () => false], not: [[B], (v) => !v], boolean: [[B], _], "boolean-from-string": [[S], (v) => v === "1" || v === "true"],
  number: [[N], _], string: [[S], _], int: [[N], n.trunc], round: [[N], n.round], abs: [[N], n.abs],
  pi: [[_], () => n.read(String(Math.PI))],
  sum: [[_], (...v) => numbers(v).reduce(n.add, n.ZERO)], min: [[_], most(-1)], max: [[_], most(1)],
  count: [[_], (v) => (v instanceof Nodes ? count(v.values.length) : string(v) ? n.ONE : n.ZERO)],
  "count-non-empty": [[_], (...v) => count(flat(v).filter(isThere).length)],
  concat: [[_], (...v) => joining("", ...v)], join: [[_], joining],
  "string-length": [[S], (v) => count(letters(v).length)], "normalize-space": [[S], (v) => split(v).join(" ")],
  contains: [[S], (a, b) => a.includes(b)], "starts-with": [[S], (a, b) => a.startsWith(b)], "ends-with": [[S], (a, b) => a.endsWith(b)],
  substr: [[S, N], (text, start, end = n.NAN) => letters(text).slice(n.integer(start) || 0, end.nan ? undefined : n.integer(end)).join("")],
  "substring-before": [[S], (a, b) => (a.includes(b) ? a.slice(0, a.indexOf(b)) : "")],
  "substring-after": [[S], (a, b) => (a.includes(b) ? a.slice(a.indexOf(b) + b.length) : "")],
  translate: [[S], translate], "upper-case": [[S], (v) => v.toUpperCase()], "lower-case": [[S], (v) => v.toLowerCase()], regex: [[S], regex],
  date: [[_], (v) => { const m = when(v); return m ? iso(m.ms).slice(0, 10) : ""; }],
  "date-time": [[_], (v) => { const m = when(v); return m ? iso(m.ms).slice(0, 23) + m.zone : ""; }],
  "decimal-date-time": [[_], (v) => { const m = when(v); return m ? days(m) : n.NAN; }], "decimal-time": [[_], clock],
  selected: [[_], (v, name) => split(string(v)).includes(string(name).trim())],
  "selected-at": [[_, N], (v, i) => (i.nan || i.c < 0n ? "" : split(string(v))[n.integer(i)] ?? "")],
  "count-selected": [[_], (v) => count(split(string(v)).length)],
  checklist: [[N, N, _], (least, top, ...v) => between(least, count(v.filter(boolean).length), top)],
  "weighted-checklist": [[N, N, _], (least, top, ...v) => between(least, v.filter((_v, i) => i % 2 && boolean(v[i - 1])).map(number).filter((w) => !w.nan).reduce(n.add, n.ZERO), top)],
  distance: [[_], distance], area: [[_], area],
};
const names = (keys) => (keys.length ? keys[0].filter(isText) : []);
const rank = (key) => (key.findLast((part) => typeof part === "number") ?? 0) + 1;
const LAZY = {
  if: (e, c, test, yes, no) => e.value(boolean(e.value(test, c)) ? yes : no, c),
  coalesce: (e, c, ...trees) => { for (const tree of trees) { const text = string(e.value(tree, c)); if (text) return text; } return ""; },
  once: (e, c, tree) => plain(e.look(c.key)) || e.value(tree, c),
  today: (e) => e.now().slice(0, 10),
  now: (e) => e.now(),
  "format-date": (e, c, value, pattern) => formatted(e.value(value, c), string(e.value(pattern, c)), e.language),
  "format-date-time": (e, c, value, pattern) => formatted(e.value(value, c), string(e.value(pattern, c)), e.language),
  position: (e, c, tree) => {
    if (!tree) return n.whole(c.rank || rank(c.key));
    const found = e.value(tree, c), key = found instanceof Nodes && found.keys.length ? found.keys[0] : [];
    return Array.isArray(key) ? n.whole(rank(key)) : n.NAN;
  },
  "indexed-repeat": (e, c, tree, ...rest) => {
    const wanted = e.value(tree, c), places = new Map();
    if (!(wanted instanceof Nodes) || !wanted.keys.length) return "";
    for (let i = 0; i < rest.length; i += 2) {
      const repeat = e.value(rest[i], c), at = number(rest[i + 1] ? e.value(rest[i + 1], c) : n.NAN);
      if (at.nan) return "";
      places.set(joined(repeat instanceof Nodes ? names(repeat.keys) : []), n.integer(at) - 1);
    }
    const path = names(wanted.keys), key = [];
    path.forEach((name, i) => { key.push(name); const at = places.get(joined(path.slice(0, i + 1))); if (at !== undefined) key.push(at); });
    return new Nodes([e.look(key)], [key]);
  },
  "jr:choice-name": (e, c, tree, question) => {
    const wanted = string(e.value(tree, c)), asked = e.value(question, c), name = isText(asked) ? asked : names(asked.keys).at(-1) ?? "";
    const [item] = e.form.byName.get(name.replace(/[${}\s]/g, "").split("/").at(-1)) ?? [];
    const row = (item && e.form.choices[item.list] || []).find((one) => one.name === wanted);
    return row ? row.label[e.language] || Object.values(row.label)[0] || row.name : "";
  },
};
const compared = (test) => (a, b) => test(n.compare(number(a), number(b)));
const computed = (work) => (a, b) => work(number(a), number(b));
const OPERATORS = {
  "=": equal, "!=": (a, b) => !equal(a, b), "<": compared((o) => o < 0), "<=": compared((o) => o <= 0), ">": compared((o) => o > 0), ">=": compared((o) => o >= 0),
  "+": computed(n.add), "-": computed(n.subtract), "*": computed(n.multiply), div: computed(n.divide), mod: computed(n.remainder),
  "|": (a, b) => {
    if (!(a instanceof Nodes && b instanceof Nodes)) return new Nodes();
    const text = (key) => (Array.isArray(key) ? joined(key) : key), seen = new Set(a.keys.map(text)), more = b.keys.flatMap((key, i) => (seen.has(text(key)) ? [] : [i]));
    return new Nodes([...a.values, ...more.map((i) => b.values[i])], [...a.keys, ...more.map((i) => b.keys[i])]);
  },
};

/** What evaluates trees. form: {byName, byPath, choices}; look(key), expand(path, key) and now() as in scalars.Context. */
export class Evaluator {
  constructor(form, language) { this.form = form; this.language = language; }
  cell(row, column) {
    if (column === "name") return row.name;
    return column === "label" ? row.label[this.language] || (Object.values(row.label)[0] ?? "") : row.more[column] ?? "";
  }
  found(path, c) {
    const keys = path ? this.expand(path, c.key) : [];
    return new Nodes(keys.map((key) => this.look(key)), keys);
  }
  /** Of items with the same name, that which shares most of its way with who asks. */
  closest(name, key) {
    const items = this.form.byName.get(name) ?? [], at = key.filter(isText);
    const shared = (path) => { let i = 0; while (i < path.length && i < at.length && path[i] === at[i]) i += 1; return i; };
    return items.reduce((best, item) => (!best || shared(item.path) > shared(best) ? item.path : best), null);
  }
  relative(up, path, c) {
    if (!up && !path.length) return new Nodes([this.look(c.key)], [c.key]);
    const at = c.key.filter(isText);
    if (path.length) return this.found([...at.slice(0, Math.max(0, at.length - up)), ...path], c);
    let { key } = c;
    for (let i = 0; i < up; i += 1) key = key.slice(0, typeof key.at(-1) === "number" ? -2 : -1);
    return new Nodes([null], [key]);
  }
  where(nodes, keep, c) {
    const kept = new Nodes();
    nodes.keys.forEach((key, i) => {
      const place = Array.isArray(key), inner = { key: place ? key : c.key, row: place ? c.row : key, rank: i + 1 }, test = this.value(keep, inner);
      if (isNumber(test) ? n.compare(test, n.whole(i + 1)) === 0 : boolean(test)) { kept.values.push(nodes.values[i]); kept.keys.push(key); }
    });
    return kept;
  }
  value(tree, c) {
    const [kind, a, b] = tree;
    switch (kind) {
      case "number": return n.read(a);
      case "text": return a;
      case "minus": return n.minus(number(this.value(a, c)));
      case "and": return boolean(this.value(a, c)) && boolean(this.value(b, c));
      case "or": return boolean(this.value(a, c)) || boolean(this.value(b, c));
      case "name": return this.found(this.closest(a, c.key), c);
      case "root": return this.found(tree.slice(1), c);
      case "up": return this.relative(a, tree.slice(2), c);
      case "column": return c.row ? new Nodes([this.cell(c.row, a)], [c.row]) : new Nodes();
      case "list": { const rows = this.form.choices[a] ?? []; return new Nodes(rows.map((row) => row.name), rows); }
      case "cell": { const { keys } = this.value(a, c); return new Nodes(keys.map((row) => this.cell(row, b)), keys); }
      case "where": return this.where(this.value(a, c), b, c);
      case "child": { const keys = this.value(a, c).keys.map((key) => [...key, b]); return new Nodes(keys.map((key) => this.look(key)), keys); }
      case "call": {
        const trees = tree.slice(2);
        if (LAZY[a]) return LAZY[a](this, c, ...trees);
        const [kinds, work] = FUNCTIONS[a] ?? [];
        if (!work) throw new Unknown(a);
        return work(...trees.map((one, i) => kinds[Math.min(i, kinds.length - 1)](this.value(one, c))));
      }
      default: return OPERATORS[kind](this.value(a, c), this.value(b, c));
    }
  }
}
