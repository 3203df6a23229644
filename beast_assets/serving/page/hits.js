// One hit of the list.

import { isProse, split, where } from "./places.js";
import { element, excerpt, flowing, matches, nameNodes, textNodes, visible } from "./text.js";

const size = () => (matchMedia("(max-width: 40rem)").matches ? 240 : 340);

/** The list item of a hit. */
export function hitItem(hit, { number, total, look, roots, link }) {
  const id = `hit-${number}`;
  const name = element("h2", { class: "name", id }, nameLink(hit, roots, link(hit)));
  const body = element(isProse(hit.path) ? "p" : "pre", { class: "snippet", dir: "auto" });
  const more = button("more", "more", { class: "plain more", "aria-expanded": "false" });
  const article = element(
    "article",
    { class: "hit", tabindex: "-1", "aria-labelledby": id, "aria-posinset": number + 1, "aria-setsize": total },
    element("header", {}, name, element("p", { class: "where" }, ...about(hit))),
    body,
    tools(hit),
    scores(hit),
  );
  fill(article, body, more, hit, look);
  return element("li", {}, article);
}

function nameLink(hit, roots, link) {
  const [folder, name] = split(hit.path, roots);
  return element(
    "a",
    { href: link, tabindex: "-1", title: visible(hit.path).slice(0, 1000) },
    element("bdi", { class: "folder" }, ...nameNodes(folder, 90)),
    element("bdi", { class: "file" }, ...nameNodes(name, 120)),
  );
}

function about(hit) {
  const parts = [element("bdi", {}, ...nameNodes(where(hit), 160))];
  if (hit.stale) {
    const title = "What is shown is the indexed text: `beast index` brings it up to date";
    parts.push(element("span", { class: "stale", title }, "changed since"));
  }
  if (hit.copies) parts.push(element("span", { class: "copies" }, `${hit.copies} more nearly the same`));
  return parts;
}

const button = (act, label, more = {}) =>
  element("button", { type: "button", class: "plain", tabindex: "-1", "data-act": act, ...more }, label);

function tools(hit) {
  return element(
    "p",
    { class: "tools" },
    button("scores", `Score ${number(hit.score)}`, { "aria-expanded": "false" }),
    button("copy", "Copy"),
    button("path", "Copy path"),
  );
}

const number = (value) => Number(value).toLocaleString("en", { maximumSignificantDigits: 3 });

const NAMES = { vector: "meaning", text: "words", rerank: "cross-encoder" };

function scores({ scores: parts }) {
  const lines = Object.keys(NAMES).filter((name) => name in parts);
  const line = (name) => {
    const rank = parts[`${name}_rank`];
    const value = number(parts[name]) + (rank ? `, rank ${rank}` : "");
    return element("div", {}, element("dt", {}, NAMES[name]), element("dd", {}, value));
  };
  return element("dl", { class: "scores", hidden: true }, ...lines.map(line));
}

// The snippet now, and the whole text when more is asked for.
function fill(article, body, more, hit, look) {
  const code = body.tagName === "PRE";
  const found = matches(hit.text, look);
  const length = hit.text.length;
  const best = excerpt(hit.text, found, size(), code);
  const show = (start, end) => {
    const text = code ? hit.text : flowing(hit.text, !article.classList.contains("whole"));
    const inside = found.filter((one) => one[0] >= start && one[1] <= end);
    const ranges = inside.map((one) => [one[0] - start, one[1] - start]);
    const cut = (is) => (is ? [element("span", { class: "cut" }, "… ")] : []);
    const nodes = textNodes(text.slice(start, end), ranges);
    const focused = more === document.activeElement;
    body.replaceChildren(...cut(start > 0), ...nodes, ...cut(end < length), ...(trimmed ? [" ", more] : []));
    if (focused) more.focus();
  };
  const trimmed = best[1] - best[0] < length;
  show(...best);
  article.toggleMore = () => {
    if (!trimmed) return;
    const open = article.classList.toggle("whole");
    more.textContent = open ? "less" : "more";
    more.setAttribute("aria-expanded", String(open));
    show(...(open ? [0, length] : best));
  };
}

/** Show or hide what a hit's score is made of. */
export function toggleScores(article) {
  const list = article.querySelector(".scores");
  list.hidden = !list.hidden;
  article.querySelector("[data-act=scores]").setAttribute("aria-expanded", String(!list.hidden));
}
