// The server's answers, and the token that it may ask for.

const KEPT = "beast-token";
let inMemory = "";

/** An answer that is none; status 0: the server was not reached. */
export class Refused extends Error {
  constructor(status, message, again = 0, data = null) {
    super(message);
    this.status = status;
    this.again = again; // seconds after which to ask again
    this.data = data; // what was answered all the same
  }
}

/** Keep a token for as long as this tab is open. */
export function keepToken(token) {
  inMemory = token;
  try {
    sessionStorage.setItem(KEPT, token);
  } catch {
    // Storage may be forbidden: then it lasts until the page is left.
  }
}

function token() {
  try {
    return sessionStorage.getItem(KEPT) || inMemory;
  } catch {
    return inMemory;
  }
}

/** Take a token from `#token=…`, and the fragment out of the address and the history. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return false;
  keepToken(given);
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

/** An answer as plain data; what is not 2xx is `Refused`. */
export async function ask(path, parameters, signal) {
  const query = parameters ? `?${parameters}` : "";
  const own = token();
  const headers = own ? { Authorization: `Bearer ${own}` } : {};
  let response, said;
  try {
    response = await fetch(path + query, { headers, signal, cache: "no-store" });
    said = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer.");
  }
  return read(response, said);
}

function read(response, said) {
  let data = null;
  try {
    data = JSON.parse(said);
  } catch {
    // Something between us and the server answered in its own words.
  }
  if (response.ok && data) return data;
  const again = Number(response.headers.get("Retry-After")) || 0;
  const message = data?.error || `The server answered ${response.status} ${response.statusText}.`;
  throw new Refused(response.status, message, again, data);
}
