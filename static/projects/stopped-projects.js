// @ts-check
/** The projects of this machine: reading them, and starting one that does not run. */
import { catchApiError, get, post } from "../kit/api.js";
import { attr, h } from "../kit/dom.js";
import { hourMinute } from "../kit/format.js";
import { toast } from "../kit/toast.js";

/**
 * @typedef {{key: string, name: string, folder: string, branch: string | null, opened_at: number, running: boolean,
 *   own: boolean, url: string | null, run: import("../state.js").RunState | null, problem: string | null}} Project
 */

/** Names of this machine for itself. */
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Where a project's page is for this browser; null where only the server's machine reaches it. @param {string | null} url */
export function pageOf(url) {
  if (url === null || url.startsWith("/")) return url;
  if (!LOOPBACK.has(location.hostname)) return null;
  const page = new URL(url);
  // Cookies belong to a name: the one that the operator is known by here.
  if (page.hostname !== "[::1]" && location.hostname !== "[::1]") page.hostname = location.hostname;
  return page.href;
}

/** @returns {Promise<Project[] | null>} null where they cannot be read */
export async function readProjects() {
  const answer = await catchApiError(get("/api/projects"));
  return answer ? answer.projects : null;
}

/** Starts a project and opens its page. @param {Project} project @param {HTMLElement} button */
async function start({ key, name }, button) {
  if (button.getAttribute("aria-disabled")) return;
  attr(button, "aria-disabled", "true");
  const request = post("/api/projects/start", { key }).finally(() => attr(button, "aria-disabled", null));
  const answer = await catchApiError(
    request,
    (error) => void toast(`${name} was not started: ${error.message}`, "bad"),
  );
  if (!answer) return;
  const page = pageOf(answer.url);
  if (page) location.assign(page);
  else toast(`${name} was started. This browser does not reach it: open it on its machine.`);
}

/** A project that does not run: when it was opened last, and the button that starts it. @param {Project} first */
export function createStopped(first) {
  const button = h("button", { type: "button", class: "button small", "data-verb": true, text: "Start" });
  attr(button, "aria-label", `Start the runner of ${first.name}`);
  button.addEventListener("click", () => start(first, button));
  const when = h("span", { class: "project-state", text: `Not running, last opened ${hourMinute(first.opened_at)}` });
  const name = h("span", { class: "project-name", dir: "auto", text: first.name });
  const folder = h("span", { class: "project-folder", dir: "auto", text: first.folder });
  return { el: h("li", { class: "project-item" }, h("div", {}, name, when, folder), button), update() {} };
}
