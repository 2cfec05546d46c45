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
      element.focus({ preventScroll: Boolean(element.closest(".desk-bar")) });
      element.select();
    } else if (element.matches("summary")) {
      const details = element.parentElement;
      details.open = !details.open;
      const field = details.querySelector("input:not([type=hidden]), select, textarea") || element;
      if (details.open) field.focus({ preventScroll: Boolean(field.closest(".desk-bar")) });
    } else {
      element.click();
    }
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.matches("textarea")) {
      event.target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      document.querySelectorAll("[data-key-list][open], .write[open], .rules[open]").forEach((list) => {
        const inside = list.contains(event.target);
        list.open = false;
        if (inside) list.querySelector("summary").focus();
      });
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

  /* The next project is chosen where it stands, without asking the server, so that a reason half written is kept. */
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("[data-next-project]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const shown = [...document.querySelectorAll("input[name=project]")].filter((one) => one.getClientRects().length);
    if (shown.length < 2) return;
    event.preventDefault();
    const next = shown[(shown.findIndex((one) => one.checked) + 1) % shown.length];
    next.checked = true;
    next.dispatchEvent(new Event("change", { bubbles: true }));
    next.focus();
    next.closest("article").scrollIntoView({ block: "nearest" });
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

  const first = document.querySelector("[data-first-field]");
  if (first && !document.querySelector("[data-focus-first]") && location.search.includes("field=")) first.focus();

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
