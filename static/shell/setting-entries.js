// @ts-check
/** The settings for the palette, by their names and by what they do; read once, when the palette is first opened. */
import { catchApiError, get } from "../kit/api.js";

/** @typedef {import("./palette.js").Entry} Entry */
/** @typedef {{name: string, effect: string}} Setting */

/** @type {readonly Setting[]} */
let known = [];
let isRead = false;

export async function readSettings() {
  if (isRead) return;
  isRead = true;
  const all = await catchApiError(get("/api/settings"));
  if (all) known = all.settings;
  isRead = all !== null;
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
