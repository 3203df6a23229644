// A passage in its file: the panel beside the list, or over it where there is no room.

import { ask } from "./api.js";
import { isFlowing, where } from "./places.js";
import { element, matches, nameNodes, textNodes } from "./text.js";

const STEPS = [2, 5, 10, 20];
const panel = document.getElementById("panel");
const part = (name) => document.getElementById(`panel-${name}`);

/** Whether there is room for list and panel side by side. */
export const isWide = () => matchMedia("(min-width: 64rem)").matches;

let shown = null; // {id, passage, look, step, doc}
let running = new AbortController();

/** The name of the passage that is open, or "". */
export const opened = () => shown?.id ?? "";
/** The passage itself, without what is around it, as soon as it is known. */
export const passage = () => shown?.passage;

/** Hide the panel. */
export function close() {
  running.abort();
  shown = null;
  panel.hidden = true;
  arrange();
}

/** Let the page behind the panel be, where it covers it. */
export function arrange() {
  const covers = !panel.hidden && !isWide();
  document.getElementById("page").inert = covers;
  document.documentElement.classList.toggle("covered", covers);
  document.documentElement.classList.toggle("beside", !panel.hidden && !covers);
  panel.setAttribute("role", covers ? "dialog" : "complementary");
  if (covers) panel.setAttribute("aria-modal", "true");
  else panel.removeAttribute("aria-modal");
}

/** Show a passage by its name; `hit` is what the list knows of it. */
export async function open(id, hit, look) {
  if (shown?.id === id) return;
  shown = { id, passage: hit, look, step: 0, doc: null };
  panel.hidden = false;
  arrange();
  if (hit) head(hit);
  else part("path").replaceChildren("…");
  part("text").setAttribute("aria-busy", "true");
  await fetchContext();
}

/** Join more of what is around the passage. */
export async function more() {
  if (!shown?.doc || shown.step + 1 >= STEPS.length || part("more").hidden) return;
  shown.step += 1;
  await fetchContext();
}

async function fetchContext() {
  running.abort();
  running = new AbortController();
  const mine = shown;
  const about = (context) => ask("api/doc", new URLSearchParams({ id: mine.id, context }), running.signal);
  try {
    const [doc, alone] = await Promise.all([about(STEPS[mine.step]), mine.passage ?? about(0)]);
    if (mine !== shown) return;
    const grew = !mine.doc || mine.doc.text.length < doc.text.length;
    const first = !mine.doc;
    Object.assign(mine, { doc, passage: alone });
    head(doc);
    body(mine, first);
    part("more").hidden = !grew || mine.step + 1 >= STEPS.length;
    if (!grew) part("place").append(element("span", { class: "ends" }, "nothing more around it"));
  } catch (error) {
    if (error.name === "AbortError" || mine !== shown) return;
    failed(error);
  }
}

function failed(error) {
  const gone = error.status === 404;
  const words = gone ? "This passage is no longer in the index: its file has changed. Search again." : error.message;
  part("text").removeAttribute("aria-busy");
  part("text").replaceChildren(element("p", { class: "failed" }, words));
  part("more").hidden = true;
  if (!shown.passage) part("path").replaceChildren(gone ? "Gone" : "Not shown");
}

function head(passage) {
  const at = passage.path.lastIndexOf("/") + 1;
  part("path").replaceChildren(
    element("bdi", { class: "folder" }, ...nameNodes(passage.path.slice(0, at), 1000)),
    element("bdi", { class: "file" }, ...nameNodes(passage.path.slice(at), 1000)),
  );
  const parts = [element("bdi", {}, ...nameNodes(where(passage), 200))];
  if (passage.stale) parts.push(element("span", { class: "stale" }, "changed since it was indexed: this is the indexed text"));
  part("place").replaceChildren(...parts);
}

function body({ doc, passage, look }, first) {
  const at = doc.text.indexOf(passage.text);
  const [start, end] = at < 0 ? [0, 0] : [at, at + passage.text.length];
  const found = matches(doc.text, look);
  const text = part("text");
  text.className = isFlowing(doc.path) ? "flowing" : "";
  text.removeAttribute("aria-busy");
  const before = text.querySelector(".own");
  const top = before && !first ? before.getBoundingClientRect().top : null;
  text.replaceChildren(...lines(doc, start, end, found));
  settle(text, top);
}

function lines(doc, start, end, found) {
  const made = [];
  let at = 0;
  let next = 0;
  for (const [number, line] of doc.text.split("\n").entries()) {
    const stop = at + line.length;
    const ranges = [];
    while (next < found.length && found[next][0] < stop) {
      ranges.push([found[next][0] - at, found[next][1] - at]);
      next += 1;
    }
    const own = at < end && stop >= start && end > start;
    const attributes = { class: own ? "row own" : "row", "data-line": doc.line_start + number };
    made.push(element("div", attributes, element("code", { dir: "auto" }, ...textNodes(line, ranges), "\n")));
    at = stop + 1;
  }
  return made;
}

// The passage stays where it was on the screen when text is put before it.
function settle(text, top) {
  const own = text.querySelector(".own");
  if (!own) text.scrollTop = 0;
  else if (top !== null) text.scrollTop += own.getBoundingClientRect().top - top;
  else text.scrollTop = own.offsetTop - text.offsetTop - text.clientHeight / 6;
}
