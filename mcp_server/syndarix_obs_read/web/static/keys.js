// Keys: what they do stands in the page's own list of them, which ? opens.
import { $, isBrowsers, isWriting } from "./dom.js";
import { copyLink } from "./copies.js";
import { zoom } from "./flame.js";
import { choose, close, isOpen } from "./panel.js";
import { foldAt, jump, move } from "./tree.js";

const step = (way) => {
  if ($("tree")) {
    const next = move(way);
    if (next && isOpen()) choose(next.dataset.step).catch(() => location.assign(next.href));
    return next !== null;
  }
  return walk(way) || row(way);
};

// In a list: from row to row.
const row = (way) => {
  const links = [...document.querySelectorAll("a.row")];
  if (links.length === 0) return false;
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + way))];
  next.focus();
  return true;
};

// In a conversation or a run: from one piece to the next.
const walk = (way) => {
  const said = [...document.querySelectorAll(".utterance")];
  if (said.length === 0) return false;
  const at = said.findIndex((each) => each.contains(document.activeElement));
  const next = said[at < 0 ? 0 : Math.max(0, Math.min(said.length - 1, at + way))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
};

const searching = () => {
  const box = ["tree-search", "q", "conversation-search", "f-text"].map($).find((each) => each);
  box?.focus();
  box?.select();
  return Boolean(box);
};

const help = () => {
  const list = $("keys");
  if (!list) return false;
  if (list.open) list.close();
  else list.showModal();
  return true;
};

const steps = (work) => () => ($("tree") ? (work(), true) : false);

const ACTIONS = {
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => (document.activeElement?.closest("#tree") ? step(1) : false),
  ArrowUp: () => (document.activeElement?.closest("#tree") ? step(-1) : false),
  ArrowRight: () => foldAt(document.activeElement, false),
  ArrowLeft: () => foldAt(document.activeElement, true),
  "/": searching,
  "?": help,
  e: steps(() => jump("error")),
  E: steps(() => jump("error", -1)),
  c: steps(() => jump("cost")),
  s: steps(() => jump("time")),
  z: steps(() => jump("fold")),
  y: () => copyLink(),
  "+": () => zoom("in"),
  "-": () => zoom("out"),
  0: () => zoom("fit"),
};

export const start = () => {
  document.addEventListener("keydown", (event) => {
    if (isBrowsers(event)) return;
    if ($("keys")?.open) {
      if (event.key === "Escape" || event.key === "?") $("keys").close();
      return;
    }
    if (event.key === "Escape") {
      if (isWriting()) document.activeElement.blur();
      else if (isOpen()) close();
      return;
    }
    if (isWriting() || !(event.key in ACTIONS)) return;
    if (ACTIONS[event.key]()) event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.addEventListener("click", help);
  }
};
