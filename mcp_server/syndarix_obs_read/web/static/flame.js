// Looking closer at the lanes: the drawing becomes wider than its box, and the box scrolls.
import { $, all } from "./dom.js";

const MOST = 64;
let scale = 1;

const set = (next, at = 0.5) => {
  const box = $("flame-box");
  const share = (box.scrollLeft + box.clientWidth * at) / box.scrollWidth;
  scale = Math.max(1, Math.min(MOST, next));
  $("flame").setAttribute("width", `${scale * 100}%`);
  box.scrollLeft = share * box.scrollWidth - box.clientWidth * at;
};

/** Closer, further away, or everything. */
export const zoom = (way, at) => {
  if (!$("flame")) return false;
  set(way === "fit" ? 1 : way === "in" ? scale * 1.5 : scale / 1.5, at);
  return true;
};

export const start = () => {
  const box = $("flame-box");
  if (!box) return;
  for (const button of all("#flame-tools button")) button.addEventListener("click", () => zoom(button.dataset.zoom));
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? "in" : "out", (event.clientX - box.getBoundingClientRect().left) / box.clientWidth);
  }, { passive: false });
};
