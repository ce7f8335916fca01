// Searching in what was said.
import { $ } from "./dom.js";

export const start = () => {
  const tools = $("conversation-tools");
  if (!tools) return;
  $("conversation-search").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    const said = [...$("conversation").children];
    let found = 0;
    for (const each of said) {
      each.hidden = wanted !== "" && !each.textContent.toLowerCase().includes(wanted);
      if (!each.hidden) found += 1;
    }
    $("conversation-found").textContent = wanted === "" ? "" : `${found} of ${said.length}`;
  });
};
