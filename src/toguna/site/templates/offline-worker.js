{% autoescape off %}// Keeps a page and its files, nothing else: what belongs to people is in the page's own store.
const NAME = {{ name }}, CACHE = `${NAME}-{{ version }}`, FILES = {{ files }}, PAGE = {{ page }}, WITHIN = {{ within }}, PATIENCE = 8000;
addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then(async (kept) => {
  await kept.addAll(FILES);
  // The page that brought this worker did not come through it: opened once with network, it must open without.
  const answer = await fetch(PAGE).catch(() => null);
  if (answer?.ok && !answer.redirected) await kept.put(PAGE, answer);
}).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(caches.keys()
  .then((names) => Promise.all(names.filter((name) => name.startsWith(`${NAME}-`) && name !== CACHE).map((name) => caches.delete(name))))
  .then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (FILES.includes(url.pathname)) {
    event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((kept) => kept || fetch(event.request)));
  } else if (url.pathname === PAGE) {
    event.respondWith(page(event));
  } else if (WITHIN && event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match(PAGE, { ignoreVary: true }).then((kept) => kept || Response.error())));
  }
});

/** The network's answer; without network, or when it takes too long, the page as it was kept. */
async function page(event) {
  const network = fetch(event.request).then(async (answer) => {
    if (answer.ok && !answer.redirected) await (await caches.open(CACHE)).put(PAGE, answer.clone());
    return answer;
  });
  const kept = await caches.match(PAGE, { ignoreVary: true });
  if (!kept) return network;
  const late = new Promise((done) => setTimeout(done, PATIENCE, kept));
  event.waitUntil(network.catch(() => {}));
  return Promise.race([network.catch(() => kept), late]);
}
addEventListener("sync", (event) => event.waitUntil(clients.matchAll().then((all) => all.forEach((client) => client.postMessage("sync")))));
{% endautoescape %}
