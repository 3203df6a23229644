// The page: what is typed becomes a question, and its answer a list.

import { ask, keepToken, takeToken } from "./api.js";
import { copy, toast } from "./copying.js";
import { readFilters, showFilters, watchFilters } from "./filters.js";
import * as instead from "./instead.js";
import { listen } from "./keys.js";
import * as list from "./list.js";
import * as panel from "./panel.js";
import { counted } from "./places.js";
import { address, fromAddress, question, widened } from "./query.js";
import * as status from "./status.js";
import { wanted } from "./text.js";

const byId = (id) => document.getElementById(id);
const box = byId("box");
const DEBOUNCE_MS = 110;
const SLOW_MS = 250;
const MOST = 100;

let state = fromAddress();
let answered = ""; // the question that the list answers
let version = ""; // of the index that answered it
let asked = 0;
let running = new AbortController();
let trouble = ""; // "token", "offline", "noindex"
const timers = {};

function later(name, ms, act) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(act, ms);
}

// -- asking ----------------------------------------------------------------------------------------

async function search() {
  clearTimeout(timers.typed);
  clearTimeout(timers.again);
  running.abort();
  running = new AbortController();
  const mine = (asked += 1);
  if (!state.q.trim()) return blank();
  later("slow", SLOW_MS, () => busy(true));
  try {
    const answer = await ask("api/search", question(state), running.signal);
    if (mine === asked) show(answer);
  } catch (error) {
    if (mine === asked && error.name !== "AbortError") fail(error);
  }
}

function show(answer) {
  busy(false);
  trouble = "";
  instead.nothing();
  if (version && answer.version !== version) refresh();
  const asking = question(state).toString();
  if (asking !== answered || JSON.stringify(answer.hits) !== JSON.stringify(list.hits)) {
    const link = (hit) => address({ ...state, open: hit.chunk_id });
    list.show(answer.hits, { look: wanted(state.q), roots: status.roots(), link });
    list.mark(state.open);
  }
  [answered, version] = [asking, answer.version];
  count(answer);
}

function count({ hits, took_ms: took }) {
  const words = hits.length ? counted(hits.length, "passage") : "Nothing found";
  const time = took < 1 ? "under 1 ms" : `${Math.round(took)} ms`;
  byId("count").textContent = hits.length ? `${words} in ${time}` : "";
  byId("further").hidden = hits.length < Number(state.k) || hits.length >= MOST;
  if (!hits.length) instead.empty(state, () => pose(widened(state)));
  announce(words);
}

function busy(is) {
  clearTimeout(timers.slow);
  document.documentElement.classList.toggle("busy", is);
  list.busy(is);
}

function clear() {
  busy(false);
  answered = "";
  list.clear();
  byId("count").textContent = "";
  byId("further").hidden = true;
}

function blank() {
  clear();
  announce("");
  if (trouble === "noindex") instead.noIndex();
  else if (trouble === "offline") instead.offline();
  else if (trouble !== "token") instead.welcome((words) => pose({ q: words }));
}

function announce(words) {
  later("announce", 500, () => (byId("live").textContent = words));
}

// -- troubles --------------------------------------------------------------------------------------

function fail(error) {
  clear();
  const kind = status.isNoIndex(error) ? "noindex" : { 401: "token", 0: "offline" }[error.status];
  if (kind) return meet(kind);
  trouble = "";
  instead.failed(error, search);
  announce(error.message);
  if (error.again) later("again", Math.min(error.again, 30) * 1000, search);
}

let refused = false; // the token that was tried

function meet(kind) {
  const known = trouble === kind;
  trouble = kind;
  if (kind === "token") return known && byId("token") ? undefined : askToken();
  if (!known) announce(kind === "offline" ? "The server does not answer" : "Nothing is indexed yet");
  kind === "offline" ? instead.offline() : instead.noIndex();
  later("return", 2500, () => refresh(true));
}

function askToken() {
  clear();
  instead.tokenWanted(refused, (token) => {
    keepToken(token);
    [refused, trouble] = [true, ""];
    begin();
  });
}

async function refresh(thoroughly = false) {
  const met = await status.refresh(thoroughly);
  const before = trouble;
  if (met === "token" || (met && !list.hits.length)) meet(met);
  else if (!met && before) {
    trouble = "";
    await search();
  }
  showFilters(state, status.roots(), document.activeElement);
}

async function begin() {
  await refresh(true);
  if (trouble) return;
  refused = false;
  await search();
  follow();
  if (!state.open && document.activeElement === document.body) box.focus();
}

// -- the address -----------------------------------------------------------------------------------

let typing = false; // whether the newest entry of the history is still being typed

/** Ask something else: a new entry of the history. */
function pose(changes) {
  state = { ...state, k: "10", open: "", ...changes };
  panel.close();
  typing = false;
  history.pushState(null, "", address(state));
  fillIn();
  search();
  box.focus();
}

function typed() {
  state = { ...state, q: box.value, k: "10" };
  later("typed", DEBOUNCE_MS, search);
  later("address", 300, keepTyped);
}

function keepTyped() {
  clearTimeout(timers.address);
  if (address(state) === location.pathname + location.search) return;
  history[typing ? "replaceState" : "pushState"](null, "", address(state));
  typing = true;
  entitle();
}

function typingEnds() {
  keepTyped();
  typing = false;
}

function entitle() {
  const words = state.q.trim().slice(0, 80);
  document.title = words ? `${words} · beast` : "beast";
}

function fillIn() {
  if (box.value !== state.q) box.value = state.q;
  showFilters(state, status.roots());
  entitle();
}

/** Open or close the panel as the address says. */
function follow() {
  if (!state.open) return panel.opened() && hidePanel();
  const hit = list.hits[list.named(state.open)];
  if (panel.opened() !== state.open) panel.open(state.open, hit, wanted(state.q));
  list.mark(state.open);
}

addEventListener("popstate", async () => {
  if (takeToken()) return begin();
  clearTimeout(timers.address);
  state = fromAddress();
  typing = false;
  fillIn();
  if (question(state).toString() !== answered) await search();
  return follow();
});

// -- the panel -------------------------------------------------------------------------------------

function open(number, focus = true) {
  const hit = list.hits[number];
  if (!hit) return;
  typingEnds();
  const [how, entry] = state.open ? ["replaceState", history.state] : ["pushState", { opened: true }];
  state = { ...state, open: hit.chunk_id };
  history[how](entry, "", address(state));
  list.choose(number, false);
  list.mark(hit.chunk_id);
  panel.open(hit.chunk_id, hit, wanted(state.q));
  if (focus || !panel.isWide()) byId("panel-text").focus({ preventScroll: true });
}

/** Close what was opened: one step back, if opening it was a step. */
function close() {
  if (!panel.opened()) return;
  if (history.state?.opened) history.back();
  else {
    state = { ...state, open: "" };
    history.replaceState(null, "", address(state));
    hidePanel();
  }
}

function hidePanel() {
  panel.close();
  list.mark("");
  if (list.current >= 0) list.choose(list.current);
  else box.focus();
}

function move(by) {
  const next = list.current + by;
  const inPanel = byId("panel").contains(document.activeElement);
  if (!list.hits.length || (next < 0 && inPanel)) return;
  if (next < 0) {
    list.choose(-1);
    box.focus();
    return;
  }
  list.choose(Math.min(next, list.hits.length - 1), !inPanel);
  list.reveal();
  if (panel.opened()) later("preview", 60, () => open(list.current, inPanel));
}

// -- acts ------------------------------------------------------------------------------------------

function copyOf(passage, what, word) {
  if (passage) copy(passage[what], word);
  else toast("Nothing to copy yet");
}
const hit = () => list.hits[list.current];
const focused = () => (byId("panel").contains(document.activeElement) ? panel.passage() : hit());
const copyText = (passage) => copyOf(passage, "text", "Passage");
const copyPath = (passage) => copyOf(passage, "path", "Path");

function toBox() {
  if (panel.opened() && !panel.isWide()) {
    state = { ...state, open: "" };
    history.replaceState(null, "", address(state));
    hidePanel();
  }
  box.focus();
  box.select();
}

function closeSomething() {
  if (byId("status").open) byId("status").open = false;
  else if (panel.opened()) close();
  else return false;
  return true;
}

function clearBox() {
  if (closeSomething() || !box.value) return;
  box.value = "";
  typed();
  search();
}

async function showFurther() {
  const before = list.hits.length;
  typingEnds();
  state = { ...state, k: String(Math.min(MOST, Number(state.k) + 10)) };
  history.replaceState(history.state, "", address(state));
  await search();
  if (list.hits.length > before) list.choose(before);
}

function filtersChanged(field) {
  typingEnds();
  state = { ...state, ...readFilters(state), open: "", k: "10" };
  if (panel.opened()) panel.close();
  history.pushState(null, "", address(state));
  showFilters(state, status.roots(), field);
  search();
}

const help = () => byId("keys").showModal();
const ACTS = {
  copy: () => copyText(hit()),
  path: () => copyPath(hit()),
  more: list.toggleMore,
  scores: list.toggleScore,
};

list.watch((name) => ACTS[name](), open);
watchFilters(filtersChanged, () => pose(widened(state)));
listen({
  toBox,
  help,
  open: () => open(list.current),
  next: () => move(1),
  previous: () => move(-1),
  first: () => list.choose(0),
  last: () => list.choose(list.hits.length - 1),
  back: () => closeSomething() || toBox(),
  close: closeSomething,
  clear: clearBox,
  copy: () => copyText(focused()),
  copyPath: () => copyPath(focused()),
  moreContext: panel.more,
});

box.addEventListener("input", typed);
box.addEventListener("blur", typingEnds);
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  typingEnds();
  search();
});
byId("name").addEventListener("click", (event) => {
  event.preventDefault();
  pose(fromAddress("?"));
});
byId("status").addEventListener("toggle", () => byId("status").open && refresh(true));
byId("further").addEventListener("click", showFurther);
byId("keys-button").addEventListener("click", help);
byId("panel-close").addEventListener("click", close);
byId("panel-more").addEventListener("click", panel.more);
byId("panel-copy").addEventListener("click", () => copyText(panel.passage()));
byId("panel-copy-path").addEventListener("click", () => copyPath(panel.passage()));
matchMedia("(min-width: 64rem)").addEventListener("change", panel.arrange);
addEventListener("click", (event) => {
  if (!byId("status").contains(event.target)) byId("status").open = false;
});

// -- beginning -------------------------------------------------------------------------------------

takeToken();
fillIn();
begin();
setInterval(() => document.hidden || refresh(), 30_000);
