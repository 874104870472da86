// @ts-check
/** What failed or waits, beside the chart: each is a button that chooses the command. */
import { resultWith } from "../kit/command-result.js";
import { byId, h, icon, list, show, text } from "../kit/dom.js";
import { hourMinute, plural, shortCommand, shortKey } from "../kit/format.js";
import { isProblem, outcomeOf, reasonOf } from "./outcome.js";

/** @typedef {import("../shell/command-list.js").Command} Command */

/** Most entries of the list; the table has all. */
const MOST = 40;

export class ProblemList {
  #list;

  /** @param {(id: number) => void} choose */
  constructor(choose) {
    this.#list = list(
      byId("chart-problems"),
      (/** @type {Command} */ command) => command.command_id,
      (command) => createProblem(command.command_id, choose),
    );
  }

  /** @param {Iterable<Command>} commands in order of start @param {readonly string[]} waits stories without a worker yet */
  show(commands, waits) {
    const all = [...commands].filter(isProblem).reverse();
    const counts = { failed: 0, waiting: 0 };
    for (const command of all) counts[outcomeOf(command) === "failed" ? "failed" : "waiting"] += 1;
    const words = [counts.failed && `${counts.failed} failed or blocked`, counts.waiting && `${counts.waiting} waited`];
    const none = waits.length ? "Nothing failed" : "Nothing failed and nothing waited";
    text(byId("chart-problems-title"), words.filter(Boolean).join(", ") || none);
    const wait = waits.length > 1 ? "wait" : "waits";
    text(byId("chart-waits"), `${waits.map(shortKey).join(", ")} ${wait} for a place on a worker.`);
    show(byId("chart-waits"), waits.length > 0);
    this.#list.render(all.slice(0, MOST));
    const rest = all.length - MOST;
    text(byId("chart-problems-more"), rest > 0 ? `and ${plural(rest, "older one")}, in the table` : "");
    show(byId("chart-problems-more"), rest > 0);
  }
}

/** @param {number} id @param {(id: number) => void} choose */
function createProblem(id, choose) {
  const mark = h("span", { class: "problem-mark" });
  const name = h("b");
  const at = h("span", { class: "problem-at" });
  const why = h("span", { class: "problem-why", dir: "auto" });
  const on = { click: () => choose(id) };
  const button = h("button", { type: "button", class: "problem", on }, mark, name, at, why);
  return {
    el: h("li", {}, button),
    /** @param {Command} command */
    update(command) {
      const { glyph, words } = resultWith(command);
      button.dataset.result = outcomeOf(command);
      mark.replaceChildren(...(glyph ? [icon(glyph)] : []));
      const story = command.story_keys.map(shortKey).join(", ");
      text(name, [story, shortCommand(command.command)].filter(Boolean).join(" "));
      text(at, hourMinute(command.started_at));
      text(why, [words, reasonOf(command)].filter(Boolean).join(": "));
    },
  };
}
