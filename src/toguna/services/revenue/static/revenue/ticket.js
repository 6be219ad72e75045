// Tickets without network: each has its number and is in the phone's database before the screen says so, and leaves it when it was sent.
import { lines, rawbt, roll } from "./paper.js";
import { drawn } from "./qr.js";

const root = document.getElementById("tickets"), paths = root.dataset, at = (id) => document.getElementById(id);
const { database, outbox, session, small } = await import(paths.offline);
const texts = JSON.parse(at("texts").textContent);
// `days`: what was loaded, one per account; `phone`: the name of this device, and how far it has used each book.
const base = await database("toguna-tickets", { queue: "id", days: "account", phone: "name" });
const box = outbox(base, { name: "tickets", path: "/tickets/" }), form = at("ticket");
const LEAVES = 50;
let day = null, here = null, shown = null;

const says = (words) => { at("says").textContent = words || ""; };
const filled = (text, ...values) => values.reduce((said, value, n) => said.replace(`{${n}}`, value), text);
const money = (amount) => `${(amount / 10 ** day.exponent).toLocaleString(document.documentElement.lang, { minimumFractionDigits: day.exponent })}\u00a0${{ XOF: "FCFA", XAF: "FCFA" }[day.currency] ?? day.currency}`;
const bare = (plate) => plate.toUpperCase().replace(/[^\p{L}\p{N}]/gu, "").slice(0, 20);
const after = (moment, days) => new Date(Date.parse(moment) + days * 864e5).toLocaleDateString(document.documentElement.lang, { dateStyle: "short" });
const here_only = (work) => (navigator.locks ? navigator.locks.request("tickets-number", work) : work()); // two windows take two numbers

async function device() {
  const found = await base.get("phone", "device");
  if (found) return found;
  const made = { name: "device", id: crypto.randomUUID(), used: {} };
  await base.put("phone", made);
  return made;
}
const next = (phone) => Math.max(day.book.next, (phone.used[day.book.id] ?? 0) + 1);

function amount(kind) {
  if (kind.flat !== null) return kind.flat;
  const measure = Number(form.measure.value.replace(",", "."));
  if (!form.measure.value.trim() || !(measure >= 0)) return null;
  return kind.bands.find(([upto]) => upto === null || measure <= upto)?.[1] ?? null;
}
const chosen = () => day?.kinds.find((kind) => kind.slug === form.kind.value);

function asked() {
  const kind = chosen();
  at("measure-field").hidden = form.measure.disabled = !kind?.by;
  at("measure-of").textContent = kind?.by ?? "";
  at("law").textContent = kind?.law ?? "";
  const sum = kind && amount(kind);
  at("amount").textContent = sum != null ? money(sum) : "";
  at("held").hidden = !kind?.impound;
}
function known() {
  const plate = bare(form.plate.value), found = day?.known.find(([one]) => one === plate);
  at("known").textContent = !plate ? "" : found ? filled(texts.known, found[1], new Date(found[2]).toLocaleDateString(document.documentElement.lang), money(found[3])) : texts.unknown;
  at("known").className = found ? "notice warn" : "muted small";
}

async function refresh() {
  day = box.account() ? await base.get("days", box.account()) ?? null : null;
  at("morning").hidden = Boolean(day) && day.day === new Date().toISOString().slice(0, 10);
  form.hidden = !day;
  if (day) {
    const before = form.kind.value;
    form.kind.replaceChildren(...day.kinds.map((kind) => new Option(kind.title, kind.slug)));
    if (day.kinds.some((kind) => kind.slug === before)) form.kind.value = before;
    at("left").textContent = `${texts.left}: ${Math.max(0, LEAVES + 1 - next(await device()))}`;
    asked();
    known();
  }
  const rows = await box.mine(), mine = rows.filter((row) => row.record);
  at("today").textContent = `${texts.today}: ${mine.filter((row) => row.at.slice(0, 10) === new Date().toISOString().slice(0, 10)).length}`;
  at("waiting").textContent = `${texts.waiting}: ${rows.filter((row) => row.state === "waiting").length}`;
  at("queue").replaceChildren(...mine.slice(-60).reverse().map((row) => {
    const item = document.createElement("li"), button = Object.assign(document.createElement("button"), { type: "button", className: "button small quiet", textContent: row.record.number });
    button.addEventListener("click", () => paper(row));
    item.append(button, ` ${[texts[row.state], row.record.plate || row.record.name, row.record.title, row.says].filter(Boolean).join(" · ")}`);
    return item;
  }));
}

async function send() {
  const end = await box.send();
  const refused = (await box.mine()).filter((row) => row.record && row.state === "refused").length;
  says({ done: refused ? filled(texts.some_refused, refused) : texts.done, offline: texts.offline, login: texts.login, others: texts.others }[end]);
  at("login").hidden = end !== "login";
  await refresh();
}
async function load() {
  try {
    await box.send(); // also says whose phone this is now
    const who = await session(paths.me);
    if (!who) { at("login").hidden = false; return says(texts.login); }
    const phone = await device(), kept = await base.get("days", who.account), book = kept?.book.id ?? 0;
    const query = new URLSearchParams({ device: phone.id, book, used: phone.used[book] ?? 0 });
    const answer = await fetch(`${paths.day}?${query}`, { redirect: "manual", cache: "no-store" });
    const loaded = await answer.json();
    if (!answer.ok) return says(loaded.says);
    await base.remove("days", ...(await base.all("days")).filter((one) => one.account !== who.account).map((one) => one.account));
    await base.put("days", loaded);
    await navigator.storage?.persist?.();
    says(texts.loaded);
  } catch { says(texts.offline); }
  await refresh();
}

/** The number is used before the ticket is kept: a battery that dies between the two leaves a number without a ticket, never two with one. */
const keep = (record, photos) => here_only(async () => {
  const phone = await device(), leaf = next(phone), { book } = day;
  if (leaf > LEAVES) throw new Error(texts.no_numbers);
  await base.put("phone", { ...phone, used: { ...phone.used, [book.id]: leaf } });
  const number = `${book.prefix}${String(leaf).padStart(2, "0")}${book.checks[leaf - 1]}`;
  const id = await box.add({ ...record, book: book.id, leaf, number }, photos);
  return base.get("queue", id);
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const button = form.querySelector("button:not([type])"), kind = chosen();
  button.disabled = true;
  try {
    const values = Object.fromEntries(["name", "phone", "taxpayer", "place", "note"].map((name) => [name, form.elements[name].value.trim()]));
    const sum = amount(kind), measure = kind.by ? form.measure.value.trim() : "";
    const point = here ? { lat: here.latitude, lon: here.longitude, accuracy: Math.round(here.accuracy) } : {};
    const photos = await Promise.all([...form.photo.files].slice(0, 4).map(small));
    const row = await keep({ ...values, kind: kind.slug, title: kind.title, plate: bare(form.plate.value), measure, amount: sum, ...point }, photos);
    form.reset();
    form.kind.value = kind.slug;
    await refresh();
    paper(row);
    if (navigator.onLine) send();
  } catch (error) { says(error.name === "QuotaExceededError" ? texts.full : error.message); }
  button.disabled = false;
});

// --- The paper

function slip(row) {
  const { record } = row, kind = day?.kinds.find((one) => one.slug === record.kind), address = `${texts.address}/fines/${record.number}`;
  const when = new Date(record.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  const facts = [[texts.when, when], [texts.plate, record.plate], [texts.name, record.name], [texts.place, record.place || (record.lat ? `${record.lat.toFixed(5)}, ${record.lon.toFixed(5)}` : "")], [texts.law, kind?.law ?? ""]];
  if (kind) facts.push([texts.until, after(record.at, kind.pay_days)], [texts.contest, after(record.at, kind.contest_days)]);
  if (kind?.more) facts.push([filled(texts.more, after(record.at, kind.more_days), kind.more), ""]);
  return {
    heads: [day?.town ?? "", texts.ticket, record.number], marks: [], facts: facts.filter(([label, said], n) => said || n > 4),
    lines: [[record.title, record.amount != null ? money(record.amount) : ""]], total: [texts.total, record.amount != null ? money(record.amount) : ""],
    check: texts.check, address: address.replace(/^https?:\/\//, ""), qr: address,
  };
}
function paper(row) {
  shown = row;
  const made = slip(row), pre = Object.assign(document.createElement("pre"), { textContent: [...lines(made), made.check, made.address].join("\n") });
  at("slip").replaceChildren(pre, drawn(made.qr, texts.check));
  at("bluetooth").hidden = !navigator.bluetooth;
  at("rawbt").href = rawbt(roll(made));
  at("paper").hidden = false;
  at("paper").scrollIntoView();
}
at("bluetooth").addEventListener("click", async () => {
  try {
    const { toPrinter } = await import(paths.print);
    await toPrinter(async () => roll(slip(shown)));
    says(texts.printed);
  } catch (error) { if (error.name !== "NotFoundError") says(`${texts.not_printed} (${error.message})`); }
});
at("print").addEventListener("click", () => print());
at("another").addEventListener("click", () => { at("paper").hidden = true; scrollTo(0, 0); });

form.kind.addEventListener("change", asked);
form.measure.addEventListener("input", asked);
form.plate.addEventListener("input", known);
at("send").addEventListener("click", send);
at("load").addEventListener("click", load);
addEventListener("online", send);
navigator.serviceWorker?.register("/tickets/worker.js", { scope: "/tickets/" }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", send);
navigator.geolocation?.watchPosition(({ coords }) => { here = coords; at("where").textContent = `${texts.where} ±${Math.round(coords.accuracy)} m`; }, () => { at("where").textContent = texts.nowhere; }, { enableHighAccuracy: true });
root.hidden = false;
await refresh();
if (navigator.onLine) send();
