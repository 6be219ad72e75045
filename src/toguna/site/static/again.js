// A page that changes by itself is asked for again, while it is looked at and nothing in it is being filled in.
const root = document.querySelector("[data-again]");
const again = () => (document.hidden || document.activeElement?.closest("form") ? setTimeout(again, 5000) : location.reload());
if (root) setTimeout(again, Number(root.dataset.again) * 1000);
