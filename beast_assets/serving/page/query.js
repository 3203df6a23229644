// What is asked: it stands in the address, so that a search can be kept, sent and gone back to.

const SEVERAL = ["path", "ext", "root", "content"];
const DEFAULTS = { q: "", mode: "hybrid", after: "", before: "", per_file: "0", k: "10", copies: "", rerank: "", open: "" };
const MODES = ["hybrid", "vector", "text"];

/** The state that an address holds. */
export function fromAddress(search = location.search) {
  const given = new URLSearchParams(search);
  const state = {};
  for (const [name, usual] of Object.entries(DEFAULTS)) state[name] = given.get(name) ?? usual;
  for (const name of SEVERAL) state[name] = given.getAll(name).filter(Boolean);
  if (!MODES.includes(state.mode)) state.mode = DEFAULTS.mode;
  return state;
}

/** Name and value of everything that is not as usual. */
export function parameters(state) {
  const made = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (state[name] && state[name] !== usual) made.set(name, state[name]);
  }
  for (const name of SEVERAL) state[name].forEach((value) => made.append(name, value));
  return made;
}

/** The address of a state, relative to the page. */
export function address(state) {
  const text = parameters(state).toString();
  return location.pathname + (text ? `?${text}` : "");
}

/** What is asked of `/api/search`. */
export function question(state) {
  const made = parameters(state);
  made.delete("open");
  return made;
}

/** How many filters are set; the mode is none. */
export function narrowed(state) {
  const one = ["after", "before", "per_file", "copies", "rerank"];
  const single = one.filter((name) => state[name] && state[name] !== DEFAULTS[name]);
  return single.length + SEVERAL.filter((name) => state[name].length).length;
}

/** The same question without filters. */
export const widened = (state) => ({ ...fromAddress(""), q: state.q, mode: state.mode });
