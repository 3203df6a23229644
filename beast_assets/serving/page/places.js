// Where a passage stands, in words, and how its file is best shown.

const PROSE = /\.(?:md|markdown|rst|txt|text|html?|xhtml|pdf|docx?|pptx?|odt|epub|eml|mbox|org|adoc|tex)$/i;
const FLOWING = /\.(?:html?|xhtml|pdf|docx?|pptx?|odt|epub|eml|mbox)$/i;

/** Sentences, whose line breaks mean little in a snippet. */
export const isProse = (path) => PROSE.test(path);
/** Text that was taken out of a document: it has no columns to keep. */
export const isFlowing = (path) => FLOWING.test(path);

/** Folder and name of a path below its root, the root by its last name where that is enough. */
export function split(path, roots) {
  const root = roots.filter((one) => path.startsWith(one.replace(/\/$/, "") + "/")).sort((a, b) => b.length - a.length)[0];
  const last = (one) => one.split("/").filter(Boolean).pop();
  const unique = root && roots.filter((one) => last(one) === last(root)).length === 1;
  const shown = unique && last(root) ? last(root) + path.slice(root.replace(/\/$/, "").length) : path;
  const at = shown.lastIndexOf("/") + 1;
  return [shown.slice(0, at), shown.slice(at)];
}

/** `page 3, lines 4–9`. */
export function where({ place, line_start: first, line_end: last }) {
  const lines = first === last ? `line ${first}` : `lines ${first}–${last}`;
  return [place, lines].filter(Boolean).join(", ");
}

/** `3 minutes ago` of an ISO date, its `T` perhaps a space. */
export function ago(moment) {
  const seconds = (Date.parse(moment.replace(" ", "T")) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return "";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
  const units = [["year", 31536000], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const unit = units.find(([, size]) => Math.abs(seconds) >= size);
  return unit ? words.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
}

/** `1 passage`, `1,204 passages`. */
export const counted = (count, word) => `${Number(count).toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
