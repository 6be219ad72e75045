// A phone that tells where it is. Each place is in the phone's own database when it is known; it leaves it when the town hall has said
// that it has it. A place has a time and a number that grows: sent twice, it is kept once.

const at = (id) => document.getElementById(id), root = at("phone"), texts = JSON.parse(at("texts").textContent), paths = root.dataset;
const { alone, database } = await import(paths.offline);
const base = await database("toguna-way", { places: "seq" });
const EVERY = 10000, FAR = 30, BATCH = 200, AGAIN = 30000; // ms between two places, metres, places in one message, ms

// The key comes after the #, is kept on the phone, and goes from the address.
const given = new URLSearchParams(location.hash.slice(1));
if (given.get("code") && given.get("key")) {
  localStorage.setItem("way-device", JSON.stringify({ code: given.get("code"), key: given.get("key"), name: given.get("name") || "" }));
  history.replaceState(null, "", location.pathname);
}
const device = JSON.parse(localStorage.getItem("way-device") || "null");
const says = (text) => { at("says").textContent = text; };
let watch = null, last = null, awake = null, hidden = 0;

const clock = (ms) => new Date(Number(ms)).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });

async function count() {
  const places = await base.all("places"), sent = localStorage.getItem("way-sent");
  at("count").textContent = [`${texts.waiting} ${places.length}`, sent && `${texts.sent} ${clock(sent)}`].filter(Boolean).join(" · ");
}

function metres(a, b) {
  const x = (b.lon - a.lon) * Math.cos((a.lat * Math.PI) / 180), y = b.lat - a.lat;
  return Math.hypot(x, y) * 111195;
}

async function place({ coords, timestamp }) {
  const now = { at: timestamp, lat: coords.latitude, lon: coords.longitude };
  if (last && timestamp - last.at < EVERY && metres(last, now) < FAR) return;
  last = now;
  const seq = Math.max(Date.now(), Number(localStorage.getItem("way-seq") || 0) + 1); // grows, whatever the clock does
  localStorage.setItem("way-seq", seq);
  const speed = Number.isFinite(coords.speed) && coords.speed !== null ? { speed: coords.speed * 3.6 } : {};
  const course = Number.isFinite(coords.heading) && coords.heading !== null ? { course: coords.heading } : {};
  await base.put("places", { seq, ...now, ...speed, ...course });
  await count();
  send();
}

const send = alone("toguna-way", async () => {
  try {
    for (;;) {
      const places = (await base.all("places")).sort((a, b) => a.seq - b.seq).slice(0, BATCH);
      if (!places.length) break;
      const answer = await fetch(paths.in.replace("CODE", encodeURIComponent(device.code)), {
        method: "POST", headers: { Authorization: `Bearer ${device.key}`, "Content-Type": "application/json" }, body: JSON.stringify(places),
      });
      if (answer.status === 401) return says(texts.refused);
      if (!answer.ok) throw new Error(answer.status);
      await base.remove("places", ...places.map(({ seq }) => seq));
      localStorage.setItem("way-sent", Date.now());
      if (watch !== null) says(texts.on);
    }
  } catch { if (watch !== null) says(texts.away); }
  await count();
});

async function wake() {
  try {
    awake = await navigator.wakeLock.request("screen");
    at("screen").textContent = texts.awake;
    // The browser takes it back when the battery is low, or when another page is shown.
    awake.addEventListener("release", () => { if (watch !== null) at("screen").textContent = texts.asleep; });
  } catch { at("screen").textContent = texts.asleep; }
}

function start() {
  if (watch !== null) return;
  watch = navigator.geolocation.watchPosition(place, ({ code }) => code === 1 && says(texts.denied), { enableHighAccuracy: true, maximumAge: 5000, timeout: 60000 });
  localStorage.setItem("way-on", "1");
  says(texts.on);
  at("start").hidden = true; at("stop").hidden = false;
  wake();
}

function stop() {
  navigator.geolocation.clearWatch(watch);
  watch = null;
  localStorage.removeItem("way-on");
  awake?.release();
  at("screen").textContent = "";
  says(texts.off);
  at("start").hidden = false; at("stop").hidden = true;
  send();
}

root.hidden = false;
if (!device) says(texts.none);
else {
  at("who").textContent = device.name || device.code;
  says(texts.ready);
  at("start").hidden = false;
  at("start").addEventListener("click", start);
  at("stop").addEventListener("click", stop);
  addEventListener("online", send);
  setInterval(() => watch !== null && send(), AGAIN);
  // The lock goes when the page is hidden: it is asked for again when it is back.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") hidden = Date.now();
    else if (watch !== null) {
      wake();
      if (hidden && Date.now() - hidden > 60000 && (last?.at ?? 0) < hidden + EVERY) at("missed").textContent = `${texts.missed} ${clock(hidden)} – ${clock(Date.now())}`;
    }
  });
  if (localStorage.getItem("way-on")) start(); // a phone that was restarted goes on
  send();
}
count();
navigator.serviceWorker?.register(paths.worker, { scope: paths.scope }).catch(() => {});
