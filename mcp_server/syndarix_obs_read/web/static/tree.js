// Finding one's way in the steps of a trace: search, kinds, folding, jumps, and the rest of a long trace.
import { $, all } from "./dom.js";
import { choose } from "./panel.js";

const off = new Set();
const folded = new Set();
let wanted = "";

const rows = () => [...$("tree").children];
const link = (row) => row.querySelector("a[data-step]");
const depth = (row) => Number(row.dataset.depth);

/** Rows that can be seen. */
export const visible = () => rows().filter((row) => !row.hidden);

const texts = new WeakMap();
const textOf = (row) => {
  if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
  return texts.get(row);
};

const show = () => {
  let under = Infinity; // rows deeper than this are within a folded one
  let found = 0;
  for (const row of rows()) {
    const deep = depth(row);
    if (deep <= under) under = Infinity;
    const fits = !off.has(row.dataset.kind) && (wanted === "" || textOf(row).includes(wanted));
    const hide = under !== Infinity || !fits;
    if (row.hidden !== hide) row.hidden = hide;
    if (fits) found += 1;
    if (under === Infinity && folded.has(link(row).dataset.step)) under = deep;
  }
  const narrowed = wanted !== "" || off.size > 0;
  $("tree-found").textContent = narrowed ? `${found.toLocaleString("en")} of ${rows().length.toLocaleString("en")}` : "";
};

const unfoldTo = (row) => {
  let deep = depth(row);
  for (let each = row.previousElementSibling; each && deep > 0; each = each.previousElementSibling) {
    if (depth(each) < deep) {
      deep = depth(each);
      fold(each, false, false);
    }
  }
  if (row.hidden) show();
};

const fold = (row, on, redraw = true) => {
  if (!("parent" in row.dataset)) return false;
  const name = link(row).dataset.step;
  if (on) folded.add(name);
  else folded.delete(name);
  row.classList.toggle("folded", on);
  if (redraw) show();
  return true;
};

/** Fold or unfold the step that is looked at; whether there was something to fold. */
export const foldAt = (at, on) => {
  const row = at?.closest("#tree > li");
  return row ? fold(row, on ?? !row.classList.contains("folded")) : false;
};

const foldAll = () => {
  const parents = rows().filter((row) => "parent" in row.dataset && depth(row) > 0);
  const on = parents.some((row) => !row.classList.contains("folded"));
  for (const row of parents) fold(row, on, false);
  show();
};

let order = [];
let ordered = "";
let place = -1;

/** Go to the next step that failed, or to the dearest, the slowest, then the next one of that order. */
export const jump = (what, way = 1) => {
  if (what === "fold") return foldAll();
  if (ordered !== what) {
    const measure = { cost: "usd", time: "ms" }[what];
    order = rows().filter((row) => (measure ? measure in row.dataset : link(row).classList.contains("is-error")));
    if (measure) order.sort((a, b) => Number(b.dataset[measure]) - Number(a.dataset[measure]));
    ordered = what;
    place = way > 0 ? -1 : 0;
  }
  if (order.length === 0) {
    $("tree-found").textContent = { error: "no step failed", cost: "no step has a price", time: "no step took time" }[what];
    return;
  }
  place = (place + way + order.length) % order.length;
  const row = order[place];
  unfoldTo(row);
  go(row);
  $("tree-found").textContent = `${place + 1} of ${order.length}`;
};

const go = (row) => {
  const at = link(row);
  at.focus({ preventScroll: true });
  at.scrollIntoView({ block: "center" });
  choose(at.dataset.step).catch(() => location.assign(at.href));
};

/** To the step before or after the one that is looked at. */
export const move = (way) => {
  const lines = visible().map(link);
  const focused = document.activeElement?.closest("#tree a[data-step]");
  const at = lines.indexOf(focused ?? $("tree").querySelector("[aria-current]"));
  const next = lines[at < 0 ? 0 : at + way];
  if (!next) return null;
  next.focus();
  return next;
};

// A long trace paints its first rows at once; this brings all of them, in the order of the whole.
const loadRest = async (tools) => {
  const answer = await fetch(tools.dataset.rest);
  if (!answer.ok) return;
  const whole = document.createElement("template");
  whole.innerHTML = await answer.text();
  const chosen = new URLSearchParams(location.search).get("step");
  const focused = document.activeElement?.closest("#tree a[data-step]")?.dataset.step;
  const scrolled = scrollY;
  $("tree").replaceChildren(whole.content);
  document.querySelector(".steps .more")?.remove();
  if (chosen) $(`step-${chosen}`)?.setAttribute("aria-current", "true");
  if (focused) $(`step-${focused}`)?.focus({ preventScroll: true });
  scrollTo({ top: scrolled });
  ordered = "";
  count(tools);
  if (wanted !== "" || off.size > 0 || folded.size > 0) show();
  $("tree").dataset.whole = "true";
};

const count = (tools) => {
  const counts = {};
  for (const row of rows()) counts[row.dataset.kind] = (counts[row.dataset.kind] ?? 0) + 1;
  for (const button of all("button[data-kind]", tools)) {
    button.querySelector(".num").textContent = (counts[button.dataset.kind] ?? 0).toLocaleString("en");
  }
};

export const start = () => {
  const tools = $("tree-tools");
  if (!tools || !$("tree")) return;
  let waiting = 0;
  $("tree-search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      wanted = event.target.value.trim().toLowerCase();
      show();
    }, 120);
  });
  for (const button of all("button[data-kind]", tools)) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      if (on) off.delete(button.dataset.kind);
      else off.add(button.dataset.kind);
      show();
    });
  }
  for (const button of all("button[data-jump]", tools)) button.addEventListener("click", () => jump(button.dataset.jump));
  $("tree").addEventListener("click", (event) => {
    // The mark before a step that holds others: the outer edge of its row.
    const row = event.target.closest("#tree > li[data-parent]");
    if (row && event.target === row && fold(row, !row.classList.contains("folded"))) event.stopPropagation();
  });
  if (tools.dataset.rest) loadRest(tools).catch(() => {});
};
