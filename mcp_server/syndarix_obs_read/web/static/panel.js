// A step opens beside its trace instead of on a new page.
import { $, all, changed, here, isBrowsers } from "./dom.js";

const narrow = matchMedia("(max-width: 860px)");
let turn = 0;

const mark = (name) => {
  for (const each of all("[data-step][aria-current]")) each.removeAttribute("aria-current");
  const line = name === null ? null : document.querySelector(`:is(#tree, #flame) [data-step="${CSS.escape(name)}"]`);
  line?.setAttribute("aria-current", "true");
  return line;
};

/** Show a step beside its trace. */
export const choose = async (name) => {
  const panel = $("step");
  const mine = (turn += 1);
  panel.hidden = false;
  panel.classList.add("loading");
  await new Promise((go) => setTimeout(go, 50)); // a key held down passes over steps without asking for each
  if (mine !== turn) return;
  const trace = new URLSearchParams(location.search).get("id");
  const answer = await fetch(`/step/part?${new URLSearchParams({ trace, step: name })}`);
  const text = await answer.text();
  if (!(answer.headers.get("content-type") ?? "").startsWith("text/html")) throw new Error(text);
  if (mine !== turn) return; // another step was chosen meanwhile
  panel.innerHTML = text;
  panel.classList.remove("loading");
  panel.scrollTop = 0;
  changed(panel);
  history.replaceState(null, "", here({ step: name }));
  const line = mark(name);
  (narrow.matches ? panel : line)?.scrollIntoView({ block: narrow.matches ? "start" : "nearest" });
};

/** Put the step away. */
export const close = () => {
  turn += 1;
  $("step").hidden = true;
  mark(null);
  history.replaceState(null, "", here({ step: null }));
};

export const isOpen = () => $("step") !== null && !$("step").hidden;

export const start = () => {
  if (!$("step")) return;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-step]");
    if (!link || isBrowsers(event) || event.shiftKey || event.button) return;
    event.preventDefault();
    choose(link.dataset.step).catch(() => location.assign(link.href));
  });
};
