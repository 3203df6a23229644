// What stands in files and names is text, whatever it says: all of it becomes text nodes here.

// In passages: what reorders, hides or controls. Joiners stay, emoji and some scripts need them.
const IN_TEXT =
  /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u00ad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;
// In names: everything that is not seen, and every space but the usual one.
const IN_NAMES = /[\p{C}\u2028\u2029]|(?! )\p{Zs}/gu;
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const WORDS = /[\p{L}\p{N}\p{M}]+/gu;
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const COMMON = new Set(
  ("a an and are as at be but by can do does for from has have how i if in into is it its my no not of on " +
    "or so than that the their then there these they this to was we what when where which who why will with you")
    .split(" "),
);

/** An element with attributes and children; children that are strings become text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function escaped(character) {
  const code = character.codePointAt(0);
  const digits = code.toString(16);
  if (SHORT[character]) return SHORT[character];
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}

/** A name as one line of visible characters. */
export const visible = (name) => name.replace(IN_NAMES, escaped);

function plain(text, unseen) {
  const made = [];
  let at = 0;
  for (const { 0: character, index } of text.matchAll(unseen)) {
    if (index > at) made.push(text.slice(at, index));
    made.push(element("span", { class: "unseen-character" }, escaped(character)));
    at = index + character.length;
  }
  if (at < text.length) made.push(text.slice(at));
  return made;
}

/** A name's nodes: shortened in the middle, its invisible characters written out. */
export function nameNodes(name, longest = 200) {
  const characters = name.length > longest ? Array.from(name) : [];
  if (characters.length <= longest) return plain(name, IN_NAMES);
  const half = Math.floor(longest / 2);
  const [start, end] = [characters.slice(0, half).join(""), characters.slice(-half).join("")];
  return [...plain(start, IN_NAMES), element("span", { class: "cut" }, "…"), ...plain(end, IN_NAMES)];
}

/** A passage's nodes, with the ranges `[start, end, …]` of it marked. */
export function textNodes(text, ranges = []) {
  const made = [];
  let at = 0;
  for (const [start, end] of ranges) {
    made.push(...plain(text.slice(at, start), IN_TEXT));
    made.push(element("mark", {}, ...plain(text.slice(start, end), IN_TEXT)));
    at = end;
  }
  made.push(...plain(text.slice(at), IN_TEXT));
  return made;
}

// -- words -----------------------------------------------------------------------------------------

const folded = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Forms of one English word get the same stem nearly always; others keep most of themselves. */
export function stem(word) {
  const low = folded(word);
  const cut = low
    .replace(/(?<=.{3})(?:i(?:es|ed|er)|y)$/, "i")
    .replace(/(?<=.{3})(?:ings?|e[dr]?s?|(?<!s)s|ly|ions?|ments?)$/, "");
  return cut.replace(/e$/, "").replace(/([^aeiou\d])\1$/, "$1");
}

/** What to look for: stems of the question's words, and runs of scripts without spaces. */
export function wanted(question) {
  const words = question.match(WORDS) ?? [];
  const telling = words.filter((word) => !COMMON.has(word.toLowerCase()));
  const used = telling.length ? telling : words;
  const last = question.match(/[\p{L}\p{N}\p{M}]{3,}$/u);
  return {
    stems: new Set(used.filter((word) => !UNSPACED.test(word)).map(stem)),
    runs: used.filter((word) => UNSPACED.test(word)).map((word) => word.toLowerCase()),
    begun: last && telling.includes(last[0]) ? folded(last[0]) : "",
  };
}

/** Ranges `[start, end, what]` of the text that a question asks for, in order. */
export function matches(text, { stems, runs, begun }) {
  const found = [];
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    const own = stem(word);
    if (stems.has(own)) found.push([index, index + word.length, own]);
    else if (begun && folded(word).startsWith(begun)) found.push([index, index + word.length, begun]);
    else if (UNSPACED.test(word)) found.push(...runsIn(word, index, runs));
  }
  return found;
}

function runsIn(word, offset, runs) {
  const low = word.toLowerCase();
  const found = [];
  for (let at = 0; at < low.length; ) {
    const run = runs.find((one) => low.startsWith(one, at));
    if (run) found.push([offset + at, offset + at + run.length, run]);
    at += run ? run.length : 1;
  }
  return found;
}

// -- snippets --------------------------------------------------------------------------------------

// Lines that stand by themselves: headings, rows of tables, fences, items, what is set in.
const OWN_LINE = /^(?: {4}|\t|\s*(?:[|>]|#{1,6}\s|[=~`*-]{3}|[*+-]\s|\d{1,3}[.)]\s|$))/;
const ITEM = /^\s*(?:[*+-]|\d{1,3}[.)])\s/;
const RULE = /^[\s|:]*-{3}[\s|:-]*$/;

/** Sentences without the breaks of their lines, each character at its place; `tight`: no blank lines. */
export function flowing(text, tight) {
  const lines = text.split("\n").map((line) => (tight && RULE.test(line) ? " ".repeat(line.length) : line));
  const alone = standing(lines);
  const breaks = (at) => alone[at + 1] || (alone[at] && !ITEM.test(lines[at]));
  const joined = lines.map((line, at) => (at === lines.length - 1 ? line : line + (breaks(at) ? "\n" : " ")));
  return tight ? joined.join("").replace(/\n(?=[^\S\n]*\n)/g, " ") : joined.join("");
}

function standing(lines) {
  let fenced = false;
  return lines.map((line) => {
    const fence = /^\s*(?:```|~~~)/.test(line);
    fenced = fence ? !fenced : fenced;
    return fence || fenced || OWN_LINE.test(line);
  });
}

/** Where to look into a text: `[start, end]` of about so many characters with most of the matches. */
export function excerpt(text, found, size, lines = false) {
  if (text.length <= size * 1.25) return [0, text.length];
  const start = beginning(text, bestStart(found, size), lines);
  return [start, ending(text, Math.min(text.length, start + size), lines)];
}

function bestStart(found, size) {
  let best = [0, 0];
  const starts = [0, ...found.map(([start]) => Math.max(0, start - size / 6))];
  for (const start of starts) {
    const within = found.filter(([one, end]) => one >= start && end <= start + size);
    const worth = new Set(within.map((match) => match[2])).size + within.length / 100;
    if (worth > best[0]) best = [worth, Math.floor(start)];
  }
  return best[1];
}

function beginning(text, start, lines) {
  if (!start) return 0;
  const before = text.slice(Math.max(0, start - 60), start);
  const stop = lines ? /.*\n/s : /.*(?:[.!?:]["')\]]?\s|\n\s*\n)/s;
  const whole = before.match(stop) ?? before.match(/.*\s/s);
  return whole ? Math.max(0, start - 60) + whole[0].length : unpaired(text, start);
}

function ending(text, end, lines) {
  if (end >= text.length) return text.length;
  const after = text.slice(end, end + 60);
  const whole = after.match(lines ? /^.*?(?=\n)/ : /^[^\s]*?[.!?](?=\s)|^\S*(?=\s)/);
  return whole ? end + whole[0].length : unpaired(text, end);
}

// Never in the middle of a pair of surrogates.
const unpaired = (text, at) => (/[\udc00-\udfff]/.test(text[at] ?? "") ? at - 1 : at);
