// What the other modules share.

export const $ = (id) => document.getElementById(id);

export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Whether somebody is writing: then keys are letters. */
export const isWriting = () => {
  const at = document.activeElement;
  return at?.matches("input:not([type=checkbox]):not([type=radio]), select, textarea") ?? false;
};

/** Whether a key is pressed together with one that belongs to the browser. */
export const isBrowsers = (event) => event.metaKey || event.ctrlKey || event.altKey;

/** The address of this page with some words changed, or left away by null. */
export const here = (changes) => {
  const words = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) words.delete(name);
    else words.set(name, value);
  }
  const query = words.toString();
  return query ? `${location.pathname}?${query}` : location.pathname;
};

/** Tell modules that parts of the page are new. */
export const changed = (within) => document.dispatchEvent(new CustomEvent("changed", { detail: within }));

/** Call with the whole page now, and with each part that is new later. */
export const onContent = (work) => {
  work(document);
  document.addEventListener("changed", (event) => work(event.detail));
};
