// @ts-check
/** What the page remembers between visits, in localStorage. Every read has a default; a refusal loses nothing else. */

import { basePath } from "./base-path.js";

const PREFIX = "sprint-runner.";
/** Choices for every project that a server shows; all others belong to one of them. */
const SHARED = new Set(["theme", "notify"]);

/** @param {string} name */
function keyOf(name) {
  return PREFIX + (SHARED.has(name) ? "" : basePath) + name;
}

/** @param {string} name @param {string} otherwise @returns {string} */
export function readStored(name, otherwise) {
  try {
    return localStorage.getItem(keyOf(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * A remembered list of texts; empty where there is none or it cannot be read.
 * @param {string} name
 * @returns {string[]}
 */
export function readStoredList(name) {
  try {
    const value = JSON.parse(readStored(name, "[]"));
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return [];
  }
}

/** @param {string} name @param {string | null} value null forgets */
export function writeStored(name, value) {
  try {
    if (value === null) localStorage.removeItem(keyOf(name));
    else localStorage.setItem(keyOf(name), value);
  } catch {
    // Storage is full or refused: the choice holds for this visit only.
  }
}
