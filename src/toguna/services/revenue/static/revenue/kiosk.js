// A screen for everybody: keys to touch, and nothing of who was there before.
const root = document.getElementById("kiosk"), words = root.dataset, idle = document.getElementById("idle");
const LAST = 15; // seconds of warning

for (const field of document.querySelectorAll("input[data-keys]")) {
  const box = document.createElement("div");
  box.className = "keys";
  const key = (text, work, wide) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    if (wide) button.className = "wide";
    button.addEventListener("click", () => { work(); field.focus({ preventScroll: true }); });
    box.append(button);
  };
  for (const letter of field.dataset.keys) key(letter, () => { if (field.value.length < field.maxLength) field.value += letter; });
  key(words.delete, () => { field.value = field.value.slice(0, -1); }, true);
  field.after(box);
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

let since = Date.now();
const again = () => { document.querySelectorAll("form").forEach((form) => form.reset()); location.replace(words.home); };
for (const event of ["pointerdown", "keydown", "scroll"]) addEventListener(event, () => { since = Date.now(); idle.hidden = true; }, { passive: true });
setInterval(() => {
  const field = document.getElementById("typed"), limit = Number(words.idle) || (field?.value ? 60 : 0);
  if (!limit) return;
  const left = Math.ceil(limit - (Date.now() - since) / 1000);
  if (left <= 0) { since = Date.now(); again(); }
  else if (left <= LAST) { idle.textContent = words.leaving.replace("{0}", left); idle.hidden = false; }
}, 1000);
addEventListener("pageshow", (event) => { if (event.persisted) again(); }); // never a page of before, by going back
