// Betterments of a form: saved a second after typing stops, questions that appear, a signature drawn. It works without.
const form = document.querySelector("[data-fill]");
const saved = form.querySelector("[data-saved]");
let waiting, sending = false, again = false;

async function save() {
  if (sending) { again = true; return; }
  sending = true;
  const body = new FormData(form);
  for (const name of [...body.keys()]) if (body.get(name) instanceof File || name.endsWith(":drawn")) body.delete(name); // files go with the page
  body.set("do", "auto");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    const said = await answer.json();
    if (!answer.ok) { saved.textContent = said.said; return; }
    form.elements.revision.value = said.revision;
    saved.textContent = saved.dataset.words;
    if (said.html && !again) redraw(said.html);
  } catch { saved.textContent = saved.dataset.fails; } finally {
    sending = false;
    if (again) { again = false; later(300); }
  }
}

function redraw(html) {
  const here = document.activeElement, id = here?.id, name = here?.name, value = here?.value, at = here?.selectionStart;
  const files = [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length);
  const blocks = form.querySelector("[data-blocks]");
  blocks.innerHTML = html;
  for (const input of files) { const now = document.getElementById(input.id); if (now) now.files = input.files; }
  const back = (id && document.getElementById(id)) || (name && [...form.elements].find((one) => one.name === name && one.value === value));
  if (back) { back.focus(); try { back.setSelectionRange(at, at); } catch { /* not text */ } }
  sign();
}

function later(ms) { clearTimeout(waiting); waiting = setTimeout(save, ms); }
form.addEventListener("input", (event) => { if (event.target.type !== "file") later(1000); });
form.addEventListener("change", (event) => { if (event.target.type !== "file") later(event.target.matches("[type=radio], [type=checkbox], select") ? 50 : 700); });
form.addEventListener("submit", () => clearTimeout(waiting));
addEventListener("pagehide", () => clearTimeout(waiting));

function sign() {
  for (const box of form.querySelectorAll("[data-sign]")) {
    if (!box.hidden) continue;
    box.hidden = false;
    const canvas = box.querySelector("canvas"), pen = canvas.getContext("2d"), field = box.querySelector("input");
    pen.lineWidth = 3; pen.lineCap = "round";
    let drawing = false;
    const place = (event) => { const r = canvas.getBoundingClientRect(); return [(event.clientX - r.left) * canvas.width / r.width, (event.clientY - r.top) * canvas.height / r.height]; };
    canvas.addEventListener("pointerdown", (event) => { event.preventDefault(); canvas.setPointerCapture(event.pointerId); drawing = true; pen.beginPath(); pen.moveTo(...place(event)); });
    canvas.addEventListener("pointermove", (event) => { if (drawing) { pen.lineTo(...place(event)); pen.stroke(); } });
    canvas.addEventListener("pointerup", () => { drawing = false; field.value = canvas.toDataURL("image/png"); });
    box.querySelector("button").addEventListener("click", () => { pen.clearRect(0, 0, canvas.width, canvas.height); field.value = ""; });
  }
}
sign();
document.getElementById("errors")?.focus();
