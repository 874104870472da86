// @ts-check
/** Keyboard shortcuts: single keys, only outside fields, and only while the operator wants them. */
import { byId, h } from "../kit/dom.js";
import { readStored, writeStored } from "../kit/storage.js";

/**
 * @typedef {{keys: string, words: string, run?: () => void}} Shortcut keys as pressed: "?", "g r"; without `run`,
 *   another part of the page answers to them
 */

/** How long the second key of a pair may take, in ms. */
const PAIR_MS = 1200;

/** @param {Shortcut[]} shortcuts */
export function createShortcuts(shortcuts) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys-dialog"));
  const wanted = /** @type {HTMLInputElement} */ (byId("keys-on"));
  const help = { keys: "?", words: "Show these shortcuts", run: () => dialog.showModal() };
  const all = [help, ...shortcuts];
  let first = "";
  let firstAt = 0;

  byId("keys-list").append(
    ...all.flatMap(({ keys, words }) => [
      h("dt", {}, ...keys.split(" ").map((key) => h("kbd", { text: key === "Space" ? "Space" : key }))),
      h("dd", { text: words }),
    ]),
  );
  byId("help").addEventListener("click", help.run);
  wanted.checked = readStored("keys", "on") === "on";
  wanted.addEventListener("change", () => writeStored("keys", wanted.checked ? "on" : "off"));

  addEventListener("keydown", (event) => {
    if (!wanted.checked || event.defaultPrevented || isTaken(event)) return;
    const key = event.key === " " ? "Space" : event.key;
    const pair = first && event.timeStamp - firstAt < PAIR_MS ? `${first} ${key}` : "";
    const found = all.find((shortcut) => shortcut.keys === pair) ?? all.find((shortcut) => shortcut.keys === key);
    first = key;
    firstAt = event.timeStamp;
    if (!found?.run) return;
    event.preventDefault();
    found.run();
  });
  return { open: help.run };
}

/**
 * Whether the key belongs to something else: a field, a control, a dialog, the browser.
 * @param {KeyboardEvent} event
 */
function isTaken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (!target) return false;
  if (target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea")) return true;
  return event.key === " " && target.matches("button, a, input, [tabindex]:not(main)");
}
