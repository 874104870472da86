// @ts-check
/** What the page remembers between visits, in localStorage. Every read has a default; a refusal loses nothing else. */

const PREFIX = "sprint-runner.";

/** @param {string} name @param {string} otherwise @returns {string} */
export function recall(name, otherwise) {
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
export function recallList(name) {
  try {
    const value = JSON.parse(recall(name, "[]"));
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return [];
  }
}

/** @param {string} name @param {string | null} value null forgets */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or refused: the choice holds for this visit only.
  }
}
