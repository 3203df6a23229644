// The page: what is typed becomes a question, what is pressed becomes an act.

import { ask, keepToken, takeToken } from "./api.js";
import { copy, toast } from "./copying.js";
import { readFilters, showFilters, watchFilters } from "./filters.js";
import { hitItem, toggleScores } from "./hits.js";
import * as instead from "./instead.js";
import * as panel from "./panel.js";
import { counted } from "./places.js";
import { address, fromAddress, question, widened } from "./query.js";
import * as status from "./status.js";
import { wanted } from "./text.js";

const byId = (id) => document.getElementById(id);
const box = byId("box");
const list = byId("hits");
const DEBOUNCE_MS = 110;
const SLOW_MS = 250;
const MOST = 100;

let state = fromAddress();
let hits = [];
let current = -1;
let answered = ""; // the question that the hits answer
let asked = 0;
let running = new AbortController();
let problem = ""; // "", "offline", "noindex", "token"
const timers = {};

function later(name, ms, act) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(act, ms);
}

// -- asking ----------------------------------------------------------------------------------------

async function search() {
  clearTimeout(timers.typed);
  running.abort();
  running = new AbortController();
  asked += 1;
  if (!state.q.trim()) return blank();
  const mine = asked;
  later("slow", SLOW_MS, () => busy(true));
  try {
    const answer = await ask("api/search", question(state), running.signal);
    if (mine === asked) show(answer);
  } catch (error) {
    if (mine === asked && error.name !== "AbortError") fail(error);
  }
}

function busy(is) {
  if (!is) clearTimeout(timers.slow);
  document.documentElement.classList.toggle("busy", is);
  list.setAttribute("aria-busy", String(is));
}

function blank() {
  busy(false);
  clear();
  if (problem === "noindex") instead.noIndex();
  else if (problem === "offline") instead.offline();
  else if (problem !== "token") instead.welcome((words) => pose({ q: words }));
}

function clear(words = "") {
  hits = [];
  answered = "";
  current = -1;
  list.replaceChildren();
  byId("further").hidden = true;
  byId("count").textContent = words;
}

function show(answer) {
  busy(false);
  problem = "";
  instead.nothing();
  const asking = question(state).toString();
  const same = asking === answered && JSON.stringify(answer.hits) === JSON.stringify(hits);
  if (answer.version !== show.version && show.version) refreshStatus();
  show.version = answer.version;
  if (!same) list_(answer.hits);
  answered = asking;
  const took = answer.took_ms < 1 ? "under 1 ms" : `${Math.round(answer.took_ms)} ms`;
  byId("count").textContent = hits.length ? `${counted(hits.length, "passage")}, ${took}` : "";
  if (!hits.length) instead.empty(state, () => pose(widened(state)));
  byId("further").hidden = hits.length < Number(state.k) || hits.length >= MOST;
  announce(hits.length ? counted(hits.length, "passage") : "Nothing found");
}

function list_(found) {
  const look = wanted(state.q);
  const within = list.contains(document.activeElement);
  const item = (hit, number) =>
    hitItem(hit, { number, total: found.length, look, roots: status.roots(), link: address({ ...state, open: hit.chunk_id }) });
  hits = found;
  list.replaceChildren(...found.map(item));
  const kept = within ? Math.min(Math.max(current, 0), found.length - 1) : -1;
  current = -1;
  choose(kept, within);
  markOpened();
}

function fail(error) {
  busy(false);
  clear();
  problem = "";
  if (error.status === 401) return askToken();
  if (error.status === 0) return offline();
  if (error.status === 503 && /nothing is indexed|no index/i.test(error.message)) return noIndex();
  instead.failed(error, search);
  announce(error.message);
  if (error.again) later("again", Math.min(error.again, 30) * 1000, search);
}

function announce(words) {
  later("announce", 500, () => (byId("live").textContent = words));
}

// -- troubles --------------------------------------------------------------------------------------

let refused = false;

function askToken() {
  if (problem === "token" && document.activeElement?.id === "token") return;
  problem = "token";
  clear();
  instead.tokenWanted(refused, (token) => {
    keepToken(token);
    refused = true;
    problem = "";
    restart();
    box.focus();
  });
}

function offline() {
  problem = "offline";
  instead.offline();
  announce("The server does not answer");
  watchForReturn();
}

function noIndex() {
  problem = "noindex";
  instead.noIndex();
  announce("Nothing is indexed yet");
  watchForReturn();
}

function watchForReturn() {
  later("return", 2500, async () => {
    await refreshStatus();
    if (problem === "offline" || problem === "noindex") watchForReturn();
  });
}

async function refreshStatus() {
  const found = await status.refresh();
  if (found === "token") return askToken();
  const before = problem;
  if (found === "ok" && before === "token") return undefined;
  if (found === "ok") problem = "";
  if (found !== "ok" && found !== before && !hits.length && !state.q.trim()) {
    problem = found;
    blank();
    watchForReturn();
  }
  if (found === "ok" && before) search();
  return undefined;
}

async function restart() {
  await refreshStatus();
  if (problem === "token") return;
  refused = false;
  await search();
  follow();
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
  if (typing) history.replaceState(null, "", address(state));
  else history.pushState(null, "", address(state));
  typing = true;
  entitle();
}

function typingEnds() {
  if (typing || box.value !== fromAddress().q) keepTyped();
  typing = false;
}

function entitle() {
  document.title = state.q.trim() ? `${state.q.trim().slice(0, 80)} · beast` : "beast";
}

function fillIn() {
  if (box.value !== state.q) box.value = state.q;
  showFilters(state, status.roots());
  entitle();
}

// Back and forward.
function follow() {
  if (!state.open) return panel.opened() && close(false);
  const number = hits.findIndex((hit) => hit.chunk_id === state.open);
  if (panel.opened()?.chunk_id !== state.open) panel.open(state.open, hits[number], wanted(state.q));
  markOpened();
  return undefined;
}

addEventListener("popstate", async () => {
  if (takeToken()) return restart();
  state = fromAddress();
  typing = false;
  fillIn();
  if (question(state).toString() !== answered) await search();
  return follow();
});

// -- hits ------------------------------------------------------------------------------------------

const articles = () => list.querySelectorAll(".hit");

function choose(number, focus = true) {
  const all = articles();
  const reachable = (article, is) => {
    article.tabIndex = is ? 0 : -1;
    article.classList.toggle("current", is);
    for (const inner of article.querySelectorAll("a, button")) inner.tabIndex = is ? 0 : -1;
  };
  if (all[current]) reachable(all[current], false);
  current = all[number] ? number : -1;
  reachable(all[Math.max(current, 0)] ?? document.createElement("i"), true);
  if (current < 0) all[0]?.classList.remove("current");
  else if (focus) {
    all[current].focus({ preventScroll: true });
    all[current].scrollIntoView({ block: "nearest" });
  }
}

function move(by) {
  if (!hits.length) return;
  const next = current + by;
  if (next < 0) return void (panel.opened() && !panel.isWide() ? 0 : (choose(-1), box.focus()));
  const inPanel = byId("panel").contains(document.activeElement);
  choose(Math.min(next, hits.length - 1), !inPanel);
  if (panel.opened()) later("preview", 60, () => open(current, false));
}

function open(number, focus = true) {
  const hit = hits[number];
  if (!hit) return;
  typingEnds();
  const already = Boolean(state.open);
  state = { ...state, open: hit.chunk_id };
  const keep = already ? history.state : { opened: true };
  history[already ? "replaceState" : "pushState"](keep, "", address(state));
  choose(number, false);
  panel.open(hit.chunk_id, hit, wanted(state.q));
  markOpened();
  if (focus || !panel.isWide()) byId("panel-path").focus({ preventScroll: true });
}

/** Close the panel; `back` where it is meant, and not what the history did. */
function close(back = true) {
  if (back && history.state?.opened) return history.back();
  if (back) {
    state = { ...state, open: "" };
    history.replaceState(null, "", address(state));
  }
  panel.close();
  markOpened();
  if (articles()[current]) choose(current);
  else box.focus();
  return undefined;
}

function markOpened() {
  articles().forEach((article, number) => {
    if (state.open && hits[number].chunk_id === state.open) article.setAttribute("aria-current", "true");
    else article.removeAttribute("aria-current");
  });
}

// -- acts ------------------------------------------------------------------------------------------

const ACTS = {
  more: (article) => article.toggleMore(),
  scores: toggleScores,
  copy: (_, hit) => copy(hit.text, "Passage"),
  path: (_, hit) => copy(hit.path, "Path"),
};

list.addEventListener("click", (event) => {
  const article = event.target.closest(".hit");
  if (!article) return;
  const number = [...articles()].indexOf(article);
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act) {
    choose(number, false);
    ACTS[act](article, hits[number]);
  } else if (event.target.closest("a")) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(number);
  } else if (!String(getSelection())) choose(number);
});
list.addEventListener("focusin", (event) => {
  const number = [...articles()].indexOf(event.target.closest(".hit"));
  if (number !== current) choose(number, false);
});
list.addEventListener("dblclick", (event) => {
  if (event.target.closest(".name")) event.preventDefault();
});

byId("further").addEventListener("click", async () => {
  const before = hits.length;
  typingEnds();
  state = { ...state, k: String(Math.min(MOST, Number(state.k) + 10)) };
  history.replaceState(history.state, "", address(state));
  await search();
  if (hits.length > before) choose(before);
});

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  typingEnds();
  search();
});
box.addEventListener("input", typed);
box.addEventListener("blur", typingEnds);
watchFilters((focused) => {
  const open_ = { open: "" };
  typingEnds();
  state = { ...state, ...open_, ...readFilters(state), k: "10" };
  panel.close();
  history.pushState(null, "", address(state));
  showFilters(state, status.roots(), focused);
  search();
}, () => pose(widened({ ...state, mode: "hybrid" })));

byId("name").addEventListener("click", (event) => {
  event.preventDefault();
  pose(fromAddress(""));
});
byId("panel-close").addEventListener("click", () => close());
byId("panel-more").addEventListener("click", panel.more);
byId("panel-copy").addEventListener("click", () => copyOpened("text", "Passage"));
byId("panel-copy-path").addEventListener("click", () => copyOpened("path", "Path"));
byId("keys-button").addEventListener("click", () => byId("keys").showModal());
matchMedia("(min-width: 64rem)").addEventListener("change", panel.arrange);

function copyOpened(what, word) {
  const passage = panel.opened();
  if (passage) copy(passage[what], word);
  else toast("Nothing to copy yet");
}

// -- keys ------------------------------------------------------------------------------------------

const ANYWHERE = {
  "/": () => (close_quietly(), box.focus(), box.select()),
  "?": () => byId("keys").showModal(),
  j: () => move(1),
  k: () => move(-1),
};
const ON_HIT = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Home: () => choose(0),
  End: () => choose(hits.length - 1),
  Enter: () => open(current),
  Escape: () => (panel.opened() ? close() : (choose(-1), box.focus(), box.select())),
  m: () => articles()[current]?.toggleMore(),
  s: () => toggleScores(articles()[current]),
  c: () => copy(hits[current].text, "Passage"),
  p: () => copy(hits[current].path, "Path"),
};
const IN_PANEL = {
  Escape: () => close(),
  m: () => panel.more(),
  c: () => copyOpened("text", "Passage"),
  p: () => copyOpened("path", "Path"),
};
const IN_BOX = {
  ArrowDown: () => choose(0),
  Escape: () => (panel.opened() ? close() : clearBox()),
  "?": () => box.value === "" && byId("keys").showModal(),
};

function close_quietly() {
  if (panel.opened() && !panel.isWide()) close();
}

function clearBox() {
  if (!box.value) return;
  box.value = "";
  typed();
  search();
}

function keysFor(target) {
  if (target === box) return IN_BOX;
  if (target.matches?.("input, select, textarea")) return {};
  if (byId("panel").contains(target)) return { ...ANYWHERE, ...IN_PANEL };
  const onButton = target.closest?.("button, a, summary");
  if (list.contains(target)) {
    if (!onButton) return { ...ANYWHERE, ...ON_HIT };
    const { Enter, ...rest } = ON_HIT;
    return { ...ANYWHERE, ...rest };
  }
  return { ...ANYWHERE, ArrowDown: onButton ? undefined : () => choose(0), Escape: () => panel.opened() && close() };
}

addEventListener("keydown", (event) => {
  if (event.isComposing || byId("keys").open) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    ANYWHERE["/"]();
    return;
  }
  if (event.key === "Escape" && byId("status").open) {
    byId("status").open = false;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = keysFor(event.target);
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (act && act() !== false) event.preventDefault();
});
addEventListener("click", (event) => {
  if (!byId("status").contains(event.target)) byId("status").open = false;
});

// -- beginning -------------------------------------------------------------------------------------

takeToken();
fillIn();
restart();
setInterval(() => document.hidden || refreshStatus(), 30_000);
