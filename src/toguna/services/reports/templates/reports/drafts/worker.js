{% autoescape off %}// Keeps the first page of a report, the one-page forms and their files, nothing else: never a report, never a photo.
const CACHE = "reports-{{ version }}", FILES = {{ files }}, STYLE = "{% url 'town-css' %}", CHOOSE = "{% url 'report-choose' %}";
const FORM = new RegExp(`^${CHOOSE}/[-\\w]+$`), WAIT = 5000, HERE = { cacheName: CACHE, ignoreVary: true };

addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then((kept) => kept.addAll([...FILES, STYLE])).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(caches.keys()
  .then((names) => Promise.all(names.filter((name) => name.startsWith("reports-") && name !== CACHE).map((name) => caches.delete(name))))
  .then(() => clients.claim())));

// The pages that the first page names: one after the other, those that are not there yet.
let line = Promise.resolve();
addEventListener("message", (event) => event.waitUntil(line = line.then(() => fill(event.data)).catch(() => {})));
async function fill(paths) {
  const kept = await caches.open(CACHE), there = new Set((await kept.keys()).map(({ url }) => new URL(url).pathname));
  for (const path of paths) {
    const page = pageOf(path);
    if (page && !there.has(path)) await keep(page, await fetch(page, { cache: "no-cache" }));
  }
}

addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (url.origin !== location.origin) return;
  const page = pageOf(url.pathname);
  if (request.method === "POST" && FORM.test(url.pathname) && url.searchParams.has("kept")) event.respondWith(sent(request));
  else if (request.method !== "GET") return;
  else if (FILES.includes(url.pathname)) event.respondWith(caches.match(request, HERE).then((file) => file || fetch(request)));
  else if (url.pathname === STYLE) event.respondWith(first(event, STYLE, true));
  else if (page && request.mode === "navigate") event.respondWith(first(event, page, page === url.pathname + url.search));
});

function pageOf(path) { return path === CHOOSE ? path : FORM.test(path) ? `${path}?all=1` : null; }

/** The network's answer; without network, or when it takes too long, what is kept (a form on one page) if anything is. */
async function first(event, path, whole) {
  const network = fetch(event.request);
  event.waitUntil(network.then((answer) => whole && keep(path, answer.clone())).catch(() => {}));
  const kept = await copy(path);
  if (!kept) return network;
  return Promise.race([
    network.then((answer) => answer.status < 500 ? answer : kept, () => kept),
    new Promise((done) => { setTimeout(done, WAIT, kept); }),
  ]);
}

async function keep(path, answer) {
  if (!answer.ok || answer.redirected) return;
  const text = await answer.clone().text();
  if (/<div class="notice [a-z]*" role="status">/.test(text)) return; // said once to one person
  await (await caches.open(CACHE)).put(path, answer);
}

/** The page as it is kept, but each form has an id of its own, as the server would give it: two reports are never one. */
async function copy(path) {
  const kept = await caches.match(path, HERE);
  if (!kept) return null;
  const headers = new Headers(kept.headers);
  ["Content-Encoding", "Content-Length"].forEach((name) => headers.delete(name));
  const text = (await kept.text()).replace(/(name="client_id" value=")[-\w]+/, `$1${crypto.randomUUID()}`);
  return new Response(text, { headers });
}

/** A form on its way, which the page has kept before: when it does not get there, the list of what waits is shown. */
async function sent(request) {
  const answer = await fetch(request).catch(() => null);
  return answer && answer.status < 500 ? answer : Response.redirect(CHOOSE, 303);
}
{% endautoescape %}
