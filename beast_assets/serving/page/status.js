// What the index holds, how old and how well it is.

import { ask } from "./api.js";
import { ago, counted } from "./places.js";
import { element, nameNodes } from "./text.js";

const byId = (id) => document.getElementById(id);
// A look at the health costs the server more than a question.
const CHECK_MS = 300_000;

let last = null;
let checked = 0;
let checking = null;

/** The roots that are indexed; empty until they are known. */
export const roots = () => last?.roots ?? [];

/** Ask and show; what is in the way: "" nothing, or "token", "offline", "noindex". */
export async function refresh(thoroughly = false) {
  if (thoroughly || Date.now() - checked > CHECK_MS) {
    checked = Date.now();
    checking = Promise.allSettled([ask("healthz")]);
  }
  const [[status], [health]] = await Promise.all([Promise.allSettled([ask("api/status")]), checking]);
  last = status.value ?? last;
  brief(status, health);
  facts(status.value, health);
  notes(status.value);
  return trouble(status);
}

function trouble({ value, reason }) {
  if (value) return value.updated ? "" : "noindex";
  if (isNoIndex(reason)) return "noindex";
  return { 401: "token", 0: "offline" }[reason.status] ?? "";
}

/** Whether the server says that there is no index. */
export const isNoIndex = ({ status, message }) =>
  status === 503 && /nothing is indexed|there is no index/i.test(message);

function state({ value, reason }) {
  if (value) return value.status;
  return reason.data?.status ?? (reason.status === 0 ? "unreachable" : "unhealthy");
}

function brief(status, health) {
  const word = status.reason?.status === 0 ? "unreachable" : state(health);
  const well = word === "healthy";
  byId("dot").className = `dot ${well ? "well" : word === "unreachable" ? "off" : "unwell"}`;
  const known = status.value;
  const parts = [];
  if (known?.updated) parts.push(`${counted(known.chunks, "passage")}, `, element("span", { class: "wide" }, "updated "), ago(known.updated));
  else if (known) parts.push("no index yet");
  if (!well) parts.push(parts.length ? ", " : "", word);
  byId("brief").replaceChildren(...parts);
}

function facts(status, health) {
  const made = element("dl");
  const line = (name, ...values) => made.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...values)));
  if (status) {
    line("holds", `${counted(status.files, "file")}, ${counted(status.chunks, "passage")}`);
    if (status.skipped) line("listed only", counted(status.skipped, "file"));
    if (status.quarantined) line("quarantined", counted(status.quarantined, "file"), " — `beast quarantine list`");
    if (status.updated) line("updated", `${ago(status.updated)} (${status.updated})`);
    line("model", status.model);
    if (status.backend) line("by", status.backend);
    if (status.version) line("version", String(status.version));
    for (const root of status.roots ?? []) line("folder", element("bdi", {}, ...nameNodes(root, 300)));
  }
  const checks = (health.value ?? health.reason.data)?.checks ?? [];
  line("health", state(health), checks.length ? `, ${counted(checks.length, "check")}` : "");
  for (const { name, status: found, detail } of checks) {
    if (found !== "ok") line(name.replaceAll("_", " "), ...nameNodes(`${found}: ${detail}`, 600));
  }
  byId("facts").replaceChildren(made);
}

function notes(status) {
  const held = (status?.held_back ?? []).map((one) => one.reason ?? String(one));
  const made = held.map((reason) => element("p", { class: "note" }, element("b", {}, "Held back. "), ...nameNodes(reason, 600)));
  byId("notes").replaceChildren(...made);
}
