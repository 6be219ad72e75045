// The button that asks for notices: shown only where the browser can have them and has not refused.
const form = document.querySelector("form[data-push]");
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
if (form && able && Notification.permission !== "denied") {
  const say = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") throw new Error("refused");
      const worker = await navigator.serviceWorker.register(form.dataset.worker, { scope: form.dataset.scope });
      while (!worker.active) await new Promise((done) => setTimeout(done, 100));
      const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(form.dataset.push) });
      const data = new FormData(form);
      const { endpoint, keys } = made.toJSON();
      for (const [name, value] of Object.entries({ endpoint, ...keys })) data.set(name, value);
      const answer = await fetch(form.action, { method: "POST", body: data });
      if (!answer.ok) throw new Error("not kept");
      say.textContent = form.dataset.done;
    } catch {
      say.textContent = form.dataset.failed;
      button.disabled = false;
    }
  });
}
