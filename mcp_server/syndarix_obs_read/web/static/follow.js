// Log lines as they arrive.
import { $, changed } from "./dom.js";

const MOST = 500;

export const start = () => {
  const button = $("follow");
  const lines = $("lines");
  if (!button || !lines) return;
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
  const begin = () => {
    source = new EventSource(button.dataset.source);
    button.setAttribute("aria-pressed", "true");
    button.textContent = "Stop";
    source.addEventListener("begin", () => { state.textContent = "waiting for lines"; });
    source.addEventListener("line", (event) => {
      lines.insertAdjacentHTML("afterbegin", event.data);
      lines.firstElementChild.classList.add("fresh");
      changed(lines.firstElementChild);
      while (lines.children.length > MOST) lines.lastElementChild.remove();
      count += 1;
      state.textContent = `${count} new`;
    });
    source.addEventListener("problem", (event) => stop(event.data));
    source.addEventListener("error", () => { state.textContent = "the server is gone; trying again"; });
  };
  button.hidden = false;
  button.addEventListener("click", () => (source ? stop("") : begin()));
};
