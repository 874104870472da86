// @ts-check
/** How many lines a change adds and removes. */
import { h } from "../kit/dom.js";
import { count, plural } from "../kit/format.js";

/** `+12 −3`, with words for those who cannot see the colours. @param {number} added @param {number} removed */
export function createSize(added, removed) {
  return h(
    "span",
    { class: "size", role: "img", "aria-label": `${plural(added, "line")} added, ${plural(removed, "line")} removed` },
    h("ins", { "aria-hidden": "true", text: `+${count(added)}` }),
    " ",
    h("del", { "aria-hidden": "true", text: `−${count(removed)}` }),
  );
}
