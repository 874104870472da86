// @ts-check
/** The steps of a lane as a list: each with its result, time and cost; one that has begun opens its output. */
import { attr, fill, h, icon, list, show, text } from "../kit/dom.js";
import { money, shortCommand, shortKey, stopwatch } from "../kit/format.js";
import { StepRetry } from "../kit/retry-step.js";
import { RUNNER } from "../shell/command-list.js";
import { isDoubtful } from "./steps.js";

/** @typedef {import("./steps.js").Step} Step */
/** @typedef {import("../state.js").Operation} Operation */
/**
 * @typedef {Step & {shown: boolean, live: Operation | null, several: boolean, blocked: readonly string[]}} StepRow
 *   `shown`: its output is; `blocked`: the stories that can be tried again from it
 */

/**
 * @param {HTMLElement} root
 * @param {(command: number) => void} open shows the output of a command
 */
export function createStepList(root, open) {
  return list(
    root,
    (/** @type {StepRow} */ step) => step.id,
    (step) => new StepItem(step, open),
  );
}

class StepItem {
  el;
  #open;
  #mark = h("span", { class: "command-mark" });
  #name = h("b");
  #keys = h("span", { class: "key" });
  #note = h("span", { class: "step-note" });
  #words = h("span", { class: "unseen" });
  #cost = h("span", { class: "step-cost" });
  #time = h("time", { class: "step-time" });
  #line = h("span", { class: "step-line" });
  #retry;
  #drawn = "";
  /** @type {StepRow} */ #step;

  /** @param {StepRow} step @param {(command: number) => void} open */
  constructor(step, open) {
    this.#step = step;
    const name = h("span", { class: "step-name" }, this.#name, this.#keys, this.#note, this.#words);
    const parts = [this.#mark, name, this.#cost, this.#time, this.#line];
    const id = step.runs?.command_id;
    this.#open =
      id === undefined
        ? h("div", { class: "step-open" }, ...parts)
        : h("button", { type: "button", class: "step-open", on: { click: () => open(id) } }, ...parts);
    this.#retry = new StepRetry(step.command);
    this.el = h("li", { class: "step", "data-command": id ?? null }, this.#open, this.#retry.el);
  }

  /** @param {StepRow} step */
  update(step) {
    this.#step = step;
    const { result, glyph, live } = step;
    if (this.#drawn !== glyph + result)
      fill(this.#mark, result === "running" ? h("span", { class: "spin" }) : icon(glyph));
    this.#drawn = glyph + result;
    attr(this.el, "data-result", result);
    attr(this.el, "data-background", step.background);
    attr(this.el, "data-doubtful", isDoubtful(step));
    attr(this.#open, "aria-current", step.shown ? "true" : null);
    text(this.#name, shortCommand(step.command));
    text(this.#keys, step.several ? step.keys.map(shortKey).join(", ") : "");
    text(this.#note, noteOf(step));
    attr(this.#open, "title", [step.note, step.condition].filter(Boolean).join(" · ") || null);
    text(this.#words, wordsOf(step));
    text(this.#cost, costOf(step));
    text(this.#line, live?.message ?? "");
    show(this.#line, result === "running");
    this.#retry.update(step.blocked);
    const { runs } = step;
    if (!runs) text(this.#time, "");
    else if (runs.ended_at !== null) text(this.#time, stopwatch(runs.ended_at - runs.started_at));
  }

  /** The clock of one that runs. @param {number} now */
  tick(now) {
    const { runs } = this.#step;
    if (runs?.ended_at === null) text(this.#time, stopwatch(now - runs.started_at));
  }
}

/** @param {StepRow} step */
function noteOf(step) {
  const { attempt, note } = step;
  return [attempt > 1 ? `Attempt ${attempt}` : "", note, isDoubtful(step) ? "if needed" : ""]
    .filter(Boolean)
    .join(" · ");
}

/** What is not written out in a step, for screen readers. @param {StepRow} step */
function wordsOf({ words, background, condition }) {
  return ["", words, background && "in the background", condition].filter((part) => part !== false).join(", ");
}

/** What it has cost, or costs so far; nothing for a step to come. @param {StepRow} step */
function costOf({ runs, live }) {
  if (live) return live.metrics.cost_usd === undefined ? "" : money(live.metrics.cost_usd, live.metrics.estimated_usd);
  if (!runs || runs.ended_at === null || runs.agent === RUNNER) return "";
  return runs.cost_usd === null ? "" : money(runs.cost_usd, runs.estimated_usd);
}
