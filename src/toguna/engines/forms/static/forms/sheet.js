// The questions of a form as the phone draws them. A block is {shape, draw}: when no shape changed, nothing is drawn again, so that
// what somebody is typing stays as it is.

import * as n from "./numbers.js";
import { get, isBlock, isEmpty, isList, isMedia, isSilent, named } from "./answers.js";
import { joined } from "./expressions.js";

const FEW = 12, POINTS = ["geotrace", "geoshape"];
const ACCEPT = { image: "image/*", audio: "audio/*", video: "video/*" };
const put = (name, more = {}, ...inside) => {
  const made = document.createElement(name), { data = {}, aria = {}, ...rest } = more;
  Object.assign(made, rest);
  Object.assign(made.dataset, data);
  Object.entries(aria).forEach(([one, value]) => made.setAttribute(one, value));
  made.append(...inside.filter(Boolean));
  return made;
};
const idOf = (key) => `f-${key.join("-")}`;

/** What is shown of these items now, under a key. */
export function blocks(v, items, at) {
  const found = [];
  for (const item of items) {
    const key = [...at, item.name];
    if (isSilent(item) || !v.filled.shown(key)) continue;
    if (item.kind === "group") {
      const inner = blocks(v, item.items, key);
      if (inner.length) found.push(group(v, item, key, inner));
    } else if (item.kind === "repeat") found.push(list(v, item, key));
    else if (item.kind === "note") found.push(note(v, item, key));
    else found.push(field(v, item, key));
  }
  return found;
}

/** A label with the answers that it names. */
function label(v, words, key) {
  return v.filled.words(words).replace(/\$\{\s*([^}\s]+)\s*\}/g, (_all, name) => {
    const near = (item) => item.path.findIndex((part, i) => part !== key.filter((one) => typeof one === "string")[i]) >>> 0;
    const item = (v.form.byName.get(name) ?? []).toSorted?.((a, b) => near(b) - near(a))[0] ?? v.form.byName.get(name)?.[0];
    if (!item) return "";
    const keys = (v.filled.keys.get(joined(item.path)) ?? []).filter((one) => v.filled.shown(one));
    const own = keys.find((one) => one.every((part, i) => typeof part !== "number" || i >= key.length || part === key[i])) ?? keys[0];
    const value = own ? get(v.filled.answers, own) : null;
    if (isEmpty(value)) return "";
    if (!isList(item)) return value === true ? "✓" : String(value);
    const rows = v.form.choices[item.list] ?? [];
    return [value].flat().map((one) => v.filled.words(rows.find((row) => row.name === one)?.label) || one).join(", ");
  });
}

const note = (v, item, key) => {
  const words = label(v, item.label, key);
  return { shape: ["note", named(key), words], draw: () => put("div", { className: "notice" }, put("p", { textContent: words, dir: "auto" })) };
};

function group(v, item, key, inner) {
  const words = label(v, item.label, key), hint = label(v, item.hint, key);
  return {
    shape: ["group", named(key), words, inner.map((block) => block.shape)],
    draw: () => put("fieldset", { className: "group" }, words && put("legend", {}, put("h2", { textContent: words })), hint && put("p", { className: "hint", textContent: hint }), ...inner.map((block) => block.draw())),
  };
}

function list(v, item, key) {
  const rows = get(v.filled.answers, key) ?? [], words = label(v, item.label, key) || item.name, hint = label(v, item.hint, key), free = !item.counted;
  const shown = rows.map((_row, i) => [i, blocks(v, item.items, [...key, i])]).filter(([i]) => v.filled.shown([...key, i]));
  const error = v.row.errors[named(key)] ?? "", { texts } = v;
  return {
    shape: ["list", named(key), words, free, error, shown.map(([i, inner]) => [i, inner.map((block) => block.shape)])],
    draw: () => put("fieldset", { className: "group", id: idOf(key), tabIndex: -1 },
      put("legend", {}, put("h2", { textContent: words })), hint && put("p", { className: "hint", textContent: hint }), error && put("p", { className: "error", textContent: error }),
      ...shown.map(([i, inner], place) => put("fieldset", { className: "card", tabIndex: -1, data: { row: named([...key, i]) } },
        put("legend", { className: "hidden", textContent: `${words} ${place + 1}` }),
        put("p", { className: "row between" }, put("strong", { textContent: `${place + 1}`, aria: { "aria-hidden": "true" } }),
          free && put("button", { type: "button", className: "button small quiet", textContent: texts.remove, onclick: () => v.drop(key, i), aria: { "aria-label": `${texts.remove} ${words} ${place + 1}` } })),
        ...inner.map((block) => block.draw()))),
      free && shown.length < v.form.most.instances && put("p", {}, put("button", { type: "button", className: "button quiet", textContent: shown.length ? texts.another : texts.first, onclick: () => v.add(key), aria: { "aria-label": `${shown.length ? texts.another : texts.first}: ${words}` } }))),
  };
}

function field(v, item, key) {
  const name = named(key), words = label(v, item.label, key) || item.name, hint = label(v, item.hint, key), required = v.filled.required(item, key);
  const typed = v.row.typed[name], error = v.row.errors[name] ?? "", value = get(v.filled.answers, key);
  const offered = isList(item) ? v.filled.offered(item, key).map((row) => [row.name, v.filled.words(row.label) || row.name]) : [];
  const part = { v, item, key, name, id: idOf(key), words, hint, required, typed, error, value, offered };
  // What was picked or kept is in the shape; what is being typed is not: its field holds it.
  const held = item.read_only || isMedia(item) || item.kind === "rank" ? value : null;
  return { shape: ["field", name, words, hint, required, error, offered.map(([one]) => one), held ?? 0], draw: () => drawn(part) };
}

function drawn(part) {
  const { item, id, words, hint, error, required, v } = part, many = ["select_multiple", "rank", "signature"].includes(item.kind) || radios(part);
  const kind = item.kind === "acknowledge" ? "tick" : many ? "many" : "one";
  const optional = !required && kind !== "tick" && put("span", { className: "muted", textContent: ` (${v.texts.optional})` });
  const about = [hint && `${id}-h`, error && `${id}-e`].filter(Boolean).join(" ");
  const said = [hint && put("p", { className: "hint", id: `${id}-h`, textContent: hint }), error && put("p", { className: "error", id: `${id}-e`, textContent: error })];
  const inside = widget({ ...part, aria: { ...(about ? { "aria-describedby": about } : {}), ...(error ? { "aria-invalid": "true" } : {}) } });
  const box = put("div", { className: error ? "field invalid" : "field" });
  if (kind === "tick") box.append(...[...said, ...inside].filter(Boolean));
  else if (kind === "many") box.append(put("fieldset", { id, tabIndex: -1, aria: about ? { "aria-describedby": about } : {} }, put("legend", { textContent: words }, optional), ...said, ...inside));
  else box.append(put("label", { htmlFor: id, textContent: words }, optional), ...[...said, ...inside].filter(Boolean));
  return box;
}
const radios = ({ item, offered }) => item.kind === "select_one" && offered.length <= FEW && !(item.appearance ?? "").includes("minimal");

function widget(part) {
  const { item } = part;
  if (radios(part)) return choices(part, "radio");
  switch (item.kind) {
    case "select_one": return picked(part);
    case "select_multiple": return choices(part, "checkbox");
    case "rank": return ranked(part);
    case "acknowledge": return tick(part);
    case "geopoint": return [typing(part, "text"), place(part)];
    case "barcode": return [typing(part, "text"), scanner(part)];
    case "image": case "audio": case "video": case "file": return media(part);
    case "signature": return signature(part);
    case "date": return [typing(part, "date")];
    case "time": return [typing(part, "time")];
    case "dateTime": return [typing(part, "datetime-local")];
    default: return POINTS.includes(item.kind) ? [typing(part, "lines"), trace(part)] : [typing(part, (item.appearance ?? "").includes("multiline") ? "lines" : "text")];
  }
}

// --- What is written

const NUMBERS = { integer: "numeric", decimal: "decimal", range: "decimal" };
const point = ([lon, lat]) => `${lat.toFixed(6)}, ${lon.toFixed(6)}`;
function written({ item, value, typed }) {
  if (typed) return typed.text;
  if (isEmpty(value)) return "";
  if (item.kind === "geopoint") return point(value);
  if (POINTS.includes(item.kind)) return value.map(point).join("\n");
  if (item.kind === "dateTime") return String(value).slice(0, 16);
  return item.kind === "time" ? String(value).slice(0, 5) : String(value);
}
/** [answer, what is wrong]: the answer null when it is none. */
function read(item, text, v) {
  const words = text.trim(), { texts } = v;
  if (!words) return [null, ""];
  switch (item.kind) {
    case "integer": {
      const number = /^[-+]?[\d\s.,'’]+$/.test(words) ? Number(words.replace(/[\s.,'’]/g, "")) : NaN;
      return Number.isInteger(number) && Math.abs(number) <= v.form.most.integer && !/[.,]\d{1,2}$/.test(words) ? [number, ""] : [null, texts.integer];
    }
    case "decimal": case "range": {
      const number = /^[-+]?[\d\s]*[.,]?\d+$/.test(words) ? n.read(words.replace(/\s/g, "").replace(",", ".")) : null;
      return number ? [n.digits(number), ""] : [null, texts.number];
    }
    case "geopoint": { const found = coordinates(words); return found ? [found, ""] : [null, texts.point]; }
    case "geotrace": case "geoshape": {
      const all = words.split("\n").filter((line) => line.trim()).map(coordinates), closed = item.kind === "geoshape" && all.length > 2 && String(all[0]) !== String(all.at(-1)) ? [...all, all[0]] : all;
      return all.every(Boolean) && all.length > (item.kind === "geoshape" ? 2 : 1) ? [closed, ""] : [null, texts.points];
    }
    default: return text.length > v.form.most.text ? [null, texts.long] : [item.kind === "text" ? text : words, ""];
  }
}
function coordinates(text) {
  const [, lat, lon] = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text) ?? [];
  return lat !== undefined && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [Number(lon), Number(lat)] : null;
}

function typing(part, type) {
  const { v, item, key, id, name, required, aria } = part, lines = type === "lines";
  const input = put(lines ? "textarea" : "input", { id, value: written(part), dir: "auto", autocomplete: "off", readOnly: Boolean(item.read_only), ...(lines ? { rows: 4 } : { type }), ...(NUMBERS[item.kind] ? { inputMode: NUMBERS[item.kind] } : {}), ...(type === "text" || lines ? {} : { className: "short" }), data: { name }, aria: { ...aria, ...(required ? { "aria-required": "true" } : {}) } });
  if (item.kind === "text" && ((item.appearance ?? "").includes("numbers") || item.prefill === "person.phone")) input.inputMode = "tel";
  const take = (done) => {
    const [value, why] = read(item, input.value, v);
    if (why) v.refuse(key, input.value, why, done); else v.answer(key, value, done);
  };
  input.addEventListener("input", () => take(false));
  input.addEventListener("change", () => take(true));
  return input;
}

// --- What is picked

function choices({ v, key, id, value, offered }, type) {
  const now = new Set([value].flat());
  return [put("div", {}, ...offered.map(([one, words], i) => {
    const input = put("input", { type, name: id, id: `${id}-${i + 1}`, value: one, checked: now.has(one) });
    input.addEventListener("change", () => {
      const held = new Set([get(v.filled.answers, key)].flat().filter((each) => each !== null));
      if (type === "radio") { v.answer(key, one, true); return; }
      if (input.checked) held.add(one); else held.delete(one);
      v.answer(key, offered.map(([each]) => each).filter((each) => held.has(each)), true);
    });
    return put("label", {}, input, ` ${words}`);
  }))];
}
function picked({ v, key, id, value, offered, aria }) {
  const input = put("select", { id, aria }, put("option", { value: "", textContent: "–" }), ...offered.map(([one, words]) => put("option", { value: one, textContent: words, selected: one === value })));
  input.addEventListener("change", () => v.answer(key, input.value || null, true));
  return [input];
}
function ranked({ v, key, id, value, offered }) {
  const order = [value ?? []].flat().filter((one) => offered.some(([name]) => name === one));
  const rest = offered.map(([name]) => name).filter((one) => !order.includes(one));
  const words = new Map(offered);
  return [put("ol", { className: "list" }, ...order.map((one, i) => put("li", { className: "item" }, put("span", { textContent: `${i + 1}. ${words.get(one)}` }),
    put("button", { type: "button", id: `${id}-${one}`, className: "button small quiet", textContent: i ? v.texts.up : v.texts.remove, aria: { "aria-label": `${i ? v.texts.up : v.texts.remove}: ${words.get(one)}` }, onclick: () => v.answer(key, i ? [...order.slice(0, i - 1), one, order[i - 1], ...order.slice(i + 1)] : order.slice(1), true) })))),
  ...rest.map((one) => put("p", {}, put("button", { type: "button", className: "button small quiet", textContent: `${order.length + 1}. ${words.get(one)}`, onclick: () => v.answer(key, [...order, one], true) })))];
}
function tick({ v, key, id, words, value, aria }) {
  const input = put("input", { type: "checkbox", id, checked: value === true, aria });
  input.addEventListener("change", () => v.answer(key, input.checked ? true : null, true));
  return [put("label", { className: "check", htmlFor: id }, input, put("span", { textContent: words }))];
}

// --- What the phone itself knows: where it is, what it sees

function where(v, done, says) {
  says.textContent = v.texts.searching;
  const fails = () => { says.textContent = v.texts.nowhere; };
  if (!navigator.geolocation) { fails(); return; }
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    says.textContent = `± ${Math.round(coords.accuracy)} m`;
    done([Number(coords.longitude.toFixed(6)), Number(coords.latitude.toFixed(6)), coords.altitude ?? 0, Math.round(coords.accuracy)]);
  }, fails, { enableHighAccuracy: true, timeout: 60000 });
}
function here({ v, id, words, item }, text, done) {
  const says = put("span", { aria: { role: "status" } });
  return !item.read_only && put("p", { className: "row" }, put("button", { type: "button", className: "button small quiet", textContent: text, aria: { "aria-label": `${text}: ${words}`, "aria-controls": id }, onclick: () => where(v, done, says) }), says);
}
const place = (part) => here(part, part.v.texts.here, (found) => {
  document.getElementById(part.id).value = point(found);
  part.v.answer(part.key, found, true);
});
const trace = (part) => here(part, part.v.texts.add_here, (found) => {
  const input = document.getElementById(part.id);
  input.value = [input.value.trim(), point(found)].filter(Boolean).join("\n");
  input.dispatchEvent(new Event("change"));
});
function scanner({ v, key, id, words, item }) {
  if (!("BarcodeDetector" in window) || item.read_only) return null;
  const says = put("span", { aria: { role: "status" } }), camera = put("input", { type: "file", accept: "image/*", capture: "environment", hidden: true });
  camera.addEventListener("change", async () => {
    const [found] = await new BarcodeDetector().detect(await createImageBitmap(camera.files[0])).catch(() => []);
    says.textContent = found ? "" : v.texts.no_code;
    if (found) { document.getElementById(id).value = found.rawValue; v.answer(key, found.rawValue, true); }
  });
  return put("p", { className: "row" }, put("button", { type: "button", className: "button small quiet", textContent: v.texts.scan, aria: { "aria-label": `${v.texts.scan}: ${words}` }, onclick: () => camera.click() }), says, camera);
}

// --- Photos, files, signatures

function shown({ v, value, words }, box) {
  v.file(value).then((file) => {
    if (!file || !box.isConnected) return;
    if (!file.blob.type.startsWith("image/")) { box.append(put("span", { textContent: file.name })); return; }
    const url = URL.createObjectURL(file.blob);
    v.seen(url);
    box.prepend(put("img", { src: url, alt: words }));
  });
}
function taken(part) {
  const { v, key, words } = part, box = put("p", { className: "row" });
  box.append(put("button", { type: "button", className: "button small quiet", textContent: v.texts.take_away, aria: { "aria-label": `${v.texts.take_away}: ${words}` }, onclick: () => v.answer(key, null, true) }));
  requestAnimationFrame(() => shown(part, box));
  return box;
}
function media(part) {
  const { v, item, key, id, value, aria } = part;
  const input = put("input", { type: "file", id, aria, ...(ACCEPT[item.kind] ? { accept: ACCEPT[item.kind] } : {}) });
  if (item.kind === "image") input.setAttribute("capture", "environment");
  input.addEventListener("change", () => { if (input.files[0]) v.keep(key, input.files[0], item.kind === "image" ? "photo.jpg" : input.files[0].name); });
  return [value && taken(part), input];
}
function signature(part) {
  const { v, key, words, value } = part;
  if (value) return [taken(part)];
  const canvas = put("canvas", { width: 640, height: 200, aria: { role: "img", "aria-label": words } }), pen = canvas.getContext("2d");
  Object.assign(pen, { lineWidth: 3, lineCap: "round" });
  let down = false, drawn = false;
  const spot = (event) => { const r = canvas.getBoundingClientRect(); return [(event.clientX - r.left) * canvas.width / r.width, (event.clientY - r.top) * canvas.height / r.height]; };
  canvas.addEventListener("pointerdown", (event) => { event.preventDefault(); canvas.setPointerCapture(event.pointerId); down = true; pen.beginPath(); pen.moveTo(...spot(event)); });
  canvas.addEventListener("pointermove", (event) => { if (down) { drawn = true; pen.lineTo(...spot(event)); pen.stroke(); } });
  canvas.addEventListener("pointerup", () => { down = false; });
  const done = () => { if (drawn) canvas.toBlob((blob) => v.keep(key, blob, "signature.png")); };
  return [put("p", { className: "hint", textContent: v.texts.sign }), canvas,
    put("p", { className: "row" }, put("button", { type: "button", className: "button small", textContent: v.texts.signed, onclick: done }), put("button", { type: "button", className: "button small quiet", textContent: v.texts.clear, onclick: () => { drawn = false; pen.clearRect(0, 0, canvas.width, canvas.height); } }))];
}
