// Completion in the search box: names before the colon, then what occurs behind it.
import { $ } from "./dom.js";

const MOST = 12;

const offers = (known, part) => {
  const sign = part.search(/[:>]/);
  if (sign < 0) return Object.keys(known).filter((name) => name.startsWith(part.toLowerCase()));
  const name = part.slice(0, sign + 1).toLowerCase();
  const begun = part.slice(sign + 1).replaceAll('"', "").toLowerCase();
  return (known[name] ?? [])
    .filter((each) => each.toLowerCase().includes(begun) && each.toLowerCase() !== begun)
    .map((each) => name + (/\s/.test(each) ? `"${each}"` : each));
};

const list = (box) => {
  const made = document.createElement("ul");
  made.id = "q-offers";
  made.className = "offers";
  made.setAttribute("role", "listbox");
  made.setAttribute("aria-label", "Completions");
  made.hidden = true;
  box.after(made);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-controls", made.id);
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  return made;
};

export const start = () => {
  const box = $("q");
  if (!box) return;
  const known = JSON.parse(box.dataset.known);
  const shown = list(box);
  let at = -1;

  const begin = () => box.value.lastIndexOf(" ", box.selectionStart - 1) + 1;
  const close = () => {
    shown.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const take = (text) => {
    const from = begin();
    const after = box.value.slice(box.selectionStart);
    const gap = text.endsWith(":") || text.endsWith(">") ? "" : " ";
    box.value = box.value.slice(0, from) + text + gap + after.trimStart();
    box.selectionStart = box.selectionEnd = from + text.length + gap.length;
    show();
  };
  const point = (next) => {
    const items = [...shown.children];
    at = (next + items.length) % items.length;
    items.forEach((each, index) => each.setAttribute("aria-selected", String(index === at)));
    box.setAttribute("aria-activedescendant", items[at].id);
    items[at].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    const part = box.value.slice(begin(), box.selectionStart);
    const found = offers(known, part).slice(0, MOST);
    shown.replaceChildren(...found.map((text, index) => {
      const item = document.createElement("li");
      item.id = `q-offer-${index}`;
      item.setAttribute("role", "option");
      item.textContent = text;
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(text);
      });
      return item;
    }));
    if (found.length === 0) return close();
    at = -1;
    shown.hidden = false;
    box.setAttribute("aria-expanded", "true");
  };

  box.addEventListener("input", show);
  box.addEventListener("focus", show);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (shown.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") point(at + (event.key === "ArrowDown" ? 1 : -1));
    else if (event.key === "Tab" && !event.shiftKey && at >= 0) take(shown.children[at].textContent);
    else if (event.key === "Enter" && at >= 0) take(shown.children[at].textContent);
    else if (event.key === "Escape") {
      close();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  });
};
