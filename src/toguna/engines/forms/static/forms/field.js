// The town's forms on a phone without network. Each answer is in the phone's database when it is given; it leaves it only when the
// town hall has said, by the record's id, that it has it. Stores: `forms` (definitions, by "slug@version"), `current` (what is
// offered), `records` (what is filled in, of each account), `files` (photos and signatures, by the id that stands in the answers).
//
// A record: {id, account, form, language, title, answers, typed: {key: what is no answer}, errors: {key: sentence}, page, at, changed,
// state, says, code}; state: "draft", "waiting", "refused" (to be corrected) or "sent" (then without its answers).

import { Unknown, joined } from "./expressions.js";
import { Filled, get, isEmpty, named, prepare, set } from "./answers.js";
import { blocks } from "./sheet.js";

const at = (id) => document.getElementById(id), root = at("field"), texts = JSON.parse(at("texts").textContent), paths = root.dataset;
const { alone, database, post, session, small } = await import(paths.offline);
const base = await database("toguna-forms", { forms: "key", current: "name", records: "id", files: "id" });
const stored = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };

const BATCH = 10, KEEP_SENT_HOURS = 24, CLOCK_DAYS = 14, LEEWAY = 60000, WRITE = 250;
export let account = stored("forms-field-account");
const says = (text) => { at("says").textContent = text; };

// --- The clock: the town's, as long as this phone's can be believed

/** The town told its time ({phone, town, zone}) at the last contact. */
function contact(now) {
  localStorage.setItem("forms-field-clock", JSON.stringify({ phone: Date.now(), last: Date.now(), town: Date.parse(now), zone: now.slice(23).replace("Z", "+00:00") }));
}
/** Whether the phone's clock went on as it should since: it never goes back, and a leap of weeks is no working day. */
function sure() {
  const clock = stored("forms-field-clock"), now = Date.now();
  if (!clock || now < clock.last - LEEWAY || now - clock.phone > CLOCK_DAYS * 86400e3) return null;
  if (now > clock.last) localStorage.setItem("forms-field-clock", JSON.stringify({ ...clock, last: now }));
  return clock;
}
/** ISO 8601 in the town's time. */
function now() {
  const clock = sure();
  if (!clock) throw new Unknown("now");
  const [, sign, hours, minutes] = /([-+])(\d\d):(\d\d)/.exec(clock.zone);
  const ms = clock.town + Date.now() - clock.phone + Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60000;
  return new Date(ms).toISOString().slice(0, 23) + clock.zone;
}

// --- What is kept

export const records = {
  all: async () => (await base.all("records")).sort((a, b) => b.changed - a.changed),
  mine: async () => (await records.all()).filter((row) => row.account === account),
  files: async (id) => (await base.all("files")).filter((file) => file.record === id),
  /** The record goes last: as long as it is there, its files are too. */
  async remove(id, whole = true) {
    await base.remove("files", ...(await records.files(id)).map((file) => file.id));
    if (whole) await base.remove("records", id);
  },
};
const prepared = new Map();
async function formOf(key) {
  if (!prepared.has(key)) {
    const form = await base.get("forms", key);
    if (form) prepared.set(key, prepare(form));
  }
  return prepared.get(key);
}

/** A form is begun: its defaults stand in it. */
export async function begin(key) {
  const form = await formOf(key), page = document.documentElement.lang, language = form.languages.includes(page) ? page : form.languages[0] ?? "";
  const row = {
    id: crypto.randomUUID(), account, form: key, language, title: form.titles[language] || form.titles[page] || Object.values(form.titles)[0] || form.slug,
    answers: new Filled(form, {}, { now, language, fresh: "" }).answers, typed: {}, errors: {}, page: 0, at: Date.now(), changed: Date.now(), state: "draft", says: "",
  };
  await base.put("records", row);
  navigator.storage?.persist?.();
  return row;
}

/** All is looked at: gives what is wrong, or nothing and the record waits to be sent. */
export async function finish(row) {
  const form = await formOf(row.form), filled = new Filled(form, row.answers, { now, language: row.language });
  row.errors = wrong(row, filled);
  row.changed = Date.now();
  if (!Object.keys(row.errors).length) {
    for (const item of form.items) if (item.kind === "end" && sure()) row.answers[item.name] = now();
    Object.assign(row, { state: "waiting", says: "" });
  }
  await base.put("records", row);
  if (row.state === "waiting") (await navigator.serviceWorker?.getRegistration().catch(() => null))?.sync?.register("forms").catch(() => {});
  return row.errors;
}
function wrong(row, filled, names = null) {
  const found = filled.check(texts, names), [...keys] = Object.keys(row.typed);
  for (const key of keys) if ((!names || names.includes(key.split(".")[0])) && filled.shown(keyOf(key))) found[key] = row.typed[key].says;
  return found;
}
const keyOf = (name) => name.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));

// --- The town hall

/** Sends what waits, each with its files before it. Ends as "done", "offline", "login" or "others". */
export const sync = alone("forms-field-sync", async () => {
  try {
    const who = await session(paths.me);
    if (!who) return "login";
    contact(who.now);
    await become(who.account);
    for (let turn = 0; turn < 2; turn += 1) if (!(await sent(who.csrf))) break; // again when the town hall missed a file
    return (await records.all()).some((row) => row.account !== account && row.state === "waiting") ? "others" : "done";
  } catch (error) { return error.status === 403 ? "login" : "offline"; }
});

/** Whether files have to be sent again. */
async function sent(csrf) {
  const rows = (await records.mine()).filter((row) => row.state === "waiting").reverse(), bodies = [];
  let again = false;
  const flush = async () => {
    const batch = bodies.splice(0);
    if (!batch.length) return;
    const { results } = await post(paths.sync, JSON.stringify({ account, records: batch }), csrf, "application/json");
    for (const result of results) again = (await settle(rows.find((row) => row.id === result.id), result)) || again;
  };
  for (const row of rows) {
    const form = await formOf(row.form), answers = new Filled(form, row.answers, { now, language: row.language }).final();
    const about = { form: form.slug, version: form.version, language: row.language }, text = JSON.stringify(answers);
    const files = (await records.files(row.id)).filter((file) => text.includes(file.id));
    if (files.length) await flush();
    if (!(await every(files, (file) => file.sent || upload(file, { ...about, account, record: row.id }, row, csrf)))) continue;
    bodies.push({ id: row.id, ...about, answers });
    if (files.length || bodies.length === BATCH || text.length > 50000) await flush();
  }
  await flush();
  return again;
}
async function every(rows, work) { for (const row of rows) if (!(await work(row))) return false; return true; }

/** One file; false when it was refused, and its record with it. */
async function upload(file, about, row, csrf) {
  const form = new FormData();
  Object.entries({ ...about, id: file.id }).forEach(([name, value]) => form.append(name, value));
  form.append("file", file.blob, file.name);
  const result = await post(paths.file, form, csrf).catch((error) => {
    if (error.status !== 413 && error.status !== 400) throw error;
    return { state: "refused", says: error.says || texts.file };
  });
  if (result.state === "sent") { await base.put("files", { ...file, sent: true }); return true; }
  await base.put("records", { ...row, state: "refused", says: result.says, errors: { [file.key]: result.says } });
  return false;
}
async function settle(row, result) {
  if (!row) return false;
  if (result.state === "sent") {
    await base.put("records", { ...row, state: "sent", says: "", code: result.code, answers: {}, typed: {}, errors: {}, changed: Date.now() });
    await records.remove(row.id, false);
  } else if (result.state === "refused") await base.put("records", { ...row, state: "refused", says: result.says, errors: result.errors });
  else {
    const missed = (await records.files(row.id)).filter((file) => result.missing.includes(file.id));
    await base.put("files", ...missed.map((file) => ({ ...file, sent: false })));
    if (missed.length === result.missing.length) return true;
    await base.put("records", { ...row, state: "refused", says: texts.lost, errors: {} });
  }
  return false;
}

/** The phone now belongs to this account: another one's work stays, unseen. */
async function become(number) {
  account = number;
  localStorage.setItem("forms-field-account", JSON.stringify(number));
  const old = (await records.all()).filter((row) => row.state === "sent" && Math.abs(Date.now() - row.changed) > KEEP_SENT_HOURS * 3600e3);
  await base.remove("records", ...old.map((row) => row.id));
}

/** Fetches the forms that are offered. What was begun keeps the form that it was begun with. */
export async function load() {
  const who = await session(paths.me);
  if (!who) return "login";
  contact(who.now);
  await become(who.account);
  const before = await base.get("current", "forms"), headers = before ? { "If-None-Match": before.tag } : {};
  const answer = await fetch(paths.package, { headers, redirect: "manual", cache: "no-store" });
  if (answer.status === 304) return "loaded";
  if (!answer.ok) throw new Error(`package ${answer.status}`);
  const { forms } = await answer.json(), keys = forms.map((form) => form.key), used = new Set((await records.all()).map((row) => row.form));
  await base.put("forms", ...forms);
  await base.put("current", { name: "forms", tag: answer.headers.get("ETag"), keys });
  const idle = (await base.all("forms")).map((form) => form.key).filter((key) => !keys.includes(key) && !used.has(key));
  await base.remove("forms", ...idle);
  await navigator.storage?.persist?.();
  return "loaded";
}

// --- The lists

const element = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });
const button = (text, work, quiet = true) => Object.assign(element("button", text, { type: "button", className: quiet ? "button small quiet" : "button small" }), { onclick: work });

async function home() {
  const rows = await records.mine(), { keys = [] } = (account && await base.get("current", "forms")) || {}, forms = [];
  for (const key of keys) forms.push(await formOf(key));
  const lang = document.documentElement.lang, title = (form) => form.titles[lang] || Object.values(form.titles)[0] || form.slug;
  at("forms").replaceChildren(...forms.filter(Boolean).map((form) => line(title(form), "", button(texts.fill, () => guarded(async () => open((await begin(form.key)).id)), false))));
  at("none").hidden = forms.length > 0;
  const open_ = rows.filter((row) => row.state === "draft" || row.state === "refused"), closed = rows.filter((row) => row.state === "waiting" || row.state === "sent");
  at("drafts").replaceChildren(...open_.map((row) => line(row.title, [when(row), texts[row.state], first(row), row.says].filter(Boolean).join(" · "),
    button(row.state === "refused" ? texts.correct : texts.go_on, () => open(row.id), false))));
  at("queue").replaceChildren(...closed.map((row) => line(row.title, [when(row), texts[row.state], row.code || first(row)].filter(Boolean).join(" · "),
    ...(row.state === "waiting" ? [button(texts.change, async () => { if (await change(row.id, "draft")) open(row.id); })] : []))));
  at("begun").hidden = !open_.length;
  at("ended").hidden = !closed.length;
  await tell(rows);
}
const when = (row) => new Date(row.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
const first = (row) => Object.values(row.answers).find((value) => typeof value === "string" && value.length > 1 && !/^[-\d:.T+]+$|^[0-9a-f-]{36}$/.test(value))?.slice(0, 40) ?? "";
function line(title, about, ...buttons) {
  const item = element("li", "", { className: "item" }), words = element("div");
  words.append(element("strong", title, { dir: "auto" }), ...(about ? [element("p", about, { className: "small muted", dir: "auto" })] : []));
  buttons.forEach((one) => one.setAttribute("aria-label", `${one.textContent}: ${title}${about ? `, ${about}` : ""}`));
  item.append(words, ...buttons);
  return item;
}
async function tell(rows) {
  const waiting = rows.filter((row) => row.state === "waiting"), ids = new Set(waiting.map((row) => row.id));
  const bytes = (await base.all("files")).reduce((sum, file) => sum + (ids.has(file.record) && !file.sent ? file.blob.size : 0), JSON.stringify(waiting).length);
  at("count").textContent = `${texts.waiting}: ${waiting.length}`;
  at("weight").textContent = waiting.length ? `${Math.ceil(bytes / 1000)} kB` : "";
  at("send").hidden = !waiting.length;
}
/** What waits is taken back to be changed, unless it left meanwhile. */
async function change(id, state) {
  const row = await base.get("records", id);
  if (row.state !== "waiting") { await home(); return false; }
  await base.put("records", { ...row, state });
  return true;
}

// --- One form

let row = null, form = null, filled = null, drawn = "", timer = 0, writing = Promise.resolve(), urls = [];
const open = (id, page = 0) => { location.hash = page ? `${id}.${page}` : id; };
const pages = () => form.pages.filter((names) => names.some((name) => visible(name)));
const visible = (name) => { const item = form.byPath.get(name); return item && blocks(view(), [item], []).length; };
const current = () => pages()[Math.min(row.page, pages().length - 1)] ?? [];
const evaluate = (fresh = null) => { filled = new Filled(form, row.answers, { now, language: row.language, fresh }); row.answers = filled.answers; };

/** What the sheet needs to draw, and to say what was answered. */
const view = () => ({ form, filled, row, texts, answer, refuse, add, drop, keep, file: (id) => base.get("files", id), seen: (url) => urls.push(url) });

async function route() {
  await write();
  const [, id, page = "0"] = /^#([-0-9a-f]{36})(?:\.(\d+))?$/.exec(location.hash) ?? [];
  row = (id && await base.get("records", id)) || null;
  if (row && (row.account !== account || !["draft", "refused"].includes(row.state))) row = null;
  form = row && await formOf(row.form);
  at("home").hidden = Boolean(form);
  at("one").hidden = !form;
  if (!form) { at("title").textContent = at("title").dataset.home; await home(); return; }
  evaluate();
  row.page = Number(page);
  at("title").textContent = row.title;
  redraw(true);
  scrollTo(0, 0);
  if (Object.keys(row.errors).length) complain(); else at("title").focus();
}

// Leaving a field by pressing a button must not move the button away before it is released.
let pressed = false, put_off = false;
addEventListener("pointerdown", () => { pressed = true; }, true);
["pointerup", "pointercancel"].forEach((name) => addEventListener(name, () => setTimeout(() => {
  pressed = false;
  if (put_off && form) { put_off = false; redraw(); }
}), true));

/** The page is drawn again when something else than an answer changed: a question that appears, a choice, an error. */
function redraw(whole = false) {
  if (pressed && !whole) { put_off = true; return; }
  const items = current().map((name) => form.byPath.get(name)), made = blocks(view(), items, []), shape = JSON.stringify(made.map((block) => block.shape));
  const many = pages().length;
  at("where").textContent = many > 1 ? texts.page.replace("{0}", Math.min(row.page, many - 1) + 1).replace("{1}", many) : "";
  at("back").hidden = row.page === 0;
  at("next").textContent = row.page + 1 < many ? texts.next : texts.end;
  if (!whole && shape === drawn) return;
  drawn = shape;
  const { id, selectionStart } = document.activeElement ?? {};
  urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  at("blocks").replaceChildren(...made.map((block) => block.draw()));
  const back = id && at("blocks").querySelector(`#${CSS.escape(id)}`);
  if (back) { back.focus(); try { back.setSelectionRange(selectionStart, selectionStart); } catch { /* it has no text */ } }
}

/** An answer was given (null: taken away). done: they have left the question, which is looked at. */
function answer(key, value, done = false) {
  set(row.answers, key, isEmpty(value) ? null : value);
  delete row.typed[named(key)];
  after(key, done);
}
/** What was typed is no answer: it stays there, and why. */
function refuse(key, typed, why, done) {
  set(row.answers, key, null);
  row.typed[named(key)] = { text: typed, says: why };
  after(key, done);
}
function after(key, done) {
  evaluate();
  const name = named(key), said = wrong(row, filled, [key[0]]);
  for (const one of Object.keys(row.errors)) if (one.startsWith(key[0]) && (one === name || !(one in said))) delete row.errors[one];
  if (done && said[name]) row.errors[name] = said[name];
  if (!Object.keys(row.errors).length) at("errors").hidden = true;
  redraw();
  clearTimeout(timer);
  if (done) save(); else timer = setTimeout(save, WRITE);
}
function add(key) {
  const rows = get(row.answers, key) ?? [];
  set(row.answers, key, [...rows, {}]);
  evaluate(`${named(key)}.${rows.length}.`);
  redraw();
  save();
  at("blocks").querySelector(`[data-row="${CSS.escape(`${named(key)}.${rows.length}`)}"]`)?.focus();
}
function drop(key, number) {
  const rows = get(row.answers, key);
  if (!isEmpty(Object.values(rows[number])) && !confirm(texts.drop)) return;
  set(row.answers, key, rows.filter((_row, i) => i !== number));
  const under = `${named(key)}.`; // what is said of its rows is of other rows now
  for (const said of [row.typed, row.errors]) Object.keys(said).filter((name) => name.startsWith(under)).forEach((name) => delete said[name]);
  evaluate();
  redraw(true);
  save();
  at("blocks").querySelector(`[id="f-${CSS.escape(named(key).replaceAll(".", "-"))}"]`)?.focus();
}
/** A photo, a file or a drawing answers: it is in the database before its id is in the answer. */
const keep = (key, blob, name) => guarded(async () => {
  const id = crypto.randomUUID(), before = get(row.answers, key), data = name === "photo.jpg" ? await small(blob) : blob;
  if (data.size > texts.largest) { says(texts.large); return; }
  await base.put("files", { id, record: row.id, account, key: named(key), name, blob: data, sent: false });
  answer(key, id, true);
  await write();
  if (before) await base.remove("files", before);
});

/** One writing after the other; what is asked for while one goes on is in the next. */
function save() {
  clearTimeout(timer);
  timer = 0;
  if (!row) return;
  const copy = structuredClone({ ...row, changed: Date.now() });
  writing = writing.then(() => base.put("records", copy)).then(() => { at("kept").textContent = texts.kept; }, fails);
}
async function write() { if (timer) save(); await writing; }
const fails = (error) => says(error.name === "QuotaExceededError" ? texts.full : texts.broken);
async function guarded(work) { try { await work(); } catch (error) { fails(error); } }

function complain() {
  const box = at("errors"), list = element("ul");
  for (const [name, said] of Object.entries(row.errors)) {
    const item = form.byPath.get(joined(keyOf(name).filter((part) => typeof part === "string"))), link = element("a", `${filled.words(item?.label) || name}: ${said}`);
    link.href = `#f-${name.replaceAll(".", "-")}`;
    link.addEventListener("click", (event) => { event.preventDefault(); jump(name); });
    list.append(Object.assign(element("li"), { innerHTML: "" }));
    list.lastChild.append(link);
  }
  box.replaceChildren(element("p", row.says || texts.wrong), list);
  box.hidden = false;
  box.focus();
}
function jump(name) {
  const page = pages().findIndex((names) => names.includes(name.split(".")[0]));
  if (page >= 0 && page !== row.page) { row.page = page; redraw(true); }
  const place = at(`f-${name.replaceAll(".", "-")}`);
  place?.scrollIntoView();
  place?.focus();
}

at("sheet").addEventListener("submit", (event) => event.preventDefault());
at("next").addEventListener("click", () => guarded(async () => {
  await write();
  evaluate();
  row.errors = { ...row.errors, ...wrong(row, filled, current()) };
  const here = Object.keys(row.errors).filter((name) => current().includes(name.split(".")[0]));
  if (here.length) { redraw(); save(); complain(); return; }
  if (row.page + 1 < pages().length) { save(); open(row.id, row.page + 1); return; }
  save();
  await write();
  if (Object.keys(await finish(row)).length) { redraw(); complain(); return; }
  row = null;
  location.hash = "";
  says(texts.waiting);
  if (navigator.onLine) sending();
}));
at("back").addEventListener("click", () => open(row.id, row.page - 1));
at("leave").addEventListener("click", () => { location.hash = ""; });
at("delete").addEventListener("click", () => guarded(async () => {
  if (!confirm(texts.sure)) return;
  await write();
  const { id } = row;
  row = null;
  await records.remove(id);
  location.hash = "";
}));

// --- What is around

async function sending() {
  const end = await sync();
  says(texts[end]);
  at("login").hidden = end !== "login";
  if (!row) await home();
}
async function loading(silent) {
  const end = await load().catch(() => "failed");
  if (!silent || end === "login") says(texts[end]);
  at("login").hidden = end !== "login";
  if (!row) await home();
}
at("load").addEventListener("click", () => loading(false));
at("send").addEventListener("click", sending);
addEventListener("online", sending);
addEventListener("hashchange", () => guarded(route));
addEventListener("pagehide", () => { if (timer) save(); });
document.addEventListener("visibilitychange", () => { if (document.hidden && timer) save(); });
document.querySelector("a[href*=logout]")?.addEventListener("click", async (event) => {
  event.preventDefault();
  const { href } = event.currentTarget;
  await write();
  if ((await records.mine()).some((one) => one.state !== "sent") && !confirm(texts.logout)) return;
  localStorage.removeItem("forms-field-account"); // without network this phone then shows nobody's work
  location.href = href;
});
navigator.serviceWorker?.register(paths.worker, { scope: paths.scope }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", sending);
root.hidden = false;
await guarded(route);
if (navigator.onLine) loading(true).then(sending);
