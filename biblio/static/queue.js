/* The queue: copying its address, and ticking certain candidates by keyboard. Without this file the pages do the same,
   with the mouse or the tab key. */
"use strict";

(() => {
  /* The address holds the whole view; only its page is left out, for the first page is what one sends. */
  const copy = document.querySelector("[data-copy-link]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const address = new URL(location.href);
      address.searchParams.delete("page");
      const said = document.querySelector("[data-copied]");
      try {
        await navigator.clipboard.writeText(address.href);
        copy.textContent = "Link copied";
        if (said) said.textContent = "The link to this view was copied.";
      } catch {
        if (said) said.textContent = "The browser did not allow copying; take the address from its bar.";
      }
    });
  }

  const list = document.querySelector("[data-tick-list]");
  if (!list) return;
  const boxes = [...list.querySelectorAll("input[name=chosen]")];
  const ticked = list.querySelector("[data-ticked]");
  const count = () => { if (ticked) ticked.textContent = boxes.filter((box) => box.checked).length; };
  const tickAll = (on) => { boxes.forEach((box) => { box.checked = on; }); count(); };
  list.querySelectorAll("[data-ticks]").forEach((part) => { part.hidden = false; });
  list.addEventListener("change", count);
  list.querySelector("[data-tick-all]")?.addEventListener("click", () => tickAll(true));
  list.querySelector("[data-tick-none]")?.addEventListener("click", () => tickAll(false));
  count();

  const here = () => boxes.indexOf(document.activeElement);
  const go = (place) => {
    const box = boxes[Math.min(Math.max(place, 0), boxes.length - 1)];
    box.focus({ preventScroll: true });
    box.closest("li").scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const at = here();
    if (event.key === "j") go(at + 1);
    else if (event.key === "k") go(at < 0 ? 0 : at - 1);
    else if (event.key === "x" && at >= 0) { boxes[at].checked = !boxes[at].checked; count(); }
    else if (event.key === "o" && at >= 0) boxes[at].closest("li").querySelector("[data-open]").click();
    else return;
    event.preventDefault();
  });
})();
