// Equipment without network: what is done is in the phone's database at once, and leaves it when the town hall has said that it has it.
// Two stores: `days` (the list, one per account), `queue` (what was done).
const root = document.getElementById("garage"), texts = root.dataset, at = (id) => document.getElementById(id);
const { database, outbox } = await import(texts.database);
const base = await database("toguna-garage", { days: "account", queue: "id" });
const box = outbox(base, { name: "garage", path: "/a/" });
let day = null, shown = null;

const says = (words) => { at("says").textContent = words || ""; };
const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
const bare = (typed) => typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
/** A code as a label or a barcode reader gives it (also within its address), or words of a name. */
function found(typed) {
  const code = bare(typed.trim().replace(/\/$/, "").split(/[/\s]/).pop()), first = bare(typed.trim().split(" ")[0]), words = typed.trim().toLowerCase();
  if (!words) return null;
  const among = day?.assets ?? [], fits = among.filter((one) => one.name.toLowerCase().includes(words));
  return among.find((one) => one.code === code || one.code === first) ?? (fits.length === 1 ? fits[0] : null);
}

/** What waits here is laid over the list, which is as the town hall last said it. */
async function pending() {
  return (await box.mine()).filter((row) => row.record && row.state === "waiting").map((row) => row.record);
}
const link = (order) => {
  const item = document.createElement("li"), button = Object.assign(document.createElement("button"), { type: "button", className: "button small quiet", textContent: order.title });
  button.addEventListener("click", () => open(order.code));
  item.append(button, ` ${day.assets.find((one) => one.code === order.code)?.name ?? ""}`);
  return item;
};

function draw(order) {
  const part = at("order").content.cloneNode(true), card = part.querySelector("section"), take = part.querySelector("button[type=button]"), form = part.querySelector("form");
  part.querySelector("h3").textContent = order.title;
  part.querySelector("p").textContent = order.words;
  part.querySelectorAll("[id]").forEach((one) => { one.id += `-${order.order}`; });
  part.querySelectorAll("label[for]").forEach((one) => { one.htmlFor += `-${order.order}`; });
  part.querySelectorAll("[aria-describedby]").forEach((one) => { one.setAttribute("aria-describedby", one.getAttribute("aria-describedby").split(" ").map((id) => `${id}-${order.order}`).join(" ")); });
  take.hidden = order.state !== "open";
  card.querySelector("details").open = order.mine;
  take.addEventListener("click", () => keep({ do: "take", order: order.order, title: order.title }));
  form.addEventListener("submit", (event) => submitted(event, { order: order.order, title: order.title }));
  return part;
}

async function open(code) {
  shown = day?.assets.find((one) => one.code === code) ?? null;
  await show();
  if (shown) at("one").scrollIntoView({ block: "start" });
}

async function show() {
  day = box.account() ? (await base.get("days", box.account())) ?? null : null;
  const records = await pending();
  const orders = (day?.orders ?? []).filter((one) => !records.some((r) => r.do === "finish" && r.order === one.order))
    .map((one) => (records.some((r) => r.do === "take" && r.order === one.order) ? { ...one, state: "taken", mine: true } : one));
  at("known").replaceChildren(...(day?.assets ?? []).map((one) => Object.assign(document.createElement("option"), { value: `${one.code} ${one.name}` })));
  at("made").textContent = day ? `${texts.loaded} ${new Date(day.made).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" })}` : "";
  for (const [name, rows] of [["mine", orders.filter((one) => one.mine)], ["open", orders.filter((one) => one.state === "open")]]) {
    at(name).replaceChildren(...rows.map(link));
    at(`${name}-box`).hidden = !rows.length;
  }
  at("parts").replaceChildren(...(day?.parts ?? []).map(([code, name]) => element("li", `${code}: ${name}`)));
  at("parts-box").hidden = !day?.parts.length;
  at("one").hidden = !shown;
  if (shown) {
    const broken = records.some((r) => r.do === "broken" && r.code === shown.code);
    at("one-name").textContent = shown.name;
    at("one-state").textContent = [broken ? texts.broken : shown.shown, shown.km ? `${shown.km} km` : "", shown.hours ? `${shown.hours} h` : "", shown.code].filter(Boolean).join(" · ");
    at("broken-box").hidden = shown.state !== "service" || broken;
    at("fuel-box").hidden = !shown.burns;
    at("work").replaceChildren(...orders.filter((one) => one.code === shown.code).map(draw));
  }
  const rows = (await box.mine()).filter((row) => row.record);
  at("waiting").textContent = `${texts.waiting}: ${rows.filter((row) => row.state === "waiting").length}`;
  at("queue").replaceChildren(...rows.slice(-40).reverse().map((row) => element("li", [texts[row.state], texts[row.record.do], row.record.title, row.record.name, row.says].filter(Boolean).join(" · "))));
}

async function keep(record) {
  try {
    await box.add({ ...record, code: shown.code, name: shown.name });
    says(texts.kept);
  } catch (error) { says(error.name === "QuotaExceededError" ? texts.full : error.message); }
  await show();
  if (navigator.onLine) send();
}

async function submitted(event, more = {}) {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target, values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
  delete values.client_id;
  form.reset();
  form.closest("details").open = false;
  await keep({ ...values, ...more, do: form.dataset.do });
}

async function load() {
  const answer = await fetch("/a/day", { redirect: "manual", cache: "no-store" });
  if (!answer.ok) return;
  const loaded = await answer.json();
  await base.remove("days", ...(await base.all("days")).filter((one) => one.account !== loaded.account).map((one) => one.account));
  await base.put("days", loaded);
  await navigator.storage?.persist?.();
}
async function send() {
  const end = await box.send();
  says({ done: texts.done, offline: texts.offline, login: texts.login, others: texts.others }[end]);
  at("login").hidden = end !== "login";
  if (end === "done" || end === "others") await load().catch(() => {});
  if (shown) shown = (await base.get("days", box.account()))?.assets.find((one) => one.code === shown.code) ?? shown;
  await show();
}

at("find").addEventListener("submit", async (event) => {
  event.preventDefault();
  const one = found(at("code").value);
  if (!one) return says(texts.unknown);
  says("");
  at("code").value = "";
  await open(one.code);
});
root.querySelectorAll("#one form[data-do]").forEach((form) => form.addEventListener("submit", submitted));
at("send").addEventListener("click", send);
at("load").addEventListener("click", send);
addEventListener("online", send);
navigator.serviceWorker?.register("/a/worker.js", { scope: "/a/" }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", send);
root.hidden = false;
await show();
const scanned = location.pathname.split("/").pop(); // a label's address, opened without network
if (scanned !== "app") { const one = found(scanned); if (one) await open(one.code); else says(texts.unknown); }
if (navigator.onLine) send();
