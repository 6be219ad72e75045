{% autoescape off %}// Keeps the app's page and its files, nothing else: what belongs to reports is in the page's own store.
const CACHE = "field-{{ version }}", FILES = {{ files }};
addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then((c) => c.addAll(FILES)).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(caches.keys()
  .then((names) => Promise.all(names.filter((n) => n.startsWith("field-") && n !== CACHE).map((n) => caches.delete(n))))
  .then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (FILES.includes(url.pathname)) {
    event.respondWith(caches.match(event.request, { ignoreSearch: true }).then((kept) => kept || fetch(event.request)));
  } else if (url.pathname === "/field/app") {
    event.respondWith(fetch(event.request).then(async (page) => {
      if (page.ok && !page.redirected) await (await caches.open(CACHE)).put("/field/app", page.clone());
      return page;
    }).catch(() => caches.match("/field/app")));
  }
});
addEventListener("sync", (event) => event.waitUntil(clients.matchAll().then((all) => all.forEach((c) => c.postMessage("sync")))));
{% endautoescape %}
