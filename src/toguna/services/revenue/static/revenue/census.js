// A day of counting without network: each thing that is counted is in the phone's database at once, and leaves it when it was sent.
const root = document.getElementById("census"), at = (name) => document.getElementById(name), texts = root.dataset;
const { database, outbox, small } = await import(texts.database);
const base = await database("toguna-census", { queue: "id" });
const box = outbox(base, { name: "census", path: "/census/" });
const form = at("count");
let here = null;

const says = (words) => { at("says").textContent = words || ""; };
const item = (words) => Object.assign(document.createElement("li"), { textContent: words });

function asked() {
  const chosen = form.base.selectedOptions[0];
  form.querySelectorAll("[data-for]").forEach((field) => {
    const wanted = field.dataset.for.split(" ").includes(chosen.value);
    field.hidden = !wanted;
    field.querySelectorAll("input").forEach((input) => { input.disabled = !wanted; });
  });
}

async function tell() {
  const rows = await box.mine(), counted = rows.filter((row) => row.record), waiting = rows.filter((row) => row.state === "waiting");
  at("today").textContent = `${texts.counted}: ${counted.filter((row) => row.at.slice(0, 10) === new Date().toISOString().slice(0, 10)).length}`;
  at("waiting").textContent = `${texts.waiting}: ${waiting.length}`;
  at("queue").replaceChildren(...counted.slice(-60).reverse().map((row) => item([texts[row.state], row.record.name, row.record.words, row.code, row.says].filter(Boolean).join(" · "))));
}

async function send() {
  const end = await box.send();
  says({ done: texts.done, offline: texts.offline, login: texts.login, others: texts.others }[end]);
  at("login").hidden = end !== "login";
  await tell();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  try {
    const measures = {};
    form.querySelectorAll("[data-measure]").forEach((input) => { if (!input.disabled && input.value.trim()) measures[input.dataset.measure] = input.value.trim(); });
    const values = Object.fromEntries(["base", "name", "phone", "trade", "words"].map((name) => [name, form.elements[name].value.trim()]));
    const plate = form.elements.plate && !form.elements.plate.disabled ? form.elements.plate.value.trim() : "";
    const place = here ? { lat: here.latitude, lon: here.longitude, accuracy: Math.round(here.accuracy) } : {};
    const photos = await Promise.all([...form.photo.files].slice(0, 1).map(small));
    await box.add({ ...values, plate, measures, ...place }, photos);
    const { value } = form.base;
    form.reset();
    form.base.value = value;
    asked();
    says(here ? texts.kept : texts.nowhere);
    form.name.focus();
  } catch (error) { says(error.name === "QuotaExceededError" ? texts.full : error.message); }
  button.disabled = false;
  await tell();
});
form.base.addEventListener("change", asked);
at("send").addEventListener("click", send);
addEventListener("online", send);
navigator.serviceWorker?.register("/census/worker.js", { scope: "/census/" }).catch(() => {});
navigator.serviceWorker?.addEventListener("message", send);
navigator.geolocation?.watchPosition(({ coords }) => { here = coords; at("where").textContent = `${texts.where} ±${Math.round(coords.accuracy)} m`; }, () => { at("where").textContent = texts.nowhere; }, { enableHighAccuracy: true });
root.hidden = false;
asked();
await tell();
if (navigator.onLine) send();
