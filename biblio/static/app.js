/* What JavaScript adds; every page works without it. */
"use strict";

(() => {
  const root = document.documentElement;
  const order = ["system", "light", "dark"];
  const words = {
    system: "Colours follow the system; switch to light",
    light: "Light colours; switch to dark",
    dark: "Dark colours; follow the system again",
  };

  /* Light and dark: a cookie, so that the server can write the choice into the next page and nothing flashes. */
  const button = document.querySelector("[data-theme-button]");
  const chosen = () => root.dataset.bsTheme || "system";
  const show = () => {
    if (!button) return;
    button.querySelector("[data-theme-words]").textContent = words[chosen()];
    button.title = words[chosen()];
    button.dataset.theme = chosen();
  };
  if (button) {
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(chosen()) + 1) % order.length];
      const secure = location.protocol === "https:" ? "; Secure" : "";
      if (next === "system") {
        delete root.dataset.bsTheme;
        document.cookie = `theme=; Path=/; Max-Age=0; SameSite=Lax${secure}`;
      } else {
        root.dataset.bsTheme = next;
        document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
      }
      show();
    });
  }

  /* A form with errors: its summary takes the focus, and its links put the focus into the field. */
  const summary = document.querySelector("[data-focus-first]");
  if (summary) {
    summary.focus();
    summary.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      const field = link && document.getElementById(link.getAttribute("href").slice(1));
      if (field) {
        event.preventDefault();
        field.focus();
        field.scrollIntoView({ block: "center" });
      }
    });
  }

  /* Filters that are choices act when chosen with the mouse. Arrow keys change a choice at every step: whoever uses
     them goes on to the wanted one and presses Enter, or the button. Empty filters stay out of the address. */
  document.querySelectorAll("form[data-autosubmit]").forEach((form) => {
    let stepping = null;
    form.addEventListener("pointerdown", () => { stepping = null; });
    form.addEventListener("keydown", (event) => {
      if (!event.target.matches("select") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" && stepping === event.target) {
        event.preventDefault();
        form.requestSubmit();
      } else if (event.key !== "Tab" && event.key !== "Shift") stepping = event.target;
    });
    form.addEventListener("change", (event) => {
      if (event.target.matches("select") && stepping !== event.target) form.requestSubmit();
    });
    form.addEventListener("formdata", (event) => {
      [...event.formData].forEach(([name, value]) => { if (value === "") event.formData.delete(name); });
    });
  });

  /* One press is enough: a form that was sent is not sent again. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 4000);
  });
})();
