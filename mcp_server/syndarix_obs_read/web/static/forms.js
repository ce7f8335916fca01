// Forms: an address without the words that nobody gave; boxes that choose several rows at once.
import { $, all, onContent } from "./dom.js";

const tidy = (form) => {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value.trim()) field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
};

const say = () => {
  if (!$("bulk")) return;
  const chosen = all("input[form=bulk]:checked").length;
  $("bulk-chosen").textContent = chosen === 1 ? "1 chosen" : `${chosen} chosen`;
  for (const button of all("#bulk button[data-least]")) {
    button.disabled = chosen < Number(button.dataset.least) || chosen > Number(button.dataset.most);
  }
};

export const start = () => {
  onContent((within) => {
    for (const form of all("form.filters[method=get]", within)) tidy(form);
    say();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[form=bulk]")) say();
  });
  addEventListener("pageshow", say);
};
