// Pages that follow what is recorded: one line says whether they do, and somebody who is busy is not disturbed.
import { $, changed } from "./dom.js";

const LEAST_MS = 400;

export const start = () => {
  const tools = $("live");
  const place = $("live-part");
  if (!tools || !place) return;
  const button = tools.querySelector("button");
  const state = $("live-state");
  let source = null;
  let waiting = false;
  let took = 0;
  let behind = 0;

  const say = (words, style) => {
    state.textContent = words;
    tools.dataset.state = style;
  };
  const busy = () =>
    document.hidden || place.querySelector("input:checked, details.menu[open]") !== null ||
    (place.contains(document.activeElement) && document.activeElement.matches("input, select, button")) ||
    String(getSelection()).length > 0;

  const refresh = async () => {
    const begun = performance.now();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live-part");
    if (!answer.ok || !fresh) throw new Error("no page");
    const focused = document.activeElement?.closest("#live-part a")?.getAttribute("href");
    place.replaceChildren(...fresh.childNodes);
    if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    changed(place);
    took = performance.now() - begun;
    behind = 0;
    say("connected", "on");
  };

  const news = (count) => {
    behind += count;
    if (waiting) return;
    if (busy()) {
      say(`behind by ${behind.toLocaleString("en")} records`, "behind");
      return;
    }
    waiting = true;
    // A page that is dear to make is made the less often.
    setTimeout(() => {
      waiting = false;
      refresh().catch(() => say("cannot reach the server", "off"));
    }, Math.max(LEAST_MS, took * 4));
  };

  const pause = () => {
    source?.close();
    source = null;
    button.textContent = "Follow";
    button.setAttribute("aria-pressed", "false");
    say("paused", "paused");
  };
  const follow = () => {
    source = new EventSource(tools.dataset.source);
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    say("connecting", "off");
    source.addEventListener("begin", () => {
      say("connected", "on");
      if (behind > 0) news(0);
    });
    source.addEventListener("news", (event) => news(Number(event.data)));
    source.addEventListener("problem", (event) => say(event.data, "off"));
    source.addEventListener("error", () => say("the server is gone; trying again", "off"));
  };
  button.addEventListener("click", () => (source ? pause() : follow()));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source && behind > 0) news(0);
  });
  addEventListener("pagehide", () => source?.close());
  follow();
};
