/**
 * A small database of the phone. stores: {name: the property that is its key}.
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
