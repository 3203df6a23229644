// What the index holds, how old and how well it is.

import { ask, Refused } from "./api.js";
import { ago, counted } from "./places.js";
import { element, nameNodes } from "./text.js";

const byId = (id) => document.getElementById(id);
const WELL = ["ok", "healthy", "pass", "ready"];

let last = null;

/** The roots that are indexed; empty until they are known. */
export const roots = () => last?.roots ?? [];

/** Ask and show; false if the server wants a token. */
export async function refresh() {
  const [status, health] = await Promise.allSettled([ask("api/status"), ask("healthz")]);
  const denied = status.reason?.status === 401;
  last = status.value ?? (status.reason?.status === 503 ? null : last);
  brief(status, health);
  facts(status.value, health);
  notes(status.value);
  return !denied;
}

function state({ value, reason }) {
  if (value) return value.status || "ok";
  return reason instanceof Refused && reason.status === 0 ? "unreachable" : "unwell";
}

function brief(status, health) {
  const word = status.reason?.status === 0 ? "unreachable" : state(health);
  const well = WELL.includes(word);
  byId("dot").className = `dot ${well ? "well" : word === "unreachable" ? "off" : "unwell"}`;
  const known = status.value;
  const parts = known?.updated ? [counted(known.chunks, "passage"), ago(known.updated)] : [];
  if (!well || !parts.length) parts.push(known && !known.updated ? "no index yet" : well ? "" : word.replaceAll("_", " "));
  byId("brief").replaceChildren(parts.filter(Boolean).join(" · ") || "no index");
}

function facts(status, health) {
  const made = element("dl");
  const line = (name, ...values) => made.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...values)));
  if (status) {
    line("holds", `${counted(status.files, "file")}, ${counted(status.chunks, "passage")}`);
    if (status.skipped) line("listed only", counted(status.skipped, "file"));
    if (status.quarantined) line("quarantined", counted(status.quarantined, "file"), " — `beast quarantine list`");
    if (status.updated) line("updated", `${ago(status.updated)} (${status.updated})`);
    line("model", [status.model, status.backend].filter(Boolean).join(", "));
    for (const root of status.roots ?? []) line("folder", element("bdi", {}, ...nameNodes(root, 300)));
  }
  line("health", state(health).replaceAll("_", " "));
  for (const [name, found] of checks(health)) line(name, found);
  byId("facts").replaceChildren(made);
}

// Checks by name; each a word, or an object that has words.
function checks({ value }) {
  const given = value?.checks ?? {};
  const pairs = Array.isArray(given) ? given.map((one) => [one.name ?? "check", one]) : Object.entries(given);
  return pairs.map(([name, found]) => [name.replaceAll("_", " "), inWords(found)]);
}

function inWords(found) {
  if (found === null || typeof found !== "object") return String(found);
  const parts = [found.status, found.detail ?? found.message ?? found.reason ?? found.error];
  return parts.filter((one) => one !== undefined && one !== "").map(String).join(": ");
}

function notes(status) {
  const held = (status?.held_back ?? []).map((one) => one.reason ?? String(one));
  const made = held.map((reason) => element("p", { class: "note" }, element("b", {}, "Held back. "), ...nameNodes(reason, 600)));
  byId("notes").replaceChildren(...made);
}
