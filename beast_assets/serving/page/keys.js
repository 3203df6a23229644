// Keys: what is pressed where.

import * as list from "./list.js";

const byId = (id) => document.getElementById(id);

/** Listen; `acts` has a function for each name below. */
export function listen(acts) {
  const anywhere = {
    "/": acts.toBox,
    "?": acts.help,
    j: acts.next,
    k: acts.previous,
    ArrowDown: acts.next,
    ArrowUp: acts.previous,
    Escape: acts.close,
  };
  const hit = {
    ...anywhere,
    Home: acts.first,
    End: acts.last,
    Enter: acts.open,
    Escape: acts.back,
    m: list.toggleMore,
    s: list.toggleScore,
    c: acts.copy,
    p: acts.copyPath,
  };
  const { ArrowDown: _, ArrowUp: __, ...rest } = anywhere; // they scroll the panel
  const panel = { ...rest, m: acts.moreContext, c: acts.copy, p: acts.copyPath };
  const box = { ArrowDown: acts.next, Escape: acts.clear };
  const emptyBox = { ...box, "?": acts.help };

  const keysAt = (target) => {
    if (target === byId("box")) return target.value ? box : emptyBox;
    if (target.matches?.("input, select, textarea")) return { Escape: acts.close };
    if (byId("panel").contains(target)) return panel;
    const keys = list.holds(target) ? hit : anywhere;
    if (!target.closest?.("button, a, summary")) return keys;
    const { Enter: ___, ...own } = keys; // a button's own
    return own;
  };

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || byId("keys").open) return;
    const held = event.ctrlKey || event.metaKey || event.altKey;
    const toBox = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    const keys = held ? {} : keysAt(event.target);
    const act = toBox ? acts.toBox : Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
