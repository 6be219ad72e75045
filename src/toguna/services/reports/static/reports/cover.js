// Dragging over the squares ticks (or unticks) them; arrow keys walk among them. Without this file, each is ticked by itself.
for (const field of document.querySelectorAll("[data-cover]")) {
  const cells = [...field.querySelectorAll("input")], across = Math.sqrt(cells.length);
  let mark = null;
  const under = (event) => document.elementsFromPoint(event.clientX, event.clientY).find((e) => cells.includes(e));
  field.addEventListener("pointerdown", (event) => {
    const cell = under(event);
    if (!cell) return;
    event.preventDefault();
    mark = !cell.checked;
    cell.checked = mark;
    cell.focus();
  });
  field.addEventListener("pointermove", (event) => { if (mark !== null && under(event)) under(event).checked = mark; });
  addEventListener("pointerup", () => { mark = null; });
  field.addEventListener("click", (event) => { if (event.detail && cells.includes(event.target)) event.preventDefault(); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    const next = step && cells[cells.indexOf(event.target) + step];
    if (next) { event.preventDefault(); next.focus(); }
  });
}
