// Comforts only: without this file every page still works. Nothing here makes HTML of its own; what it puts into a page
// comes from this server, escaped.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);

  document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // A step opens beside its trace instead of on a new page; arrows go from step to step.
  const panel = $("step");
  const tree = $("tree");

  let turn = 0;

  const choose = async (name, address, focus) => {
    const trace = new URLSearchParams(location.search).get("id");
    const mine = (turn += 1);
    panel.hidden = false;
    panel.classList.add("loading");
    const answer = await fetch(`/step/part?${new URLSearchParams({ trace, step: name })}`);
    const text = await answer.text();
    if (mine !== turn) return; // another step was chosen meanwhile
    panel.innerHTML = text;
    panel.classList.remove("loading");
    panel.scrollTop = 0;
    if (matchMedia("(max-width: 860px)").matches) panel.scrollIntoView({ block: "start" });
    history.replaceState(null, "", address);
    for (const line of tree.querySelectorAll("[aria-current]")) line.removeAttribute("aria-current");
    const line = $(`step-${name}`);
    if (!line) return;
    line.setAttribute("aria-current", "true");
    line.scrollIntoView({ block: "nearest" });
    if (focus) line.focus({ preventScroll: true });
  };

  if (panel && tree) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-step]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const address = new URL(link.href);
      const here = new URLSearchParams(location.search);
      here.set("step", link.dataset.step);
      address.search = here;
      choose(link.dataset.step, address.pathname + address.search, false).catch(() => location.assign(link.href));
    });
    document.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      if (event.key === "Escape") panel.hidden = true;
      if (!step || event.metaKey || event.ctrlKey || event.altKey) return;
      const line = document.activeElement;
      if (!line || !line.matches("#tree a[data-step]")) return;
      const lines = [...tree.querySelectorAll("a[data-step]")];
      const next = lines[lines.indexOf(line) + step];
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
