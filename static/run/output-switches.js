// @ts-check
/** The switch between the commands that run at once, and back to all of them side by side. */
import { attr, byId, h, list, show, text } from "../kit/dom.js";
import { shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { RUNNER } from "../shell/command-list.js";

/** @typedef {import("../state.js").Operation} Operation */
/** @typedef {{operation: Operation, pressed: boolean}} Switch */

export class OutputSwitches {
  #root = byId("output-lanes");
  #rows = h("div", { class: "switches" });
  #all = h("button", { type: "button", class: "switch", id: "output-all", text: "Side by side" });
  #list;

  /** @param {{follow: (operation: Operation) => void, showAll: () => void}} actions */
  constructor({ follow, showAll }) {
    this.#list = list(
      this.#rows,
      (/** @type {Switch} */ row) => row.operation.command_id,
      (row) => createSwitch(row, follow),
    );
    this.#all.addEventListener("click", showAll);
    this.#root.append(this.#all, this.#rows);
  }

  /**
   * @param {readonly Operation[]} operations that run now
   * @param {number | null} shown the command whose output is shown
   * @param {{sideBySide: boolean, canBe: boolean}} columns whether all are shown, or can be
   */
  render(operations, shown, { sideBySide, canBe }) {
    const own = operations.filter((operation) => operation.agent !== RUNNER);
    const rows = own.length > 1 && !sideBySide ? own : [];
    show(this.#all, canBe && !sideBySide);
    show(this.#root, rows.length > 0 || (canBe && !sideBySide));
    this.#list.render(rows.map((operation) => ({ operation, pressed: operation.command_id === shown })));
  }

  /** @param {number} now */
  tick(now) {
    for (const row of this.#list.views()) row.tick(now);
  }
}

/** @param {Switch} first @param {(operation: Operation) => void} follow */
function createSwitch({ operation }, follow) {
  const { command, story_keys: keys, background } = operation;
  const time = h("time", {});
  const words = [shortCommand(command), keys.filter(Boolean).map(shortKey).join(", ")].filter(Boolean).join(" ");
  const note = background && h("span", { class: "soft", text: "in the background" });
  const el = h("button", { type: "button", class: "switch" }, h("span", { class: "spin" }), words, note, time);
  el.addEventListener("click", () => follow(operation));
  return {
    el,
    /** @param {Switch} now */
    update({ pressed }) {
      attr(el, "aria-pressed", String(pressed));
    },
    /** @param {number} now */
    tick(now) {
      text(time, stopwatch(now - operation.started_at));
    },
  };
}
