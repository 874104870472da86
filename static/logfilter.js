// @ts-check
/** What the log shows: story, command, level and a search; the choices grow with what the log has seen. */
import { byId, h } from "./dom.js";
import { shortCommand, shortKey } from "./format.js";
import { baseOf } from "./lines.js";
import { recall, remember } from "./memory.js";

/** @typedef {import("./lines.js").Filter} Filter */
/** @typedef {import("./line.js").Line} Line */

/** A search begins this long after the last key, in ms. */
const TYPING_MS = 120;

/** @param {(filter: Filter) => void} onChange */
export function createFilter(onChange) {
  const query = /** @type {HTMLInputElement} */ (byId("log-query"));
  const level = /** @type {HTMLSelectElement} */ (byId("log-level"));
  const story = createChoice("log-story", shortKey);
  const command = createChoice("log-command", shortCommand);
  let timer = 0;

  /** @returns {Filter} */
  function value() {
    return { story: story.value, command: command.value, level: Number(level.value), query: query.value.trim().toLowerCase() };
  }

  function changed() {
    remember("log-level", level.value);
    onChange(value());
  }

  level.value = recall("log-level", "0");
  if (!level.value) level.value = "0";
  for (const el of [level, story.el, command.el]) el.addEventListener("change", changed);
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(changed, TYPING_MS);
  });
  if (level.value !== "0") queueMicrotask(changed);

  return {
    /** @param {readonly Line[]} lines */
    learn(lines) {
      for (const line of lines) {
        if (line.story) story.learn(line.story);
        if (line.command) command.learn(baseOf(line.command));
      }
    },
    value,
    focus: () => query.focus(),
  };
}

/** A select whose options are added as they are met, in order. @param {string} id @param {(value: string) => string} words */
function createChoice(id, words) {
  const el = /** @type {HTMLSelectElement} */ (byId(id));
  const known = new Set();
  return {
    el,
    get value() {
      return el.value;
    },
    /** @param {string} value */
    learn(value) {
      if (known.has(value)) return;
      known.add(value);
      const before = [...el.options].slice(1).find((option) => option.value.localeCompare(value, "en", { numeric: true }) > 0);
      el.insertBefore(h("option", { value, text: words(value) }), before ?? null);
    },
  };
}
