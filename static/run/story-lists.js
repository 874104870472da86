// @ts-check
/** The stories of this cycle and this batch with their commands as commands, and what comes next. */
import { attr, byId, fill, h, icon, list, setIcon, show, text } from "../kit/dom.js";
import { money, shortCommand, shortKey, statusText } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";
import { titleOf } from "../shell/plan.js";
import { NextList } from "./next-list.js";
import { listed } from "./run-text.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */
/**
 * @typedef {{key: string, title: string, status: string, reason: string | null, cost: number, estimated: number,
 *   commands: Command[]}} Row
 */

/** @type {Command[]} */
const NONE = [];

/** @returns {import("./run.js").Part} */
export function createStoryLists() {
  return new StoryLists();
}

class StoryLists {
  #cycle = list(byId("cycle-stories"), keyOf, createStory);
  #batch = list(byId("batch-stories"), keyOf, createStory);
  #next = new NextList();
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];

  /** @param {Model} model */
  render(model) {
    const { run, plan, commands, ready } = model;
    this.#next.render(model);
    const inputs = [run.stories, run.cycles, plan, commands, run.state, ready];
    if (inputs.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = inputs;
    const rows = rowsOf(model);
    const inCycle = new Set(run.cycles.flatMap((cycle) => cycle.story_keys));
    this.#cycle.render(rows.filter((row) => inCycle.has(row.key)));
    this.#batch.render(rows.filter((row) => !inCycle.has(row.key)));
    show(byId("cycle-section"), inCycle.size > 0);
    text(byId("cycle-title"), cycleTitle(run.cycles));
    renderBatchText(model, rows.length - inCycle.size);
  }
}

/** @param {readonly {number: number}[]} cycles */
function cycleTitle(cycles) {
  const numbers = listed(cycles.map((cycle) => cycle.number));
  return cycles.length > 1 ? `These cycles (${numbers}, side by side)` : `This cycle (${numbers})`;
}

/** @param {Row} row */
function keyOf(row) {
  return row.key;
}

/** @param {Model} model @returns {Row[]} */
function rowsOf({ run, plan, commands }) {
  /** @type {Map<string, Command[]>} */
  const byStory = new Map();
  for (const command of commands.values()) {
    for (const key of command.story_keys) byStory.set(key, [...(byStory.get(key) ?? NONE), command]);
  }
  return run.stories
    .filter((story) => story.story_key)
    .map((story) => ({
      key: story.story_key,
      title: titleOf(plan, story.story_key),
      reason: story.reason,
      cost: story.cost_usd,
      estimated: story.estimated_usd,
      status: story.status ?? plan.byKey.get(story.story_key)?.status ?? "",
      commands: byStory.get(story.story_key) ?? NONE,
    }));
}

/** @param {Model} model @param {number} others stories of the batch outside the cycle */
function renderBatchText({ run, ready }, others) {
  text(byId("batch-title"), run.cycle ? "Earlier in this batch" : run.state === "idle" ? "Last batch" : "This batch");
  const empty = byId("batch-empty");
  show(empty, others <= 0);
  text(empty, !ready ? "" : run.batch ? "No other story yet." : "No batch has run yet.");
}

/** @param {string} key @param {HTMLElement} title */
function opener(key, title) {
  return h(
    "a",
    { class: "story-open", href: `#run?story=${encodeURIComponent(key)}` },
    h("span", { class: "key", text: shortKey(key), title: key }),
    title,
  );
}

/** @param {Row} row */
function createStory(row) {
  const glyph = icon("backlog");
  const title = h("span", { class: "title" });
  const status = h("span", { class: "story-status" });
  const cost = h("span", { class: "story-cost" });
  const reason = h("p", { class: "story-reason" });
  const commands = h("ul", { class: "command-chips", "aria-label": "Commands" });
  const head = h("div", { class: "story-head" }, glyph, opener(row.key, title), status, cost);
  const el = h("li", { class: "story", "data-key": row.key }, head, reason, commands);
  const chips = list(commands, (/** @type {Command} */ command) => command.command_id, createChip);
  return {
    el,
    /** @param {Row} now */
    update(now) {
      attr(el, "data-status", now.status || "backlog");
      setIcon(glyph, now.status || "backlog");
      text(title, now.title);
      text(status, now.status ? statusText(now.status) : "");
      text(cost, now.cost ? money(now.cost, now.estimated) : "");
      text(reason, now.reason && now.status === "blocked" ? now.reason : "");
      show(reason, Boolean(reason.textContent));
      chips.render(now.commands);
    },
  };
}

/** A command of a story in one line: its result, name and verdict. @param {Command} command */
function createChip({ command, background }) {
  const mark = h("span", { class: "command-mark" });
  const verdict = h("span", { class: "verdict" });
  const words = h("span", { class: "unseen" });
  const name = h("span", { text: shortCommand(command) });
  const el = h("li", { class: "command-chip", "data-background": background }, mark, name, verdict, words);
  let drawn = "";
  return {
    el,
    /** @param {Command} next */
    update(next) {
      const { result, glyph } = resultOf(next.status);
      if (drawn !== next.status) fill(mark, glyph ? icon(glyph) : h("span", { class: "spin" }));
      drawn = next.status;
      attr(el, "data-result", result);
      text(verdict, result === "failed" ? next.status : next.verdict);
      text(words, chipText(next));
      attr(el, "title", chipTitle(next));
    },
  };
}

/** @param {Command} command */
function chipText({ status, background, attempt }) {
  const facts = [resultOf(status).words, background && "in the background", attempt > 1 && `attempt ${attempt}`];
  return facts.filter(Boolean).join(", ");
}

/** @param {Command} command */
function chipTitle({ status, attempt, reason, cost_usd: cost }) {
  const facts = [resultOf(status).words, attempt > 1 && `attempt ${attempt}`, reason, cost === null ? "" : money(cost)];
  return facts.filter(Boolean).join(" · ");
}
