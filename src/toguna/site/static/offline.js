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

/**
 * What was done without network and waits to be sent, in the store `queue` (key `id`) of `base`. path: under which the town hall answers
 * `me` (see session()), `sync` ({account, records} -> {results: [{id, state, says, ...}]}) and `photo`. A record leaves the phone only when
 * the town hall has said, by its id, that it has it; each account sends its own.
 */
export function outbox(base, { name, path, batch = 10, keepHours = 24 }) {
  let account = Number(localStorage.getItem(`${name}-account`)) || null;
  const all = async () => (await base.all("queue")).sort((a, b) => a.at.localeCompare(b.at));
  const mine = async () => (await all()).filter((row) => row.account === account);
  /** Keeps a record with its photos (blobs), in one piece; gives the record's id. */
  async function add(record, photos = []) {
    const id = crypto.randomUUID(), at = new Date().toISOString(), common = { account, at, state: "waiting", says: "" };
    await base.put("queue", { ...common, id, record: { ...record, id, at } }, ...photos.map((blob) => ({ ...common, id: crypto.randomUUID(), of: id, blob })));
    (await navigator.serviceWorker?.ready.catch(() => null))?.sync?.register(name).catch(() => {});
    return id;
  }
  async function become(number) {
    if (account === number) return;
    // What was written before anybody had logged in on this phone is theirs who logs in first.
    const nobody = (await all()).filter((row) => row.account === null);
    account = number;
    localStorage.setItem(`${name}-account`, number);
    await base.put("queue", ...nobody.map((row) => ({ ...row, account })));
  }
  /** Ends as "done", "offline", "login" or "others". */
  async function sending() {
    try {
      const who = await session(`${path}me`);
      if (!who) return "login";
      await become(who.account);
      const rows = (await mine()).filter((row) => row.state === "waiting");
      const settle = async (result) => {
        const row = rows.find((one) => one.id === result.id);
        if (row) await base.put("queue", { ...row, ...result, blob: result.state === "sent" ? undefined : row.blob });
      };
      const records = rows.filter((row) => row.record);
      for (let i = 0; i < records.length; i += batch) {
        const body = JSON.stringify({ account, records: records.slice(i, i + batch).map((row) => row.record) });
        for (const result of (await post(`${path}sync`, body, who.csrf, "application/json")).results) await settle(result);
      }
      for (const row of rows.filter((one) => one.blob)) {
        const form = new FormData();
        Object.entries({ account, id: row.id, of: row.of }).forEach(([key, value]) => form.append(key, value));
        form.append("photo", row.blob, "photo.jpg");
        try { await settle(await post(`${path}photo`, form, who.csrf)); }
        catch (error) { if (error.status !== 413 && error.status !== 400) throw error; await settle({ id: row.id, state: "refused", says: error.says || error.message }); }
      }
      const old = (await mine()).filter((row) => row.state === "sent" && Date.now() - Date.parse(row.at) > keepHours * 3600e3);
      await base.remove("queue", ...old.map((row) => row.id));
      return (await all()).some((row) => row.account !== account && row.state === "waiting") ? "others" : "done";
    } catch (error) { return error.status === 403 ? "login" : "offline"; }
  }
  return { all, mine, add, send: alone(`${name}-sync`, sending), account: () => account };
}
