// @ts-check
/** What the page remembers between visits, in localStorage. Every read has a default; a refusal loses nothing else. */

const PREFIX = "sprint-runner.";

/** @param {string} name @param {string} otherwise @returns {string} */
export function readStored(name, otherwise) {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
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
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or refused: the choice holds for this visit only.
  }
}
