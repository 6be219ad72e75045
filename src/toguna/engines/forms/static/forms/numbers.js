// Exact decimal numbers, 28 digits, halves to even, as the town hall's (Python's decimal). A number is {c: BigInt, e: exponent of 10};
// NAN is "no number", as is what a division by zero gives.

export const NAN = Object.freeze({ c: 0n, e: 0, nan: true });
const DIGITS = 28, size = (c) => (c < 0n ? -c : c).toString().length, ten = (n) => 10n ** BigInt(n);
export const make = (c, e = 0) => ({ c, e });
export const whole = (n) => make(BigInt(n));
export const ZERO = make(0n), ONE = make(1n);

/** c div d to the nearest; halves to even, or away from zero. */
function nearest(c, d, away = false) {
  const up = c < 0n ? -c : c, q = up / d, twice = (up % d) * 2n;
  const r = twice > d || (twice === d && (away || q % 2n)) ? q + 1n : q;
  return c < 0n ? -r : r;
}
function fix({ c, e, nan }) {
  if (nan) return NAN;
  for (let over = size(c) - DIGITS; over > 0; over = size(c) - DIGITS) { c = nearest(c, ten(over)); e += over; }
  return make(c, e);
}
const same = (a, b) => { const e = Math.min(a.e, b.e); return [a.c * ten(a.e - e), b.c * ten(b.e - e), e]; };
const each = (work) => (a, b) => (a.nan || b.nan ? NAN : work(a, b));

export const add = each((a, b) => { const [x, y, e] = same(a, b); return fix(make(x + y, e)); });
export const subtract = each((a, b) => { const [x, y, e] = same(a, b); return fix(make(x - y, e)); });
export const multiply = each((a, b) => fix(make(a.c * b.c, a.e + b.e)));
export const divide = each((a, b) => {
  if (!b.c) return NAN;
  const shift = Math.max(0, DIGITS + 2 + size(b.c) - size(a.c)), sign = (a.c < 0n) !== (b.c < 0n) ? -1n : 1n;
  const c = (a.c < 0n ? -a.c : a.c) * ten(shift), d = b.c < 0n ? -b.c : b.c;
  return fix(make(sign * ((c / d) * 10n + (c % d ? 1n : 0n)), a.e - b.e - shift - 1)); // the last digit: whether something is left
});
export const remainder = each((a, b) => {
  if (!b.c) return NAN;
  const [x, y, e] = same(a, b);
  return size(x / y) > DIGITS ? NAN : fix(make(x % y, e));
});
export const minus = (a) => (a.nan ? NAN : fix(make(-a.c, a.e)));
export const abs = (a) => (a.nan ? NAN : fix(make(a.c < 0n ? -a.c : a.c, a.e)));
/** Towards zero. */
export const trunc = (a) => (a.nan ? NAN : a.e >= 0 ? a : make(a.c / ten(-a.e)));
/** -1, 0 or 1; NaN when one is no number. */
export function compare(a, b) {
  if (a.nan || b.nan) return NaN;
  const [x, y] = same(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}
export function round(a, places = ZERO) {
  if (a.nan || places.nan) return NAN;
  const n = Number(trunc(places).c) * 10 ** Math.max(0, trunc(places).e);
  if (compare(abs(places), whole(20)) > 0) return NAN;
  const moved = fix(make(a.c, a.e + n)), c = moved.e >= 0 ? moved.c * ten(moved.e) : nearest(moved.c, ten(-moved.e), true);
  return size(c) > DIGITS ? NAN : multiply(make(c), make(1n, -n));
}
/** An integer of JavaScript; NaN when it is no number. */
export const integer = (a) => { if (a.nan) return NaN; const t = trunc(a); return Number(t.c * ten(Math.max(0, t.e))); };
export const float = (a) => (a.nan ? NaN : Number(`${a.c}e${a.e}`));

const WRITTEN = /^\s*([-+]?)(\d{0,40})(?:\.(\d{0,40}))?\s*$/;
/** The number that a text is, with the digits that it has; null when it is none. */
export function read(text) {
  const [, sign, before, after = ""] = WRITTEN.exec(text) ?? [];
  if (sign === undefined || !(before + after)) return null;
  return make(BigInt(`${sign === "-" ? "-" : ""}${before}${after}`), -after.length);
}
/** All its digits: "12.50". */
export function digits({ c, e, nan }) {
  if (nan) return "NaN";
  const sign = c < 0n ? "-" : "", all = (c < 0n ? -c : c).toString();
  if (e >= 0) return sign + (c ? all + "0".repeat(e) : all);
  const long = all.padStart(1 - e, "0");
  return `${sign}${long.slice(0, e)}.${long.slice(e)}`;
}
/** As people read it: "12.5"; "" for no number. */
export function written(a) {
  if (a.nan) return "";
  const text = a.c ? digits(a) : "0";
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
