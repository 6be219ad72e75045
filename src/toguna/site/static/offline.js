/**
 * What pages that work without network share. A small database of the phone. stores: {name: the property that is its key}.
 * What put() and remove() were given is done whole or not at all, and is on the disk when they end.
 */
export async function database(name, stores) {
  const wish = (request) => new Promise((done, fail) => { request.onsuccess = () => done(request.result); request.onerror = () => fail(request.error); });
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => Object.entries(stores).forEach(([store, keyPath]) => opening.result.createObjectStore(store, { keyPath }));
  const base = await wish(opening);
  const read = (store) => base.transaction(store).objectStore(store);
  const change = (store, work) => new Promise((done, fail) => {
    const transaction = base.transaction(store, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => done();
    transaction.onabort = () => fail(transaction.error);
    work(transaction.objectStore(store));
  });
  return {
    get: (store, key) => wish(read(store).get(key)),
    all: (store) => wish(read(store).getAll()),
    put: (store, ...rows) => change(store, (kept) => rows.forEach((row) => kept.put(row))),
    remove: (store, ...keys) => change(store, (kept) => keys.forEach((key) => kept.delete(key))),
  };
}

/** Who is logged in, as `path` says it ({account, csrf, ...}); null when nobody is. Throws without network. */
export async function session(path) {
  const answer = await fetch(path, { redirect: "manual", cache: "no-store" });
  return answer.ok ? answer.json() : null;
}

/** The JSON that comes back; throws an error with `status` when the town hall did not take it, and its words in `says`. */
export async function post(path, body, csrf, type) {
  const headers = { "X-CSRFToken": csrf, ...(type ? { "Content-Type": type } : {}) };
  const answer = await fetch(path, { method: "POST", body, headers, redirect: "manual" });
  if (answer.ok) return answer.json();
  const { says = "" } = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(`${path} ${answer.status}`), { status: answer.status, says });
}

/** A work of which only one goes on at a time, in all the windows of this phone: asked for again, it gives what is under way. */
export function alone(name, work) {
  let running = null;
  return () => (running ??= (navigator.locks ? navigator.locks.request(name, work) : work()).finally(() => { running = null; }));
}

/** A photo of 1600 px at most, JPEG; the file as it is when the phone cannot read it. */
export async function small(file) {
  try {
    const picture = await createImageBitmap(file), scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob((blob) => done(blob || file), "image/jpeg", 0.8));
  } catch { return file; }
}
