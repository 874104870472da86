// @ts-check
/** The settings and the prompts for the palette, by their names; read once, when the palette is first opened. */
import { catchApiError, get } from "../kit/api.js";
import { isReader } from "../kit/role.js";

/** @typedef {import("./palette.js").Entry} Entry */
/** @typedef {{name: string, effect: string}} Setting */
/** @typedef {{command: string, used: boolean}} Prompt */

/** @type {readonly Setting[]} */
let known = [];
/** @type {readonly Prompt[]} */
let prompts = [];
let isRead = false;

/** @returns {Promise<boolean>} whether there are more entries now */
export async function readSettings() {
  if (isRead) return false;
  isRead = true;
  const [all, texts] = await Promise.all([catchApiError(get("/api/settings")), catchApiError(get("/api/prompts"))]);
  if (all) known = all.settings;
  if (texts) prompts = texts.prompts;
  isRead = all !== null && texts !== null;
  return isRead;
}

/** @param {(name: string) => void} open @returns {Entry[]} */
export function settingEntries(open) {
  return known.map(({ name, effect }) => ({
    group: "Setting",
    words: name.replaceAll("_", " "),
    detail: effect,
    also: `${name} ${effect} setting`,
    run: () => open(name),
  }));
}

/** The prompts of the workflow's commands. @param {(command: string) => void} open @returns {Entry[]} */
export function promptEntries(open) {
  return prompts
    .filter(({ used }) => used)
    .map(({ command }) => ({
      group: "Prompt",
      words: `${isReader ? "Prompt" : "Change the prompt"} of ${command}`,
      also: "template instructions edit own",
      run: () => open(command),
    }));
}
