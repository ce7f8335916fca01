// Forms: an address without the words that nobody gave; boxes that choose several rows at once.
import { $, all } from "./dom.js";

const tidy = (form) => {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value.trim()) field.disabled = true;
  });
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
};

const bulk = (form) => {
  const say = () => {
    const chosen = all("input[form=bulk]:checked").length;
    $("bulk-chosen").textContent = chosen === 1 ? "1 chosen" : `${chosen} chosen`;
    for (const button of all("button[data-least]", form)) {
      button.disabled = chosen < Number(button.dataset.least) || chosen > Number(button.dataset.most);
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[form=bulk]")) say();
  });
  addEventListener("pageshow", say);
  say();
};

export const start = () => {
  for (const form of all("form.filters[method=get]")) tidy(form);
  if ($("bulk")) bulk($("bulk"));
};
