/* Folds the text fields of answers that are not chosen. Without JavaScript they all stand open. */
"use strict";

(() => {
  const form = document.querySelector("[data-questionnaire]");
  if (!form) return;
  const details = [...form.querySelectorAll("[data-detail-of]")];
  const fold = () => {
    for (const detail of details) {
      const chosen = document.getElementById(detail.dataset.detailOf).checked;
      detail.hidden = !chosen && !detail.classList.contains("field-invalid");
    }
  };
  form.addEventListener("change", fold);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) form.reset();
    fold();
  });
  fold();
})();
