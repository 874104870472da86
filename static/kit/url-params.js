// @ts-check
/** The parameters of the open tab in the address, changed without a step in the history. */

/** @returns {URLSearchParams} */
export function urlParams() {
  return new URLSearchParams(location.hash.split("?", 2)[1] ?? "");
}

/**
 * Sets parameters of the open tab; null and "" remove one, the others stay.
 * @param {Record<string, string | null>} change
 */
export function setUrlParams(change) {
  const params = urlParams();
  for (const [name, value] of Object.entries(change)) {
    if (value) params.set(name, value);
    else params.delete(name);
  }
  const [tab] = location.hash.split("?", 1);
  const query = params.toString();
  const hash = `${tab || "#run"}${query ? `?${query}` : ""}`;
  if (hash !== location.hash) history.replaceState(history.state, "", hash);
}

/** A wholeNumber number of the address, or null. @param {string | null} text @param {number} [least] */
export function wholeNumber(text, least = 1) {
  return text !== null && /^\d{1,15}$/.test(text) && Number(text) >= least ? Number(text) : null;
}
