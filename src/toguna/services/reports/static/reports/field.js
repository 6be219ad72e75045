// An inspector's day without network. All that is done is in the phone's database at once; it leaves it only when the town
// hall has said, by its id, that it has it. Two stores: `days` (what was loaded, one per account), `queue` (what was done).

const { alone, database, post, session, small } = await import(document.getElementById("field").dataset.database);
const base = await database("toguna-field", { days: "account", queue: "id" });

export const DAY_HOURS = 16, BATCH = 10, KEEP_SENT_HOURS = 24;
export let account = Number(localStorage.getItem("field-account")) || null;

export const queue = {
  all: async () => (await base.all("queue")).sort((a, b) => a.at.localeCompare(b.at)),
  mine: async () => (await queue.all()).filter((row) => row.account === account),
  /** Keeps a record ({kind, case, ...}) with its photos ([{moment, blob}]), in one piece; gives the record's id. */
  async add(record, photos = []) {
    const id = crypto.randomUUID(), at = new Date().toISOString(), common = { account, at, state: "waiting", says: "" };
    const about = record.kind === "report" ? { report: id } : { case: record.case, slip: record.slip };
    await base.put("queue", { ...common, id, kind: record.kind, record: { ...record, id, at } },
      ...photos.map((photo) => ({ ...common, id: crypto.randomUUID(), kind: "photo", about: { ...about, moment: photo.moment }, blob: photo.blob })));
    (await navigator.serviceWorker?.ready.catch(() => null))?.sync?.register("field").catch(() => {});
    return id;
  },
};

/** Sends what waits: records first, then each photo by itself. Ends as "done", "offline", "login" or "others". */
export const sync = alone("field-sync", send);
async function send() {
  try {
    const who = await session("/field/me");
    if (!who) return "login";
    await become(who.account);
    const rows = (await queue.mine()).filter((row) => row.state === "waiting");
    const settle = async (result) => {
      const row = rows.find((r) => r.id === result.id);
      // A photo that is there is not kept twice: the phone is small. A refused one stays until its owner decides.
      if (row) await base.put("queue", { ...row, state: result.state, says: result.says, code: result.code, blob: ["sent", "kept"].includes(result.state) ? undefined : row.blob });
    };
    const records = rows.filter((row) => row.record);
    for (let i = 0; i < records.length; i += BATCH) {
      const body = JSON.stringify({ account, records: records.slice(i, i + BATCH).map((row) => row.record) });
      for (const result of (await post("/field/sync", body, who.csrf, "application/json")).results) await settle(result);
    }
    for (const row of rows.filter((r) => r.blob)) {
      const form = new FormData();
      Object.entries({ ...row.about, account, id: row.id }).forEach(([name, value]) => form.append(name, value));
      form.append("photo", row.blob, "photo.jpg");
      try { await settle(await post("/field/photo", form, who.csrf)); }
      catch (error) { if (error.status !== 413 && error.status !== 400) throw error; await settle({ id: row.id, state: "refused", says: String(error.message) }); }
    }
    return (await queue.all()).some((row) => row.account !== account && row.state === "waiting") ? "others" : "done";
  } catch (error) { return error.status === 403 ? "login" : "offline"; }
}

/** The phone now belongs to this account: what was loaded for another one is removed; its unsent work stays, unseen. */
async function become(number) {
  if (account !== number) {
    account = number;
    localStorage.setItem("field-account", number);
  }
  const days = (await base.all("days")).filter((day) => day.account !== number || Date.now() - Date.parse(day.made) > DAY_HOURS * 3600e3);
  await base.remove("days", ...days.map((day) => day.account));
  const old = (await queue.all()).filter((row) => ["sent", "kept"].includes(row.state) && Date.now() - Date.parse(row.at) > KEEP_SENT_HOURS * 3600e3);
  await base.remove("queue", ...old.map((row) => row.id));
}

/** Loads the day: its reports, and their small photos. */
export async function load(query) {
  const who = await session("/field/me");
  if (!who) return "login";
  const answer = await fetch(`/field/day?${query}`, { redirect: "manual", cache: "no-store" });
  if (!answer.ok) throw new Error(`day ${answer.status}`);
  const day = await answer.json();
  await become(day.account);
  for (const visit of day.cases) {
    visit.blobs = [];
    for (const url of visit.photos) {
      const photo = await fetch(url).catch(() => null); // without a photo the visit can still be made
      if (photo?.ok) visit.blobs.push(await photo.blob());
    }
  }
  await base.put("days", day);
  await navigator.storage?.persist?.();
  return "loaded";
}
export const today = async () => {
  const day = account && await base.get("days", account);
  return day && Date.now() - Date.parse(day.made) < DAY_HOURS * 3600e3 ? day : null;
};

// ---- the page
const root = document.getElementById("field"), texts = root.dataset, at = (id) => document.getElementById(id);
const says = (text) => { at("says").textContent = text; };
const kilobytes = (row) => (row.blob?.size ?? 0) + JSON.stringify(row.record ?? row.about ?? "").length;
let here = null, urls = [];

function way(visit) {
  if (visit.lat == null) return "";
  const from = here ? [here.longitude, here.latitude] : null;
  if (!from) return visit.metres == null ? "" : `${visit.metres} m`;
  const east = (visit.lon - from[0]) * Math.cos((visit.lat * Math.PI) / 180), north = visit.lat - from[1];
  const arrow = "↑↗→↘↓↙←↖"[Math.round(((Math.atan2(east, north) * 180) / Math.PI + 360) / 45) % 8];
  return `${Math.round(Math.hypot(east, north) * 111195)} m ${arrow}`;
}

function element(name, text) { return Object.assign(document.createElement(name), { textContent: text }); }
function image(blob, alt) { const url = URL.createObjectURL(blob); urls.push(url); return Object.assign(new Image(), { src: url, alt }); }

async function show() {
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  const day = await today();
  at("morning").open = !day;
  at("visits").replaceChildren();
  at("sketch").replaceChildren();
  if (day?.cases.length) at("sketch").append(image(new Blob([day.sketch], { type: "image/svg+xml" }), document.querySelector("h1").textContent));
  day?.cases.forEach((visit, index) => at("visits").append(card(day, visit, index)));
  await tell();
}

function card(day, visit, index) {
  const item = at("visit").content.cloneNode(true).firstElementChild, put = (name, text) => { item.querySelector(`[data-${name}]`).textContent = text; };
  put("topic", `${index + 1}. ${visit.topic}`); put("state", visit.state_title); put("place", visit.place || visit.district);
  put("way", way(visit)); put("code", visit.code); put("words", visit.words);
  visit.late ? put("late", texts.late) : item.querySelector("[data-late]").remove();
  visit.blobs?.forEach((blob) => item.querySelector("[data-photos]").append(image(blob, visit.topic)));
  visit.history.forEach((step) => item.querySelector("[data-history]").append(element("li", `${new Date(step.at).toLocaleDateString()} ${step.title} ${step.text}`)));
  const form = item.querySelector("form"), option = (select, value, title) => select.append(new Option(title, value));
  visit.transitions.forEach((t) => option(form.transition, t.name, t.title));
  visit.templates.forEach((t, n) => option(form.ready, n, t.title));
  form.ready.addEventListener("change", () => { const t = visit.templates[form.ready.value]; if (t) { form.words.value = t.text; if (t.transition) form.transition.value = t.transition; } });
  form.transition.addEventListener("change", () => { form.words.required = visit.transitions.find((t) => t.name === form.transition.value)?.ask === "yes"; });
  form.addEventListener("submit", (event) => keep(event, async () => {
    const values = Object.fromEntries(["transition", "words", "note", "minutes", "cost"].map((name) => [name, form[name].value.trim()]));
    const photos = await taken(form, ["before", "after"]);
    if (!photos.length && !Object.values(values).some(Boolean)) throw new Error(texts.empty);
    if (!Object.values(values).some(Boolean)) values.photos = photos.length;
    await queue.add({ kind: "visit", case: visit.code, slip: visit.slip, seen: values.transition ? visit.state : "", ...values }, photos);
  }));
  for (const [name, by] of [["up", -1], ["down", 1]]) {
    const button = item.querySelector(`[data-${name}]`);
    button.disabled = index + by < 0 || index + by >= day.cases.length;
    button.addEventListener("click", async () => {
      day.cases.splice(index + by, 0, ...day.cases.splice(index, 1));
      await base.put("days", day);
      await show();
      at("visits").children[index + by].querySelector("summary").focus();
    });
  }
  return item;
}

async function taken(form, names) {
  const found = [];
  for (const moment of names) for (const file of form.elements[moment].files) found.push({ moment, blob: await small(file) });
  return found;
}

async function keep(event, work) {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target, button = form.querySelector("button:not([type])");
  button.disabled = true;
  try { await work(); form.reset(); says(texts.waiting); }
  catch (error) { says(error.name === "QuotaExceededError" ? texts.full : error.message); }
  button.disabled = false;
  await tell();
}

async function tell() {
  const rows = await queue.mine(), waiting = rows.filter((row) => row.state === "waiting");
  at("count").textContent = `${texts.waiting}: ${waiting.length}`;
  at("weight").textContent = `${Math.ceil(waiting.reduce((sum, row) => sum + kilobytes(row), 0) / 1000)} kB`;
  at("queue").replaceChildren(...rows.reverse().map((row) => element("li", [texts[row.state], row.code || row.record?.case || row.about?.case || "", row.kind === "photo" ? "📷" : row.record?.words || row.record?.note || "", row.says].filter(Boolean).join(" · "))));
}

async function sending() {
  const end = await sync();
  says({ done: texts.done, offline: texts.offline, login: texts.login, others: texts.others }[end]);
  at("login").hidden = end !== "login";
  if (end === "login") at("visits").replaceChildren(); // what others may not read is not shown to who is not logged in
  await tell();
}

async function clear() {
  if ((await queue.all()).some((row) => row.state === "waiting") && !confirm(texts.sure)) return false;
  const rows = await queue.all();
  await base.remove("days", ...(await base.all("days")).map((day) => day.account));
  await base.remove("queue", ...rows.filter((row) => row.state !== "waiting").map((row) => row.id));
  await show();
  return true;
}

at("load").addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const end = await load(new URLSearchParams(new FormData(at("load")))).catch(() => "failed");
  says(texts[end]);
  at("login").hidden = end !== "login";
  await show();
});
at("seen").addEventListener("submit", (event) => keep(event, async () => {
  const form = at("seen"), [lat, lon] = form.position.value.split(",").map((part) => part.trim());
  await queue.add({ kind: "report", topic: form.topic.value, words: form.words.value, zone: form.elements.zone.value, ...(lon ? { lat, lon } : {}) }, await taken(form, ["report"]));
}));
at("send").addEventListener("click", sending);
at("clear").addEventListener("click", clear);
addEventListener("online", sending);
document.querySelector("a[href*=logout]")?.addEventListener("click", async (event) => {
  event.preventDefault();
  const { href } = event.currentTarget;
  if (await clear()) location.href = href;
});
navigator.serviceWorker?.register("/field/worker.js", { scope: "/field/" }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", sending);
navigator.geolocation?.watchPosition(({ coords }) => { here = coords; }, () => {}, { enableHighAccuracy: true });
root.hidden = false;
await show();
if (navigator.onLine) sending();
