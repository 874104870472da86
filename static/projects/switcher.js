// @ts-check
/** The switcher: the name of the project opens a list of all projects of this machine, each one press away. */
import { basePath } from "../kit/base-path.js";
import { attr, byId, h, list, show, style, text } from "../kit/dom.js";
import { money } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { attentionItems } from "../run/attention-items.js";
import { headline } from "../run/run-text.js";
import { NO_PLAN } from "../shell/plan.js";
import { createStopped, pageOf, readProjects } from "./stopped-projects.js";

/** @typedef {import("./stopped-projects.js").Project} Project */

/** Distance from the edge of the window, in px. */
const EDGE = 8;

export function createSwitcher() {
  const button = byId("project-name");
  const menu = byId("projects");
  const items = list(byId("projects-list"), (/** @type {Project} */ one) => `${one.key} ${one.running}`, createProject);
  show(byId("projects-all"), basePath !== "");

  async function read() {
    const projects = await readProjects();
    show(byId("projects-wrong"), projects === null);
    if (projects) items.render(projects);
  }

  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    place(menu, button);
    void read();
  });
}

/** Puts the menu below the name, inside of the window. @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const left = Math.max(EDGE, Math.min(at.left, innerWidth - menu.offsetWidth - EDGE));
  style(menu, "left", `${left}px`);
  style(menu, "top", `${at.bottom + EDGE}px`);
}

/** @param {Project} first */
function createProject(first) {
  return first.running ? createRunning(first) : createStopped(first);
}

/** @param {Project} first */
function createRunning(first) {
  const name = h("span", { class: "project-name", dir: "auto", text: first.name });
  const needs = h("span", { class: "project-needs" });
  const cost = h("span", { class: "project-cost" });
  const state = h("span", { class: "project-state", dir: "auto" });
  const folder = h("span", { class: "project-folder", dir: "auto", text: first.folder });
  // Behind another server every project is one of others, also the one that is shown.
  const own = basePath === "" ? first.own : first.url === `${basePath}/`;
  const href = own ? `${basePath}/` : pageOf(first.url);
  const row = h(href ? "a" : "div", href ? { href } : {}, name, needs, state, cost, folder);
  attr(row, "aria-current", own ? "true" : null);
  return {
    el: h("li", { class: "project-item" }, row),
    /** @param {Project} project */
    update({ run, problem }) {
      const count = run ? needsOf(run) : 0;
      show(needs, count > 0);
      text(needs, count > 1 ? `Needs you (${count})` : "Needs you");
      text(state, run ? headline(run, run.plan, serverNow()).text : (problem ?? ""));
      text(cost, run ? `${money(run.limits.today_usd)} today` : "");
    },
  };
}

/** @param {import("../state.js").RunState} run */
function needsOf(run) {
  const model = { run, plan: NO_PLAN, link: { lost: false }, replaying: false };
  const items = attentionItems(/** @type {import("../shell/model.js").Model} */ (/** @type {unknown} */ (model)), 0);
  return items.filter(({ item }) => item.kind !== "waiting").length;
}
