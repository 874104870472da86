// @ts-check
/** What the log shows: story, command, level and a search, kept in the address; the choices grow with what is seen. */

import { byId, h } from "../kit/dom.js";
import { shortCommand, shortKey } from "../kit/format.js";
import { readStored, writeStored } from "../kit/storage.js";
import { setUrlParams } from "../kit/url-params.js";
import { baseOf } from "./log-buffer.js";

/** @typedef {import("./log-buffer.js").Filter} Filter */
/** @typedef {import("./log-line.js").Line} Line */

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
    return {
      story: story.value,
      command: command.value,
      level: Number(level.value),
      query: query.value.trim().toLowerCase(),
    };
  }

  /** The address has what is chosen, so that it can be shared and survives a reload. */
  function tell() {
    setUrlParams({
      q: query.value.trim(),
      level: level.value === "0" ? null : level.value,
      of: story.value,
      command: command.value,
    });
  }

  function changed() {
    writeStored("log-level", level.value);
    tell();
    onChange(value());
  }

  level.value = readStored("log-level", "0");
  if (!level.value) level.value = "0";
  for (const el of [level, story.el, command.el]) el.addEventListener("change", changed);
  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(changed, TYPING_MS);
  });
  if (level.value !== "0") queueMicrotask(() => onChange(value()));

  return {
    /** @param {readonly Line[]} lines */
    learn(lines) {
      for (const line of lines) {
        if (line.story) story.learn(line.story);
        if (line.command) command.learn(baseOf(line.command));
      }
    },
    value,
    /**
     * Takes over what the address says; where it says nothing, what is chosen stays.
     * @param {URLSearchParams} params
     */
    route(params) {
      if (!["q", "level", "of", "command"].some((name) => params.has(name))) return tell();
      query.value = params.get("q") ?? "";
      level.value = ["1", "2"].includes(params.get("level") ?? "") ? String(params.get("level")) : "0";
      story.choose(params.get("of") ?? "");
      command.choose(params.get("command") ?? "");
      onChange(value());
    },
    /** Shows everything again. */
    clear() {
      [query.value, level.value, story.el.value, command.el.value] = ["", "0", "", ""];
      changed();
    },
    focus: () => query.focus(),
  };
}

/**
 * A select whose options are added as they are met, in order.
 * @param {string} id
 * @param {(value: string) => string} words
 */
function createChoice(id, words) {
  const el = /** @type {HTMLSelectElement} */ (byId(id));
  const known = new Set();
  const choice = {
    el,
    get value() {
      return el.value;
    },
    /** @param {string} value */
    learn(value) {
      if (known.has(value)) return;
      known.add(value);
      const before = [...el.options]
        .slice(1)
        .find((option) => option.value.localeCompare(value, "en", { numeric: true }) > 0);
      el.insertBefore(h("option", { value, text: words(value) }), before ?? null);
    },
    /** @param {string} value "" for all */
    choose(value) {
      if (value) choice.learn(value);
      el.value = value;
    },
  };
  return choice;
}
