// The list of hits: one of them is the current one, and the only stop of the Tab key.

import { hitItem, toggleScores } from "./hits.js";

const list = document.getElementById("hits");

/** What the list shows, best first. */
export let hits = [];
/** The number of the current hit; -1 for none. */
export let current = -1;

const articles = () => list.querySelectorAll(".hit");
export const numberOf = (inner) => [...articles()].indexOf(inner.closest?.(".hit"));
export const named = (id) => hits.findIndex((hit) => hit.chunk_id === id);
export const holds = (node) => list.contains(node);

/** Show other hits; the focus stays in the list if it was there. */
export function show(found, more) {
  const within = holds(document.activeElement);
  const kept = within ? Math.min(Math.max(current, 0), found.length - 1) : -1;
  hits = found;
  list.replaceChildren(...found.map((hit, number) => hitItem(hit, { number, total: found.length, ...more })));
  current = -1;
  choose(kept, within);
}

export const clear = () => show([], {});
export const busy = (is) => list.setAttribute("aria-busy", String(is));

/** Make a hit the current one; with none of them, the first takes the Tab key. */
export function choose(number, focus = true) {
  const all = articles();
  all.forEach((article, at) => {
    const stop = at === Math.max(number, 0);
    article.classList.toggle("current", at === number);
    article.tabIndex = stop ? 0 : -1;
    for (const inner of article.querySelectorAll("a, button")) inner.tabIndex = stop ? 0 : -1;
  });
  current = all[number] ? number : -1;
  if (current < 0 || !focus) return;
  all[current].focus({ preventScroll: true });
  all[current].scrollIntoView({ block: "nearest" });
}

/** Bring the current hit into sight without the focus. */
export const reveal = () => articles()[current]?.scrollIntoView({ block: "nearest" });

/** Mark the hit that is open. */
export function mark(id) {
  articles().forEach((article, number) => {
    if (id && hits[number].chunk_id === id) article.setAttribute("aria-current", "true");
    else article.removeAttribute("aria-current");
  });
}

/** More or less of the current hit's text. */
export const toggleMore = () => articles()[current]?.toggleMore();
/** What the current hit's score is made of, or no more of it. */
export const toggleScore = () => articles()[current] && toggleScores(articles()[current]);

/** Call `act(name)` for a button of a hit and `open(number)` for its name. */
export function watch(act, open) {
  list.addEventListener("click", (event) => {
    const number = numberOf(event.target);
    const pressed = event.target.closest("[data-act]")?.dataset.act;
    if (number < 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (event.target.closest("a")) {
      event.preventDefault();
      open(number);
    } else if (pressed) {
      choose(number, false);
      act(pressed);
    }
  });
  list.addEventListener("focusin", (event) => {
    const number = numberOf(event.target);
    if (number !== current) choose(number, false);
  });
}
