/* The desk's keys and highlights. Every key presses a button or follows a link that is on the page; without this file
   the buttons do the same. */
"use strict";

(() => {
  const opened = performance.now();

  /* Keys: never while somebody types, never with a modifier. */
  const typing = (target) => target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
  const byKey = (key) => document.querySelector(`[data-key="${CSS.escape(key)}"]`);

  const press = (element) => {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
      element.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (element.matches("input")) {
      element.focus();
      element.select();
    } else {
      element.click();
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      document.querySelectorAll("[data-key-list][open]").forEach((list) => { list.open = false; });
      if (typing(event.target)) event.target.blur();
      return;
    }
    if (typing(event.target)) return;
    if (event.key === "?") {
      const list = document.querySelector("[data-key-list]");
      if (list) { list.open = !list.open; event.preventDefault(); }
      return;
    }
    const element = byKey(event.key);
    if (element) {
      event.preventDefault();
      press(element);
    }
  });

  /* Evidence and its quote light up together, from either side, by mouse and by focus. */
  const light = (name, on) => {
    document.querySelectorAll(`[data-mark="${CSS.escape(name)}"]`).forEach((one) => one.classList.toggle("lit", on));
  };
  const marked = (target) => (target instanceof Element ? target.closest("[data-mark]") : null);
  [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]].forEach(([kind, on]) => {
    document.addEventListener(kind, (event) => {
      const one = marked(event.target);
      if (one) light(one.dataset.mark, on);
    });
  });

  /* How long the paper was looked at, for the median of all; sent with the decision. */
  const seconds = document.querySelector("[data-seconds]");
  if (seconds) {
    let hidden = 0;
    let since = null;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) since = performance.now();
      else if (since !== null) { hidden += performance.now() - since; since = null; }
    });
    seconds.form.addEventListener("submit", () => {
      seconds.value = ((performance.now() - opened - hidden) / 1000).toFixed(1);
    });
  }
})();
