// A report that does not get to the town hall waits on this phone, with its photos, until the town hall has it. It is
// written down before it is sent, and keeps its id: however often it is sent, it is one report.
//
// A draft: {id, at, topic, title, fields: [[name, value]], photos: [Blob], state, says}. state: "leaving" (given to the
// browser, its answer not seen), "waiting", "refused", then "sent" with {code, url} and nothing of what was written.

const root = document.getElementById("drafts"), texts = root.dataset, part = (name) => root.querySelector(`:scope > ${name}`);
const form = document.querySelector("form[data-draft]"), says = (text) => { part("[data-says]").textContent = text; };
const { database } = await import(texts.database);
const base = await database("toguna-drafts", { drafts: "id" });
const drafts = {
  get: (id) => base.get("drafts", id),
  all: async () => (await base.all("drafts")).sort((a, b) => a.at.localeCompare(b.at)),
  put: (draft) => base.put("drafts", draft),
  remove: (id) => base.remove("drafts", id),
  /** What is deleted while it is sent stays deleted. */
  async update(draft) { if (await drafts.get(draft.id)) await drafts.put(draft); },
};

// ---- sending
const PATIENCE = 180000; // milliseconds: a photo on 2G
const ask = (path, options) => fetch(path, { cache: "no-store", signal: AbortSignal.timeout?.(PATIENCE), ...options });
const words = async (answer) => { const { detail } = await answer.json().catch(() => ({})); return typeof detail === "string" ? detail : texts.wrong; };

/** The point (lon, lat) of what was typed, or null; the town knows landmarks and plus codes. */
async function point(typed) {
  const [, lat, lon] = typed.match(/^\s*(-?\d+(?:\.\d+)?)[\s,;]+(-?\d+(?:\.\d+)?)\s*$/) ?? [];
  if (lon) return { lon: Number(lon), lat: Number(lat) };
  const answer = typed && await ask(`${texts.places}?${new URLSearchParams({ q: typed, limit: 1 })}`);
  const [hit] = answer && answer.ok ? await answer.json() : [];
  return hit?.sure ? { lon: hit.lon, lat: hit.lat } : null;
}

/** What the API takes, from the fields of the form. */
async function body({ id, topic, language, fields }) {
  const all = (name) => fields.filter(([n, value]) => n === name && value).map(([, value]) => value), one = (name) => all(name)[0] ?? "";
  const typed = one("chosen") || one("position"), contact = one("contact").trim();
  const answers = Object.fromEntries(fields.filter(([name]) => name.startsWith("q_")).map(([name]) => [name.slice(2), all(name)]));
  return JSON.stringify({
    client_id: id, category: topic, text: one("text"), place: one("place"), language, name: one("name"), answers,
    ...(one("district") ? { district: Number(one("district")) } : {}), ...(one("asset") ? { asset: Number(one("asset")) } : {}),
    ...(contact ? { [contact.includes("@") ? "email" : "phone"]: contact } : {}),
    ...(await point(typed || (one("district") ? "" : one("place")))),
  });
}

/** Sends one: its words, then each photo by itself. Throws when that must be tried again later. */
async function send(draft) {
  const again = async (answer) => { throw new Error(answer.status === 429 ? await words(answer) : texts.offline); };
  const answer = await ask(texts.reports, { method: "POST", headers: { "Content-Type": "application/json" }, body: await body(draft) });
  if (answer.status === 422) return drafts.update({ ...draft, state: "refused", says: await words(answer) });
  if (!answer.ok) await again(answer);
  draft.says = "";
  while (draft.photos.length) {
    const data = new FormData();
    data.append("photo", draft.photos[0], "photo.jpg");
    const taken = await ask(`${texts.reports}/${draft.id}/photos`, { method: "POST", body: data });
    if (taken.status === 422) draft.says = await words(taken);
    else if (!taken.ok) await again(taken);
    draft.photos.shift();
    await drafts.update(draft);
  }
  const known = await ask(texts.known.replace(/[-0]{36}/, draft.id));
  if (!known.ok) await again(known);
  const { id, at, title } = draft;
  await drafts.update({ id, at, title, ...(await known.json()), photos: [], state: "sent", says: draft.says });
}

let going = null;
/** Sends all that waits, in one tab at a time. */
export function sendAll() { return going ??= (navigator.locks ? navigator.locks.request("toguna-drafts", each) : each()).finally(() => { going = null; }); }
async function each() {
  const rows = (await drafts.all()).filter(({ state }) => ["waiting", "leaving"].includes(state));
  if (!rows.length) return;
  says(texts.going);
  try {
    for (const draft of rows) { await send(draft); await show(); }
    says("");
  } catch (error) { says(error instanceof TypeError || error instanceof DOMException ? texts.offline : error.message); }
  await show();
}

// ---- the list
async function show() {
  const rows = await drafts.all();
  root.hidden = !rows.length;
  part("[data-send]").hidden = !rows.some(({ state }) => ["waiting", "leaving"].includes(state));
  part("ul").replaceChildren(...rows.map(line));
}

function line(draft) {
  const item = part("template").content.cloneNode(true).firstElementChild, at = (name) => item.querySelector(`[data-${name}]`);
  const put = (name, text) => { if (text) at(name).textContent = text; else at(name).remove(); };
  const waits = draft.state !== "sent" && draft.state !== "refused";
  put("title", `${draft.title} · ${new Date(draft.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" })}`);
  put("photos", draft.photos.length ? `📷 ${draft.photos.length}` : "");
  put("words", draft.fields?.find(([name]) => name === "text")[1].slice(0, 120));
  put("state", waits ? texts.waiting : texts[draft.state]);
  at("state").classList.add(waits ? "waiting" : { sent: "done", refused: "refused" }[draft.state]);
  put("says", draft.says);
  if (draft.code) Object.assign(at("code").firstElementChild, { href: draft.url, textContent: `${draft.code.slice(0, 3)} ${draft.code.slice(3)}` });
  else at("code").remove();
  if (draft.state === "refused") at("correct").href = `${texts.choose}/${draft.topic}?all=1#draft=${draft.id}`;
  else at("correct").remove();
  at("delete").setAttribute("aria-label", `${at("delete").textContent.trim()}: ${draft.title}`);
  at("delete").addEventListener("click", async () => {
    if (draft.state !== "sent" && !confirm(texts.sure)) return;
    await drafts.remove(draft.id);
    await show();
    (root.hidden ? document.getElementById("main") : root).focus();
  });
  return item;
}

// ---- the form
/** Writes into the form: values by name; those of a field that is not asked here are left out. */
function fill(pairs, photos, over) {
  for (const control of form.elements) {
    const values = pairs.filter(([name]) => name === control.name).map(([, value]) => value);
    if (!values.length || control.type === "file" || control.type === "hidden") continue;
    if (["radio", "checkbox"].includes(control.type)) control.checked = values.includes(control.value);
    else if (over || !control.value) [control.value] = values;
  }
  const data = new DataTransfer();
  photos.forEach((blob) => data.items.add(new File([blob], "photo.jpg", { type: blob.type })));
  if (photos.length) form.elements.photos.files = data.files;
}

function drafted(button) {
  const data = new FormData(form), ours = ["csrfmiddlewaretoken", "client_id", "photos"];
  if (button?.name) data.append(button.name, button.value);
  const other = button?.hasAttribute("formaction");
  return {
    id: form.elements.client_id.value, at: new Date().toISOString(), state: "leaving", says: "", language: document.documentElement.lang,
    topic: new URL(other ? button.formAction : form.action).pathname.split("/").pop(), title: (other ? button : document.querySelector("h1")).textContent.trim(),
    fields: [...data].filter(([name, value]) => typeof value === "string" && !ours.includes(name)), photos: data.getAll("photos").filter(({ size }) => size),
  };
}

function refuse(field, words) {
  field.setCustomValidity(words);
  field.reportValidity();
  field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
}

let left = false;
async function submit(event) {
  if (left) return; // written down: now it goes, as without this script
  event.preventDefault();
  event.stopPropagation();
  const button = event.submitter, draft = drafted(button), value = (name) => draft.fields.find(([n, v]) => n === name && v.trim());
  if (!navigator.onLine) {
    const missing = !value("text") ? "text" : !value("position") && !value("district") && !value("chosen") ? "district" : null;
    if (missing) return refuse(form.elements[missing], texts[missing]);
    draft.state = "waiting";
  }
  try { await drafts.put(draft); } catch {
    if (!navigator.onLine) {
      root.hidden = false;
      says(texts.full);
      return root.focus();
    }
    left = true;
    return form.requestSubmit(button);
  }
  if (!navigator.onLine) {
    form.hidden = true;
    await show();
    says(texts.kept);
    return root.focus();
  }
  const target = button?.hasAttribute("formaction") ? button : form, name = target === form ? "action" : "formAction";
  target[name] = `${target[name].split("?")[0]}?kept`;
  left = true;
  form.requestSubmit(button);
}

// ---- this page
const asked = await drafts.get(new URLSearchParams(location.hash.slice(1)).get("draft") ?? "");
if (form) {
  const here = await drafts.get(form.elements.client_id.value);
  fill([...new URLSearchParams(location.search)], [], false); // typed at the step before, which this page replaced
  if (asked?.fields) {
    form.elements.client_id.value = asked.id;
    fill(asked.fields, asked.photos, true);
  } else if (here?.state === "leaving") { // the town hall asks for something: it is on the screen, all but the photos
    if (!form.querySelector(".invalid [name=photos]")) fill([], here.photos, true);
    await drafts.remove(here.id);
  }
  form.addEventListener("submit", submit);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) left = false; });
} else if (texts.code) { // the page of thanks: what it thanks for need not be kept
  for (const draft of await drafts.all()) {
    const answer = draft.state === "leaving" && await ask(texts.known.replace(/[-0]{36}/, draft.id));
    if (answer && answer.ok && (await answer.json()).code === texts.code) await drafts.remove(draft.id);
  }
} else {
  if (asked?.fields) document.querySelectorAll("a.tile").forEach((link) => { link.href += `?all=1#draft=${asked.id}`; });
  await show();
  if (navigator.onLine) sendAll();
}
addEventListener("online", () => { if (!texts.code && !left) sendAll(); });
part("[data-send]").addEventListener("click", sendAll);

// The forms are fetched once, for the day without network; not by those who count their data.
if (navigator.serviceWorker) {
  const pages = [...document.querySelectorAll("a.tile")].map(({ pathname }) => pathname);
  const prepare = async () => { if (pages.length && !navigator.connection?.saveData) (await navigator.serviceWorker.ready).active.postMessage([texts.choose, ...pages]); };
  navigator.serviceWorker.addEventListener("controllerchange", prepare);
  navigator.serviceWorker.register(texts.worker, { scope: texts.scope }).then(prepare).catch(() => {});
}
