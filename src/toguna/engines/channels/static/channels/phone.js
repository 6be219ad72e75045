// Looks for new messages, so that nobody has to press the link.
const list = document.querySelector("[data-thread]");
let last = list.innerHTML;
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(list.dataset.thread);
    const text = answer.ok ? await answer.text() : last;
    if (text !== last) list.innerHTML = last = text;
  } catch { /* the network is away: the next look will tell */ }
}, 4000);
