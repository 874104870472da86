// @ts-check
/**
 * Where the page's server is: at the top of its address, or below `/r/ID` where another server passes requests on to it.
 * The one place that knows; modules write `/api/…`.
 */

/** The path of a runner in an address. */
const RUNNER = /^\/r\/[A-Za-z0-9.-]+(?=\/)/;
/** What belongs to the server that the browser is connected to, not to the one that it passes requests on to. */
const TOP = "/api/projects";

/** "" at the top, else "/r/ID". */
export const basePath = runnerPath(globalThis.location?.pathname ?? "");

/** The path of the runner that an address belongs to; "" for none. @param {string} path */
export function runnerPath(path) {
  return RUNNER.exec(path)?.[0] ?? "";
}

/** Where a path of the interface is. @param {string} path @param {string} [base] @returns {string} */
export function address(path, base = basePath) {
  return path.startsWith("/api/") && !path.startsWith(TOP) ? base + path : path;
}
