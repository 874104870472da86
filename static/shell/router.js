// @ts-check
/** Which tab is open and what is open in it: kept in the URL's hash (`#board?story=1-2-login`) and remembered. */
import { readStored, writeStored } from "../kit/storage.js";

/** @typedef {{tab: string, params: URLSearchParams}} Route */

/** @param {string} hash @param {readonly string[]} tabs @param {string} otherwise @returns {Route} */
export function parse(hash, tabs, otherwise) {
  const [name, query = ""] = hash.replace(/^#/, "").split("?", 2);
  return { tab: tabs.includes(name) ? name : otherwise, params: new URLSearchParams(query) };
}

/** @param {string} tab @param {Record<string, string>} params empty ones are left out */
export function toHash(tab, params = {}) {
  const kept = Object.entries(params).filter(([, value]) => value);
  return `#${tab}${kept.length ? `?${new URLSearchParams(kept)}` : ""}`;
}

/**
 * @param {readonly string[]} tabs the first one is where the page begins
 * @param {(route: Route) => void} onChange
 */
export function createRouter(tabs, onChange) {
  const read = () => parse(location.hash, tabs, readStored("tab", tabs[0]));

  let current = read();

  function changed() {
    current = read();
    writeStored("tab", current.tab);
    onChange(current);
  }

  addEventListener("hashchange", changed);
  return {
    get current() {
      return current;
    },
    start: changed,
    /** @param {string} tab @param {Record<string, string>} [params] */
    go(tab, params = {}) {
      location.hash = toHash(tab, params);
    },
    /**
     * The same without a step in the browser's history, for filters.
     * @param {string} tab
     * @param {Record<string, string>} params
     */
    replace(tab, params) {
      history.replaceState(null, "", toHash(tab, params));
    },
  };
}
