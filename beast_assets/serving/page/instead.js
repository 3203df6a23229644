// What stands in the list's place when there is none: nothing asked, nothing found, nothing reached.

import { narrowed } from "./query.js";
import { element } from "./text.js";

const place = document.getElementById("instead");
const kbd = (key) => element("kbd", {}, key);
const command = (words) => element("code", {}, words);

/** Leave the place empty. */
export const nothing = () => place.replaceChildren();

function show(title, ...children) {
  place.replaceChildren(element("h2", {}, title), ...children);
}

const EXAMPLES = ["what to do when it fails", "who decides, and by when", "TODO"];

/** Nothing is asked yet. */
export function welcome(search) {
  const examples = EXAMPLES.map((words) => {
    const button = element("button", { type: "button", class: "example" }, words);
    button.addEventListener("click", () => search(words));
    return element("li", {}, button);
  });
  show(
    "Find passages by what they say",
    element("p", {}, "Ask a question, name a thing, or paste a line you remember. For instance:"),
    element("ul", { class: "examples" }, ...examples),
    element("p", { class: "quiet keys" }, kbd("↓"), " ", kbd("↑"), " move, ", kbd("Enter"), " opens, ", kbd("c"), " copies, ", kbd("?"), " shows all keys"),
  );
}

/** Nothing was found. */
export function empty(state, widen) {
  const filters = narrowed(state);
  const advice = [];
  if (filters) {
    const button = element("button", { type: "button", class: "solid" }, "Search without filters");
    button.addEventListener("click", widen);
    advice.push(element("p", {}, button));
  } else if (state.mode === "text") {
    advice.push(element("p", {}, "Only passages with these very words were looked for: “Meaning” or “Both” look further."));
  } else {
    advice.push(element("p", {}, "No passage is indexed here. ", command("beast status"), " says what the index holds."));
  }
  show(filters ? "Nothing found with these filters" : "Nothing found", ...advice);
}

/** The server said no; its own words say what to do. */
export function failed(error, retry) {
  const again = element("button", { type: "button", class: "solid" }, "Try again");
  again.addEventListener("click", retry);
  const titles = { 400: "This cannot be asked", 429: "Too many questions at once", 503: "No answer from the index" };
  show(titles[error.status] ?? "Something went wrong", element("p", {}, ...withCommands(error.message)), element("p", {}, again));
}

/** There is no index. */
export function noIndex() {
  show(
    "Nothing is indexed yet",
    element("p", {}, "Name the folders that you want to search:"),
    element("pre", { class: "command" }, "beast index ~/notes ~/papers"),
    element("p", { class: "quiet" }, "This page sees it as soon as it is there."),
  );
}

/** The server cannot be reached. */
export function offline() {
  show(
    "The server does not answer",
    element("p", {}, "Is ", command("beast serve"), " still running? This page asks again every few seconds."),
  );
}

/** The server wants a token. */
export function tokenWanted(refused, keep) {
  const input = element("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const form = element("form", { class: "token" }, element("label", { for: "token" }, "Token"), input, element("button", { class: "solid" }, "Go on"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) keep(input.value.trim());
  });
  const words = refused ? "That was not the right one." : "The one that the server was started with. It is kept until this tab is closed.";
  show("This server asks for a token", element("p", {}, words), form);
  input.focus();
}

// What an error sets between backticks is a command.
function withCommands(text) {
  return text.split(/`([^`]*)`/).map((piece, at) => (at % 2 ? command(piece) : piece));
}
