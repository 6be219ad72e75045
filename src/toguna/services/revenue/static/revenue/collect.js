// A collector's day without network. Money is in the phone's database before the screen says that it was taken; it leaves it only when
// the town hall has said, by its id, that it has it. Stores: `days` (what was loaded, one per account), `queue` (what was done),
// `phone` (the name of this device, and how far its records are counted).
import { lines, rawbt, roll } from "./paper.js";
import { drawn } from "./qr.js";

const root = document.getElementById("collect"), paths = root.dataset, at = (id) => document.getElementById(id);
const { alone, database, post, session } = await import(paths.offline);
const texts = JSON.parse(at("texts").textContent);
const base = await database("toguna-collect", { days: "account", queue: "id", phone: "name" });

export const BATCH = 10, SHOWN = 25, KEEP_DAYS = 7, FEW = 20;
const ALPHABET = "23456789ACDEFGHJKMNPRSTVWXYZ", PROOF = 6;
export let account = Number(localStorage.getItem("collect-account")) || null;
let day = null, rows = [], known = new Map(), here = null, shown = null, fetched = null;

/** This device: {name: "device", id, seq}; its id is made once. */
async function device() {
  const found = await base.get("phone", "device");
  if (found) return found;
  const made = { name: "device", id: crypto.randomUUID(), seq: 0 };
  await base.put("phone", made);
  return made;
}

export const queue = {
  all: async () => (await base.all("queue")).sort((a, b) => a.record.seq - b.record.seq),
  mine: async () => (await queue.all()).filter((row) => row.account === account),
};
const here_only = (work) => (navigator.locks ? navigator.locks.request("collect-keep", work) : work()); // two windows take two numbers

/** Keeps a record, numbered, in one piece: what this gives is on the disk. A payment gets the next number of its receipts. Throws. */
export const keep = (record) => here_only(async () => {
  const all = await base.all("queue"), phone = await device(), seq = 1 + Math.max(phone.seq, ...all.map((row) => row.record.seq));
  const full = { ...record, id: crypto.randomUUID(), seq, at: new Date().toISOString(), ...place() };
  const row = { id: full.id, account, made: day?.made, state: "waiting", says: "", receipt: "", prints: 0, record: full };
  if (record.kind === "pay") {
    const free = number(all);
    if (!free) throw new Error(texts.no_numbers);
    Object.assign(full, { block: free.block.id, number: free.number, proof: await proof(free.block.secret, free.number, full.amount) });
    row.printed = `${day.prefix}-${free.block.year}-${String(free.number).padStart(6, "0")}`;
  }
  await base.put("queue", row);
  (await navigator.serviceWorker?.ready.catch(() => null))?.sync?.register("collect").catch(() => {});
  return row;
});
function place() {
  if (!here || Date.now() - here.heard > 120e3) return {};
  return { lon: Number(here.longitude.toFixed(6)), lat: Number(here.latitude.toFixed(6)), accuracy: Math.round(here.accuracy) };
}
const free = (block, all) => Math.max(block.next, ...all.filter((row) => row.record.block === block.id).map((row) => row.record.number + 1));
function number(all) {
  for (const block of day?.blocks ?? []) {
    const next = free(block, all);
    if (next <= block.last) return { block, number: next };
  }
  return null;
}
const left = (all) => (day?.blocks ?? []).reduce((sum, block) => sum + Math.max(0, block.last + 1 - free(block, all)), 0);
async function proof(secret, number, amount) {
  if (!crypto.subtle) return "";
  const utf = new TextEncoder(), key = await crypto.subtle.importKey("raw", utf.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const made = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf.encode(`${number}:${amount}:${day.currency}`)));
  return [...made.slice(0, PROOF)].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
}

/** Sends what waits, in the order in which it was done. Ends as "done", "offline", "login", "others" or "cut". */
export const sync = alone("collect-sync", send);
async function send() {
  try {
    const who = await session(paths.me);
    if (!who) return "login";
    await become(who.account);
    const phone = await device();
    let cut = false, waiting = (await queue.mine()).filter((row) => row.state === "waiting"), first = Boolean(await base.get("days", account)); // nothing loaded: nothing to hear
    while (waiting.length || first) {
      const batch = waiting.splice(0, BATCH);
      const body = { account, device: phone.id, now: new Date().toISOString(), waiting: waiting.length, carried: sum(waiting), records: batch.map((row) => told(row.record)) };
      const answer = await post(paths.sync, JSON.stringify(body), who.csrf, "application/json");
      for (const result of answer.results) {
        const row = batch.find((one) => one.id === result.id);
        if (row) await base.put("queue", { ...(await base.get("queue", row.id)), state: result.state, says: result.says, receipt: result.receipt });
      }
      const kept = account && await base.get("days", account);
      if (kept) await base.put("days", { ...kept, held: answer.held, taken: answer.taken, number: answer.number, most: answer.most, skew: answer.skew });
      cut ||= answer.cut;
      first = false;
    }
    if (cut) return "cut";
    return (await queue.all()).some((row) => row.account !== account && row.state === "waiting") ? "others" : "done";
  } catch (error) { if (error.says) says(error.says); return error.status === 403 ? "login" : error.status === 409 ? "refused" : "offline"; }
}
const told = ({ lines: _lines, owed: _owed, name: _name, ...record }) => record; // what is only for the paper stays here
const sum = (some) => some.reduce((total, row) => total + (row.record.kind === "pay" ? row.record.amount : 0), 0);

/** The phone now belongs to this account: what was loaded for another one is removed; its unsent work stays, unseen. */
async function become(number) {
  if (account !== number) {
    account = number;
    localStorage.setItem("collect-account", number);
  }
  await base.remove("days", ...(await base.all("days")).filter((one) => one.account !== number).map((one) => one.account));
}

/** Loads the day. Gives "loaded", "login", or "cut"; throws. */
export async function load() {
  const who = await session(paths.me);
  if (!who) return "login";
  await become(who.account);
  const phone = await device();
  const query = new URLSearchParams({ device: phone.id, label: navigator.userAgentData?.platform ?? navigator.platform ?? "" });
  if (here) query.set("from", `${here.latitude.toFixed(5)}, ${here.longitude.toFixed(5)}`);
  const answer = await fetch(`${paths.day}?${query}`, { redirect: "manual", cache: "no-store" });
  if (!answer.ok) {
    const { says: why = "", cut } = await answer.json().catch(() => ({}));
    if (cut) await base.remove("days", account);
    throw Object.assign(new Error(why || texts.failed), { why });
  }
  await here_only(async () => {
    const loaded = await answer.json(), all = await base.all("queue"), old = Date.now() - KEEP_DAYS * 864e5;
    const gone = all.filter((row) => ["sent", "kept"].includes(row.state) && Date.parse(row.record.at) < old && row.made !== loaded.made);
    await base.put("phone", { ...phone, seq: Math.max(phone.seq, ...all.map((row) => row.record.seq)) });
    await base.put("days", loaded);
    await base.remove("queue", ...gone.map((row) => row.id));
  });
  await navigator.storage?.persist?.();
  return "loaded";
}

// --- What the list says, with what was done since

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
export const money = (amount) => `${(amount / 10 ** (day?.exponent ?? 0)).toLocaleString(document.documentElement.lang, { minimumFractionDigits: day?.exponent ?? 0 })}\u00a0${{ XOF: "FCFA", XAF: "FCFA" }[day?.currency] ?? day?.currency ?? ""}`;
function amountOf(typed) {
  const bare = typed.replace(/[^\d.,]/g, "").replace(/[.,](?=\d{3}(?!\d))/g, ""), [whole, part = ""] = bare.replace(",", ".").split(".");
  if (!/^\d{1,12}$/.test(whole) || part.length > day.exponent || /[^\d]/.test(part)) return null;
  return Number(whole) * 10 ** day.exponent + Number(part.padEnd(day.exponent, "0") || 0);
}
const typed = (amount) => (day.exponent ? (amount / 10 ** day.exponent).toFixed(day.exponent) : String(amount));

async function refresh() {
  day = account ? await base.get("days", account) ?? null : null;
  rows = await queue.mine();
  if (!day) { known = new Map(); return; }
  if (fetched !== day.made || !known.size) {
    known = new Map(day.places.map(([code, kind, words, plate, street, lon, lat, payers, fee, due, outcome, seen], n) => [code, {
      n, code, base: day.bases[kind], words, plate, street: day.streets[street], lon, lat, fee, fresh: [due, outcome, seen],
      payers: payers.map((index) => ({ number: day.payers[index][0], name: day.payers[index][1], all: day.payers[index][2] })),
    }]));
    for (const one of known.values()) one.sought = fold([one.code, one.words, one.plate, one.street, ...one.payers.flatMap((who) => [who.number, who.name])].join(" "));
    fetched = day.made;
  }
  const done = rows.filter((row) => row.state !== "refused" && (row.state === "waiting" || row.made === day.made)), paid = new Map();
  for (const one of known.values()) [one.due, one.outcome, one.seen] = one.fresh;
  for (const { record } of done) {
    const one = known.get(record.code);
    if (one) [one.outcome, one.seen] = [record.kind === "pay" ? "paid" : record.outcome, local(Date.parse(record.at))];
    if (record.kind !== "pay") continue;
    let over = record.amount;
    if (record.fee && one) { one.due = 0; over -= one.fee; }
    for (const reference of record.bills ?? []) {
      const owed = record.owed?.[reference] ?? 0, part = Math.min(Math.max(over, 0), owed);
      paid.set(reference, (paid.get(reference) ?? 0) + part);
      over -= part;
    }
  }
  for (const one of known.values()) for (const who of one.payers)
    who.bills = who.all.map(([reference, owed, words, due, about, explained]) => ({ reference, owed: owed - (paid.get(reference) ?? 0), words, due, about, explained })).filter((bill) => bill.owed > 0);
}
const owed = (one) => one.payers.reduce((total, who) => total + who.bills.reduce((of, bill) => of + bill.owed, 0), 0);
const unsent = () => rows.filter((row) => row.state === "waiting" || row.state === "refused");

// --- The page

const element = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });
const says = (text) => { at("says").textContent = text ?? ""; };
const filled = (text, ...values) => values.reduce((said, value, n) => said.replace(`{${n}}`, value), text);
const VIEWS = ["home", "one", "fee", "count", "work", "receipt", "camera"];
function view(name) {
  for (const one of VIEWS) at(one).hidden = one !== name;
  at("bar").hidden = !["home", "work", "count"].includes(name);
  scrollTo(0, 0);
}
const go = (hash) => { if (location.hash === `#${hash}`) route(); else location.hash = hash; };
const local = (moment) => new Date(moment - new Date(moment).getTimezoneOffset() * 6e4).toISOString().slice(0, 10); // the day here, not in London
const today = () => local(Date.now());

async function route() {
  stop();
  await refresh();
  tell();
  const [name, code] = location.hash.slice(1).split("=");
  if (!day && name !== "work") { view("home"); list(); return; }
  if (name === "one" && known.has(code)) return one(known.get(code));
  if (name === "receipt") { const row = rows.find((found) => found.id === code); if (row) return receipt(row); }
  if (name === "fee" && day.fees.length) return fee();
  if (name === "count") return count();
  if (name === "work") return work();
  view("home");
  list();
}

function tell() {
  const waiting = rows.filter((row) => row.state === "waiting");
  at("count-waiting").textContent = `${texts.waiting}: ${waiting.length}`;
  at("morning").hidden = Boolean(day) && day.day === today();
  at("tools").hidden = !day;
  at("passing").hidden = !day?.fees.length;
  const warns = [];
  if (day) {
    const taken = day.taken + sum(waiting), carried = day.held + sum(unsent()), free = left(rows);
    at("taken").textContent = money(taken);
    at("carried").textContent = money(carried);
    if (day.day !== today() && Math.abs(day.skew ?? 0) < 600) warns.push(texts.old);
    if (day.most && carried > day.most) warns.push(filled(texts.too_much, money(carried)));
    if (!day.open) warns.push(texts.closed_desk);
    if (free <= FEW) warns.push(free ? filled(texts.numbers, free) : texts.no_numbers);
    if (Math.abs(day.skew ?? 0) > 600) warns.push(filled(texts.clock, filled(...(Math.abs(day.skew) < 172800 ? [texts.minutes, Math.round(Math.abs(day.skew) / 60)] : [texts.days, Math.round(Math.abs(day.skew) / 86400)]))));
  }
  at("numbers").hidden = !day;
  at("warns").replaceChildren(...warns.map((text) => element("p", text)));
  at("warns").hidden = !warns.length;
}

function list() {
  const box = at("places"), words = fold(at("q").value.trim()).split(/\s+/).filter(Boolean), which = at("which").value;
  if (!day) { box.replaceChildren(); at("more").textContent = ""; return; }
  let found = [...known.values()].filter((one) => words.every((word) => one.sought.includes(word)));
  if (!words.length) {
    if (which === "owe") found = found.filter((one) => owed(one) > 0 || (one.fee && one.due));
    if (which === "todo") found = found.filter((one) => (owed(one) > 0 || (one.fee && one.due)) && one.seen !== day.day && one.seen !== today());
    if (which === "near" && here) found = found.filter((one) => one.lon != null).map((one) => [away(one), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
  }
  let street = null;
  box.replaceChildren();
  for (const one of found.slice(0, SHOWN)) {
    if (one.street !== street && which !== "near") { street = one.street; if (street) box.append(element("li", "", { className: "muted" })), box.lastChild.append(element("strong", street)); }
    const item = element("li"), button = element("button", "", { type: "button", className: "place" }), sums = element("span");
    button.append(element("strong", `${one.base.title}${one.words ? ` · ${one.words}` : ""}`), element("span", one.payers.map((who) => who.name).join(", "), { dir: "auto" }), element("br"));
    const debt = owed(one);
    if (debt) sums.append(element("span", filled(texts.owes, money(debt)), { className: "owes" }), " ");
    if (one.fee) sums.append(element("span", one.due ? filled(texts.fee_due, money(one.fee)) : texts.fee_paid, { className: one.due ? "owes" : "paid" }), " ");
    if (!debt && !one.fee) sums.append(element("span", texts.paid_up, { className: "paid" }), " ");
    const small = [one.code, one.plate, one.seen && (one.seen === today() || one.seen === day.day) ? texts[`outcome_${one.outcome}`] : "", here && one.lon != null ? filled(texts.metres, Math.round(away(one))) : ""].filter(Boolean).join(" · ");
    button.append(sums, element("br"), element("span", small, { className: "small muted" }));
    button.addEventListener("click", () => go(`one=${one.code}`));
    item.append(button);
    if (one.lon != null) item.append(mapped(one));
    box.append(item);
  }
  at("more").textContent = !found.length ? texts.none : found.length > SHOWN ? filled(texts.more, found.length - SHOWN) : "";
}
/** To the phone's own map, which many keep for where there is no network. */
function mapped(one) {
  const at = `${one.lat.toFixed(5)},${one.lon.toFixed(5)}`, label = encodeURIComponent(one.code);
  return element("a", texts.map, { href: `geo:${at}?q=${at}(${label})`, className: "button small quiet", ariaLabel: `${texts.map}: ${one.code}` });
}
function away(one) {
  const east = (one.lon - here.longitude) * Math.cos((one.lat * Math.PI) / 180), north = one.lat - here.latitude;
  return Math.hypot(east, north) * 111195;
}

/** What is meant by a code, a number, a plate or a bill's reference, also within what a QR says. */
function meant(said) {
  const parts = said.toUpperCase().split(/[^A-Z0-9]+/).filter((part) => part.length > 3), joined = said.toUpperCase().replace(/[^A-Z0-9]/g, "");
  for (const part of [joined, ...parts.reverse()]) {
    if (known.has(part)) return known.get(part);
    for (const one of known.values()) if (one.plate === part || one.payers.some((who) => who.number === part || who.all.some((bill) => bill[0] === part))) return one;
  }
  return null;
}

function one(found) {
  view("one");
  shown = found;
  const form = at("take");
  at("one-title").textContent = found.payers.map((who) => who.name).join(", ") || found.code;
  at("one-what").textContent = [found.base.title, found.words, found.street, found.plate, found.code].filter(Boolean).join(" · ");
  form.who.replaceChildren(...found.payers.map((who, n) => new Option(`${who.name} (${who.number})`, n)));
  form.who.closest(".field").hidden = found.payers.length < 2;
  form.who.value = Math.max(0, found.payers.findIndex((who) => who.bills.length));
  form.phone.value = "";
  bills();
  at("visit").reset();
  at("visit").closest("details").open = false;
  at("promised").hidden = true;
}
function bills() {
  const form = at("take"), who = shown.payers[form.who.value], list = at("bills");
  list.replaceChildren();
  const tick = (value, amount, words, more, checked) => {
    const item = element("li"), label = element("label", "", { className: "check" }), box = element("input", "", { type: "checkbox", name: "bill", value, checked });
    const text = element("span");
    text.append(element("strong", money(amount)), ` ${words}`);
    for (const line of more) text.append(element("br"), element("span", line, { className: "small muted" }));
    box.dataset.amount = amount;
    box.addEventListener("change", adds);
    label.append(box, text);
    item.append(label);
    list.append(item);
  };
  if (shown.fee && shown.due) tick("fee", shown.fee, texts.fee_line, [shown.base.title], true);
  const ranked = [...(who?.bills ?? [])].sort((a, b) => (b.about === shown.code) - (a.about === shown.code));
  for (const bill of ranked) tick(bill.reference, bill.owed, bill.words, [...bill.explained.map(([words, amount]) => `${words}: ${money(amount)}`), `${filled(texts.since, new Date(bill.due).toLocaleDateString(document.documentElement.lang))} · ${bill.reference}`], true);
  if (!list.children.length) list.append(element("li", texts.paid_up, { className: "paid" }));
  adds();
}
function adds() {
  const total = [...at("bills").querySelectorAll("input:checked")].reduce((of, box) => of + Number(box.dataset.amount), 0);
  at("take").amount.value = total ? typed(total) : "";
}

/** Does a work of a form once: its button rests until it is done; what is wrong is said. */
async function once(event, work) {
  event.preventDefault();
  event.stopPropagation();
  const button = event.target.querySelector("button:not([type])");
  if (button.disabled) return;
  button.disabled = true;
  try { await work(event.target); }
  catch (error) { says(error.name === "QuotaExceededError" ? texts.full : error.shown || error.message === texts.no_numbers ? error.message : texts.broken); }
  button.disabled = false;
}
const wrong = (text) => Object.assign(new Error(text), { shown: true });

async function taking(record) {
  if (!record.amount || record.amount <= 0) throw wrong(texts.no_amount);
  const row = await keep({ kind: "pay", ...record });
  says(filled(texts.taken, money(record.amount)));
  if (navigator.onLine) sending(true);
  go(`receipt=${row.id}`);
}
/** What of the amount each bill gets, as the town hall will write it: the oldest due first. [[words, amount]]. */
export function paid(ticked, who, amount) {
  const today = new Date().toISOString().slice(0, 10);
  const owed = ticked.map((value) => {
    const bill = who?.bills.find((one) => one.reference === value);
    return bill ? [bill.due, `${bill.reference} ${bill.words}`, bill.owed] : [today, texts.fee_line, shown.fee];
  }).sort(([one], [other]) => one.localeCompare(other));
  let rest = amount;
  return owed.map(([, words, sum]) => {
    const part = Math.min(rest, sum);
    rest -= part;
    return [part < sum ? `${words} (${texts.in_part})` : words, part];
  }).filter(([, part]) => part > 0);
}
at("take").addEventListener("submit", (event) => once(event, async (form) => {
  const who = shown.payers[form.who.value], ticked = [...at("bills").querySelectorAll("input:checked")].map((box) => box.value);
  const references = ticked.filter((value) => value !== "fee"), fee = ticked.includes("fee");
  const amount = amountOf(form.amount.value), explained = paid(ticked, who, amount);
  await taking({
    code: shown.code, taxpayer: who?.number ?? "", name: who?.name ?? "", bills: references, fee, amount, phone: form.phone.value.trim(),
    owed: Object.fromEntries((who?.bills ?? []).map((bill) => [bill.reference, bill.owed])), lines: explained,
  });
}));
at("visit").addEventListener("submit", (event) => once(event, async (form) => {
  await keep({ kind: "visit", code: shown.code, taxpayer: shown.payers[at("take").who.value]?.number ?? "", outcome: form.outcome.value, promised: form.outcome.value === "later" ? form.promised.value : "", note: form.note.value.trim() });
  says(texts.visited);
  if (navigator.onLine) sending(true);
  go("");
}));
at("visit").outcome.addEventListener("change", () => { at("promised").hidden = at("visit").outcome.value !== "later"; });
at("take").who.addEventListener("change", bills);

function fee() {
  view("fee");
  const form = at("passes"), pick = form.base;
  pick.replaceChildren(...day.fees.map((one, n) => new Option(one.title, n)));
  pick.closest(".field").hidden = day.fees.length < 2;
  offers();
}
function offers() {
  const form = at("passes"), chosen = day.fees[form.base.value || 0];
  at("law").textContent = chosen.law;
  at("offers").replaceChildren(...chosen.offers.map((one, n) => {
    const label = element("label", "", { className: "check" }), radio = element("input", "", { type: "radio", name: "offer", value: n, checked: n === 0 });
    radio.addEventListener("change", () => { form.amount.value = typed(one.amount); });
    label.append(radio, element("span", one.words));
    return label;
  }));
  form.amount.value = chosen.offers.length ? typed(chosen.offers[0].amount) : "";
  form.phone.value = form.note.value = "";
}
at("passes").base.addEventListener("change", offers);
at("passes").addEventListener("submit", (event) => once(event, async (form) => {
  const chosen = day.fees[form.base.value || 0], offer = chosen.offers[form.elements.offer?.value ?? 0], amount = amountOf(form.amount.value);
  await taking({ base: chosen.base, measures: offer?.measures ?? {}, amount, phone: form.phone.value.trim(), note: form.note.value.trim(), name: "", lines: [[`${chosen.title}${offer ? ` ${offer.words.split(" · ")[0]}` : ""}`, amount]] });
}));

// --- The receipt

function slip(row) {
  const { record } = row, when = new Date(record.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  const address = `${texts.address}/receipt/${row.printed}`, covered = record.lines.reduce((of, line) => of + line[1], 0), whole = record.lines.filter(Boolean);
  if (record.amount > covered) whole.push([texts.on_account, record.amount - covered]);
  return {
    heads: [day?.town ?? "", texts.receipt, row.printed], marks: row.prints ? [texts.duplicate.replace("{0}", row.prints)] : [],
    facts: [[texts.paid_on, when], [texts.paid_by, record.name || texts.for_someone], [texts.collector, day?.collector ?? ""], [texts.code, record.proof]],
    lines: whole.map(([words, amount]) => [words, money(amount)]), total: [`${texts.total} (${texts.way})`, money(record.amount)],
    check: texts.check, address: address.replace(/^https?:\/\//, ""), qr: `${address}?a=${record.amount}&p=${record.proof}`,
  };
}
function receipt(row) {
  view("receipt");
  shown = row;
  const made = slip(row), pre = element("pre", [...lines(made), made.check, made.address].join("\n"));
  at("slip").replaceChildren(pre, drawn(made.qr, texts.check));
  at("receipt-sum").textContent = money(row.record.amount);
  at("bluetooth").hidden = !navigator.bluetooth;
  at("rawbt").href = rawbt(roll(made));
}
/** A print is counted before it is made: the next one says that it is a duplicate. */
async function counted() {
  const before = await base.get("queue", shown.id);
  await base.put("queue", { ...before, prints: before.prints + 1 });
  return before;
}
at("bluetooth").addEventListener("click", async () => {
  try {
    const { toPrinter } = await import(paths.print);
    await toPrinter(async () => roll(slip(await base.get("queue", shown.id))));
    await counted();
    says(texts.printed);
  } catch (error) { if (error.name !== "NotFoundError") says(`${texts.not_printed} (${error.message})`); }
});
at("rawbt").addEventListener("click", () => counted());
at("paper").addEventListener("click", async () => { print(); await counted(); });
at("next").addEventListener("click", () => go(""));

// --- The evening

function count() {
  view("count");
  const box = at("pieces");
  if (box.children.length !== day.pieces.length) box.replaceChildren(...day.pieces.map((piece) => {
    const field = element("div", "", { className: "field" }), label = element("label", money(piece)), input = element("input", "", { id: `piece-${piece}`, name: String(piece), inputMode: "numeric", autocomplete: "off" });
    label.htmlFor = input.id;
    input.addEventListener("input", running);
    field.append(label, input);
    return field;
  }));
  at("expected").textContent = money(day.held + sum(unsent()));
  running();
}
const pieces = () => Object.fromEntries([...at("pieces").querySelectorAll("input")].map((input) => [input.name, Number(input.value.replace(/\D/g, "") || 0)]).filter(([, n]) => n));
const worth = (some) => Object.entries(some).reduce((of, [piece, n]) => of + Number(piece) * n, 0);
function running() {
  const total = worth(pieces()), should = day.held + sum(unsent());
  at("running").textContent = money(total);
  at("compared").textContent = compared(total, should);
}
export const compared = (total, should) => (total === should ? filled(texts.counted_right, money(total)) : filled(texts.counted, money(total), money(should)));
at("counting").addEventListener("submit", (event) => once(event, async () => {
  await keep({ kind: "count", pieces: pieces(), expected: day.held + sum(unsent()) });
  says(texts.count_kept);
  at("counting").reset();
  if (navigator.onLine) sending(true);
  go("work");
}));

function work() {
  view("work");
  at("queue").replaceChildren(...[...rows].reverse().slice(0, 200).map((row) => {
    const { record } = row, item = element("li"), what = record.kind === "pay" ? `${row.printed} · ${money(record.amount)} · ${record.name || texts.for_someone}` : record.kind === "count" ? compared(worth(record.pieces), record.expected) : `${texts[`outcome_${record.outcome}`]} · ${record.code}`;
    item.append(element("p", what), element("p", [texts[row.state], row.receipt && row.receipt !== row.printed ? row.receipt : "", row.says, record.note].filter(Boolean).join(" · "), { className: "small muted" }));
    if (record.kind === "pay") {
      const button = element("button", texts.receipt, { type: "button", className: "button small quiet" });
      button.addEventListener("click", () => go(`receipt=${row.id}`));
      item.append(button);
    }
    if (row.state === "refused") { // what was wrong may be put right at the town hall
      const again = element("button", texts.again, { type: "button", className: "button small quiet" });
      again.addEventListener("click", guarded(async () => { await base.put("queue", { ...row, state: "waiting" }); await sending(false); }));
      item.append(again);
    }
    return item;
  }));
}

// --- The camera

let stream = null;
function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
}
async function scan() {
  const video = at("camera").querySelector("video");
  try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }); } catch { says(texts.no_code); return; }
  view("camera");
  video.srcObject = stream;
  await video.play();
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const look = async () => {
    if (!stream) return;
    const [found] = await detector.detect(video).catch(() => []);
    if (!found) { requestAnimationFrame(look); return; }
    stop();
    sought(found.rawValue);
  };
  look();
}
function sought(said) {
  const found = meant(said);
  if (found) { go(`one=${found.code}`); return; }
  says(texts.none);
  view("home");
}
if ("BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia) at("scan").hidden = false;
at("scan").addEventListener("click", scan);
at("close-camera").addEventListener("click", () => { stop(); view("home"); });

// --- What is around

async function sending(silent) {
  const end = await sync();
  if (!silent || end === "cut" || end === "login") says(texts[end] ?? at("says").textContent);
  at("login").hidden = end !== "login";
  await refresh();
  tell();
  if (location.hash === "#work") work();
}
async function loading() {
  says("…");
  let end;
  try { end = await load(); says(texts[end]); } catch (error) { says(error.why || texts.failed); }
  at("login").hidden = end !== "login";
  await route();
}
async function clear() {
  const all = await queue.all();
  if (all.some((row) => row.state === "waiting") && !confirm(texts.sure)) return false;
  await base.remove("days", ...(await base.all("days")).map((one) => one.account));
  await route();
  return true;
}
const guarded = (work) => () => work().catch(() => says(texts.broken));
at("find").addEventListener("submit", (event) => { event.preventDefault(); event.stopPropagation(); const found = day && meant(at("q").value); if (found) { at("q").value = ""; go(`one=${found.code}`); } });
at("q").addEventListener("input", list);
at("which").addEventListener("change", list);
for (const button of document.querySelectorAll("[data-load]")) button.addEventListener("click", guarded(loading));
at("send").addEventListener("click", guarded(() => sending(false)));
at("clear").addEventListener("click", guarded(clear));
for (const button of root.querySelectorAll("[data-go]")) button.addEventListener("click", () => go(button.dataset.go));
addEventListener("online", guarded(() => sending(true)));
addEventListener("hashchange", guarded(route));
document.querySelector("a[href*=logout]")?.addEventListener("click", async (event) => {
  event.preventDefault();
  const { href } = event.currentTarget;
  if ((await queue.mine()).some((row) => row.state === "waiting") && !confirm(texts.logout)) return;
  localStorage.removeItem("collect-account"); // without network this phone then shows nobody's list
  location.href = href;
});
navigator.serviceWorker?.register(paths.worker, { scope: paths.scope }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", () => sending(true));
navigator.geolocation?.watchPosition(({ coords: { longitude, latitude, accuracy } }) => { here = { longitude, latitude, accuracy, heard: Date.now() }; }, () => {}, { enableHighAccuracy: true });
root.hidden = false;
await route();
if (navigator.onLine) sending(true);
