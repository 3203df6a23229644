// Copying, and saying so.

import { visible } from "./text.js";

let leaving = 0;

/** Say something in passing. */
export function toast(words) {
  const place = document.getElementById("toast");
  place.textContent = words;
  place.classList.add("shown");
  clearTimeout(leaving);
  leaving = setTimeout(() => place.classList.remove("shown"), 2200);
}

/** Copy a passage as it is, or a path so that pasting it can do no harm. */
export async function copy(text, word) {
  const safe = word === "Path" ? visible(text) : text;
  const done = (await byPermission(safe)) || bySelection(safe);
  const said = safe === text ? `${word} copied` : `${word} copied, its invisible characters written out`;
  toast(done ? said : `${word} not copied: the browser does not allow it`);
}

async function byPermission(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or not a secure context
  }
}

function bySelection(text) {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return done;
}
