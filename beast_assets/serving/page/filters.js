// The row of filters, and what it says.

import { narrowed } from "./query.js";
import { element, visible } from "./text.js";

const byId = (id) => document.getElementById(id);
const AGES = { "": "any time", "1d": "last day", "7d": "last week", "30d": "last month", "365d": "last year" };
const PER_FILE = { 0: "any number", 1: "1 hit", 3: "3 hits" };
const DATE = "date";

/** What the row holds, as part of the state. */
export function readFilters(state) {
  const after = byId("after").value;
  return {
    mode: document.querySelector("[name=mode]:checked").value,
    ext: byId("ext").value.split(/[\s,;]+/).filter(Boolean),
    path: byId("path").value.split(", ").map((one) => one.trim()).filter(Boolean),
    root: byId("root").value === "several" ? state.root : [byId("root").value].filter(Boolean),
    after: after === DATE ? byId("date").value : after,
    per_file: byId("per-file").value,
  };
}

/** Show a state in the row; what is being typed in is left alone. */
export function showFilters(state, roots, focused = null) {
  document.querySelector(`[name=mode][value=${state.mode}]`).checked = true;
  const set = (input, value) => input === focused || (input.value = value);
  set(byId("ext"), state.ext.join(", "));
  set(byId("path"), state.path.join(", "));
  showRoots(state, roots);
  options(byId("per-file"), PER_FILE, state.per_file, `${state.per_file} hits`);
  showAfter(state.after);
  const count = narrowed(state);
  byId("filters-count").textContent = count ? ` ${count}` : "";
  byId("reset").hidden = !count;
}

function showAfter(after) {
  const isDate = /^\d{4}-\d\d-\d\d$/.test(after);
  const asking = !after && byId("after").value === DATE && document.activeElement === byId("after");
  options(byId("after"), { ...AGES, [DATE]: "since …" }, isDate || asking ? DATE : after, `since ${after}`);
  byId("date").hidden = !(isDate || asking);
  if (isDate) byId("date").value = after;
}

function showRoots({ root }, roots) {
  byId("root-label").hidden = roots.length < 2 && !root.length;
  const names = { "": "all", ...Object.fromEntries(roots.map((one) => [one, visible(one).slice(-60)])) };
  if (root.length > 1) names.several = `${root.length} folders`;
  options(byId("root"), names, root.length > 1 ? "several" : (root[0] ?? ""), root[0]);
}

function options(select, names, value, other) {
  const known = value in names ? names : { ...names, [value]: visible(String(other)).slice(-60) };
  // Objects put whole numbers first; "any" belongs there anyway.
  const made = Object.entries(known).map(([own, name]) => element("option", { value: own }, name));
  select.replaceChildren(...made);
  select.value = value;
}

/** Call `changed` with the field when a filter is set, and `reset` when all are taken off. */
export function watchFilters(changed, reset) {
  const row = byId("filters");
  let waiting = 0;
  const soon = (field, ms) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => changed(field), ms);
  };
  row.addEventListener("input", ({ target }) => soon(target, target.matches("#ext, #path, #date") ? 400 : 0));
  byId("reset").addEventListener("click", reset);
  byId("filters-button").addEventListener("click", ({ currentTarget }) => {
    const open = row.classList.toggle("open");
    currentTarget.setAttribute("aria-expanded", String(open));
  });
}
