// Copying: the link to a step, its JSON, its request as curl, a test of it.
import { here, onContent } from "./dom.js";

const say = (near, words) => {
  const said = near.closest(".copies")?.querySelector(".copied");
  if (!said) return;
  said.textContent = words;
  setTimeout(() => { said.textContent = ""; }, 1600);
};

/** Copy the address of what is shown. */
export const copyLink = () => {
  navigator.clipboard?.writeText(new URL(here({}), location.href).href);
  return true;
};

const copy = async (link, button) => {
  const text = link.dataset.copy === undefined ? link.href : await (await fetch(link.href)).text();
  await navigator.clipboard.writeText(text);
  say(button, "copied");
};

export const start = () => {
  if (!navigator.clipboard) return; // only where the browser trusts the address
  onContent((within) => {
    for (const link of within.querySelectorAll("a[data-copy], a[data-copy-link]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `copy ${link.textContent}`;
      button.addEventListener("click", () => copy(link, button).catch(() => say(button, "could not copy")));
      link.replaceWith(button);
    }
  });
};
