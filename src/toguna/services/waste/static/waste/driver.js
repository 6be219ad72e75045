// A driver's round without network. What is done is in the phone's database at once, and leaves it only when the town hall
// has said, by its id, that it has it. Two stores: `days` (the round, one per account), `queue` (what was done).

const root = document.getElementById("driver"), texts = root.dataset, at = (id) => document.getElementById(id);
const { alone, database, post, session, small } = await import(texts.database);
const base = await database("toguna-rounds", { days: "account", queue: "id" });
const DAY_HOURS = 20, BATCH = 10, BEAT = 60e3;
const asked = new URLSearchParams(location.search).get("round");
let account = Number(localStorage.getItem("rounds-account")) || null, here = null;

const says = (text) => { at("says").textContent = text || ""; };
const waiting = async () => (await base.all("queue")).filter((row) => row.account === account && row.state === "waiting").sort((a, b) => a.at.localeCompare(b.at));
const today = async () => {
  const day = account && await base.get("days", account);
  return day && Date.now() - Date.parse(day.made) < DAY_HOURS * 3600e3 ? day : null;
};

/** Keeps what was done, with its photo, and marks it in the round that is on this phone; all of it or nothing. */
async function keep(record, file) {
  const day = await today(), id = crypto.randomUUID(), moment = new Date().toISOString(), common = { account, at: moment, state: "waiting" };
  const rows = [{ ...common, id, record: { ...record, id, round: day.round, at: moment } }];
  if (file) rows.push({ ...common, id: crypto.randomUUID(), about: id, blob: await small(file) });
  await base.put("queue", ...rows);
  const visit = day.visits.find((v) => v.key === record.key && v.kind === record.kind && v.state === "planned");
  if (visit && ["done", "skipped"].includes(record.do)) visit.state = record.do;
  if (record.do === "end") day.state = "ended";
  else if (record.do === "broken") day.state = "broken";
  else if (day.state === "planned") day.state = "started";
  await base.put("days", day);
  (await navigator.serviceWorker?.ready.catch(() => null))?.sync?.register("rounds").catch(() => {});
  await show();
  sending();
}

/** Sends what waits, and where the phone is. Ends as "done", "offline", "login" or "others". */
const sync = alone("rounds-sync", async () => {
  try {
    const who = await session("/rounds/me");
    if (!who) return "login";
    await become(who.account);
    const rows = await waiting(), records = rows.filter((row) => row.record), day = await today();
    const spot = here && day?.round && { round: day.round, lon: here.longitude, lat: here.latitude, at: new Date(here.at).toISOString() };
    let version = null;
    for (let i = 0; i === 0 || i < records.length; i += BATCH) {
      const part = records.slice(i, i + BATCH);
      if (!part.length && !day?.round) break;
      const answer = await post("/rounds/sync", JSON.stringify({ account, records: part.map((row) => row.record), here: spot || { round: day?.round } }), who.csrf, "application/json");
      version = answer.version ?? version;
      for (const result of answer.results) await settle(rows.find((row) => row.id === result.id), result);
    }
    for (const row of rows.filter((r) => r.blob)) {
      const form = new FormData();
      Object.entries({ account, id: row.id, record: row.about }).forEach(([name, value]) => form.append(name, value));
      form.append("photo", row.blob, "photo.jpg");
      await settle(row, await post("/rounds/photo", form, who.csrf).catch((error) => { if (![400, 413].includes(error.status)) throw error; return { state: "refused", says: error.says }; }));
    }
    if (day && version != null && version !== day.version) { await load(); says(texts.changed); }
    return (await base.all("queue")).some((row) => row.account !== account && row.state === "waiting") ? "others" : "done";
  } catch (error) { return error.status === 403 ? "login" : "offline"; }
});
async function settle(row, result) {
  if (!row || result.state === "waiting") return;
  if (result.state === "sent") await base.remove("queue", row.id);
  else { await base.put("queue", { ...row, state: result.state, says: result.says }); says(`${texts.refused} – ${result.says}`); }
}
async function become(number) {
  if (account !== number) { account = number; localStorage.setItem("rounds-account", number); }
  const old = (await base.all("days")).filter((day) => day.account !== number || Date.now() - Date.parse(day.made) > DAY_HOURS * 3600e3);
  await base.remove("days", ...old.map((day) => day.account));
}

/** Loads the round; what waits on this phone is laid over it. */
async function load() {
  const answer = await fetch(`/rounds/day${asked ? `?round=${asked}` : ""}`, { redirect: "manual", cache: "no-store" });
  if (!answer.ok) throw Object.assign(new Error("day"), { status: answer.status || 403 });
  const day = await answer.json();
  await become(day.account);
  for (const { record } of await waiting()) {
    const visit = record && day.visits.find((v) => v.key === record.key && v.kind === record.kind && v.state === "planned");
    if (visit && ["done", "skipped"].includes(record.do)) visit.state = record.do;
  }
  await base.put("days", day);
  await navigator.storage?.persist?.();
  await show();
}

function way(visit) {
  if (!here || visit.lat == null) return "";
  const east = (visit.lon - here.longitude) * Math.cos((visit.lat * Math.PI) / 180), north = visit.lat - here.latitude;
  const arrow = "↑↗→↘↓↙←↖"[Math.round(((Math.atan2(east, north) * 180) / Math.PI + 360) / 45) % 8];
  const metres = Math.round(Math.hypot(east, north) * 111195);
  return `${arrow} ${metres < 2000 ? `${metres} m` : `${Math.round(metres / 1000)} km`}`;
}
const title = (visit) => ({ dump: `${texts.dump} – ${visit.name}`, pause: texts.pause }[visit.kind] ?? visit.name);
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });

async function show() {
  const day = await today();
  if (!day?.round) { at("now").hidden = at("broken").hidden = true; at("visits").replaceChildren(); if (day) says(texts.none); return; }
  const todo = day.visits.filter((v) => v.state === "planned"), now = todo[0], running = ["planned", "started"].includes(day.state);
  at("plate").textContent = day.plate;
  const stops = day.visits.filter((v) => v.kind === "stop");
  at("progress").textContent = `${stops.filter((v) => v.state !== "planned").length} / ${stops.length}`;
  at("start").hidden = day.state !== "planned";
  at("stands").hidden = day.state !== "broken";
  at("end").hidden = !(day.state === "started" && !now);
  at("broken").hidden = !running;
  at("now").hidden = !now || !running;
  if (now) {
    at("now-at").textContent = `${now.number}. ${now.at}`;
    at("now-name").textContent = title(now); at("now-where").textContent = now.where; at("now-why").textContent = now.why; at("way").textContent = way(now);
    at("turns").replaceChildren(...now.turns.map((words) => element("li", words)));
    at("turns-box").hidden = !now.turns.length;
    at("speak").hidden = !now.turns.length || !window.speechSynthesis;
    at("levels").hidden = now.kind !== "stop"; at("plain").hidden = now.kind === "stop"; at("skip").hidden = now.kind === "pause";
  } else if (running) says(texts.over);
  at("visits").replaceChildren(...day.visits.filter((v) => day.state !== "broken" || v.state !== "planned").map((v) => {
    const item = element("li", `${v.at} ${title(v)}`);
    if (v.state !== "planned") item.className = "over";
    if (v === now) item.setAttribute("aria-current", "step");
    return item;
  }));
  const rows = await waiting();
  at("count").textContent = rows.length ? `${texts.waiting} – ${rows.length}` : "";
}

async function current() {
  const day = await today();
  return day?.visits.find((v) => v.state === "planned");
}
async function act(what, more = {}, file) {
  const visit = await current();
  if (visit) await keep({ do: what, kind: visit.kind, key: visit.key, ...more }, file);
  at("now-name").scrollIntoView({ block: "center" });
}
async function speak() {
  const visit = await current();
  speechSynthesis.cancel();
  for (const words of [...visit.turns, title(visit)]) speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(words), { lang: document.documentElement.lang, rate: 0.95 }));
}
async function sending() {
  const end = await sync();
  if (end !== "done" || (await waiting()).length === 0) says(at("says").textContent.startsWith(texts.refused) || at("says").textContent === texts.changed ? at("says").textContent : texts[end]);
  at("login").hidden = end !== "login";
  await show();
}

document.querySelectorAll("[data-level]").forEach((button) => button.addEventListener("click", () => act("done", { level: Number(button.dataset.level) })));
at("done").addEventListener("click", () => act("done"));
document.querySelectorAll("[data-reason]").forEach((button) => button.addEventListener("click", async () => {
  await act("skipped", { reason: button.dataset.reason, words: at("words").value.trim() }, at("photo").files[0]);
  at("skip").open = false; at("words").value = ""; at("photo").value = "";
}));
at("start").addEventListener("click", () => keep({ do: "start" }));
at("end").addEventListener("click", () => keep({ do: "end" }));
at("broken").addEventListener("click", () => { if (confirm(texts.broken)) keep({ do: "broken" }); });
at("speak").addEventListener("click", speak);
const reload = () => load().then(() => says(""), (error) => { says(texts[error.status === 403 ? "login" : "offline"]); at("login").hidden = error.status !== 403; });
at("reload").addEventListener("click", reload);
addEventListener("online", sending);
navigator.serviceWorker?.register("/rounds/worker.js", { scope: "/rounds/" }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", sending);
navigator.geolocation?.watchPosition(({ coords, timestamp }) => {
  here = { longitude: coords.longitude, latitude: coords.latitude, at: timestamp };
  current().then((visit) => { if (visit) at("way").textContent = way(visit); });
}, () => {}, { enableHighAccuracy: true });
root.hidden = false;
await show();
if (navigator.onLine) { if (!(await today())?.round || asked) await reload(); sending(); }
setInterval(() => { if (navigator.onLine) sending(); }, BEAT);
