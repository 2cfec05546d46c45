/* Keys on the list of differences: j and k go from row to row, the others press what the row has. Without this file
   the links and buttons do the same. */
"use strict";

(() => {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  const hint = document.querySelector("[data-keys]");
  if (hint) hint.hidden = false;

  const current = () => rows.findIndex((row) => row.contains(document.activeElement));
  const go = (step) => {
    const at = current();
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[next].focus();
    rows[next].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input, textarea, select");
    if (typing) {
      if (event.key === "Escape") typing.closest("[data-row]")?.focus();
      return;
    }
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      go(event.key === "j" ? 1 : -1);
      return;
    }
    const row = rows[current()];
    const element = row && row.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!element) return;
    event.preventDefault();
    element.click();
    if (element.matches("summary")) row.querySelector("details[open] input[name=reason]")?.focus();
  });
})();
