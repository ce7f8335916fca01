// Comforts only: without this file every page still works. Nothing here makes HTML of its own; what it puts into a page
// comes from this server, escaped.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);

  document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // A step opens beside its trace instead of on a new page; arrows go from step to step.
  const panel = $("step");
  const tree = $("tree");
  const narrow = matchMedia("(max-width: 860px)");
  let turn = 0;

  const address = (step) => {
    const words = new URLSearchParams(location.search);
    if (step) words.set("step", step);
    else words.delete("step");
    return `${location.pathname}?${words}`;
  };

  const mark = (line) => {
    for (const each of tree.querySelectorAll("[aria-current]")) each.removeAttribute("aria-current");
    line?.setAttribute("aria-current", "true");
  };

  const choose = async (name) => {
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
    history.replaceState(null, "", address(name));
    const line = $(`step-${name}`);
    mark(line);
    (narrow.matches ? panel : line)?.scrollIntoView({ block: narrow.matches ? "start" : "nearest" });
  };

  const close = () => {
    turn += 1;
    panel.hidden = true;
    mark(null);
    history.replaceState(null, "", address(null));
  };

  if (panel && tree) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-step]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      choose(link.dataset.step).catch(() => location.assign(link.href));
    });
    document.addEventListener("keydown", (event) => {
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "Escape" && !panel.hidden) close();
      const way = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      const lines = [...tree.querySelectorAll("a[data-step]")];
      const at = lines.indexOf(document.activeElement);
      const next = way && at >= 0 ? lines[at + way] : null;
      if (!next) return;
      event.preventDefault();
      next.focus();
      if (!panel.hidden) next.click();
    });
  }

  // An address without the words that nobody gave.
  for (const form of document.querySelectorAll("form.filters")) {
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (field.name && !field.value.trim()) field.disabled = true;
    });
    addEventListener("pageshow", () => {
      for (const field of form.elements) field.disabled = false;
    });
  }

  // Log lines as they arrive.
  const button = $("follow");
  const lines = $("lines");
  if (button && lines && "EventSource" in window) {
    const most = 500;
    const state = $("follow-state");
    let source = null;
    let count = 0;
    const stop = (words) => {
      source?.close();
      source = null;
      button.setAttribute("aria-pressed", "false");
      button.textContent = "Follow live";
      state.textContent = words;
    };
    const start = () => {
      source = new EventSource(button.dataset.source);
      button.setAttribute("aria-pressed", "true");
      button.textContent = "Stop";
      source.addEventListener("begin", () => { state.textContent = "waiting for lines"; });
      source.addEventListener("line", (event) => {
        lines.insertAdjacentHTML("afterbegin", event.data);
        lines.firstElementChild.classList.add("fresh");
        while (lines.children.length > most) lines.lastElementChild.remove();
        count += 1;
        state.textContent = `${count} new`;
      });
      source.addEventListener("problem", (event) => stop(event.data));
      source.addEventListener("error", () => { state.textContent = "the server is gone; trying again"; });
    };
    button.hidden = false;
    button.addEventListener("click", () => (source ? stop("") : start()));
  }
})();
