// @ts-check
/** The batch at a glance: its facts, the ways to look back at it, and those of its stories that are not worked on now. */
import { attr, byId, h, icon, list, setIcon, show, text } from "../kit/dom.js";
import { money, plural, shortKey, statusText } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { titleOf } from "../shell/plan.js";
import { toHash } from "../shell/router.js";
import { createStepList } from "./step-list.js";
import { blockedStories, marked, stepsOf } from "./steps.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/command-list.js").Command} Command */
/**
 * @typedef {{key: string, title: string, status: string, reason: string | null, cost: number, estimated: number,
 *   commands: Command[], shown: readonly number[], model: Model}} Row
 */

/** Stories that are listed, the newest of them; the History has them all. */
const STORIES_MOST = 30;

/**
 * @param {import("./output.js").Output} output
 * @param {(batch: number) => unknown} replay
 * @returns {import("./run.js").Part}
 */
export function createBatchStories(output, replay) {
  return new BatchStories(output, replay);
}

class BatchStories {
  #output;
  #rows;
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];
  /** @type {Model | null} */ #model = null;

  /** @param {import("./output.js").Output} output @param {(batch: number) => unknown} replay */
  constructor(output, replay) {
    this.#output = output;
    this.#rows = list(byId("batch-stories"), keyOf, (row) => createStory(row, (command) => output.choose(command)));
    byId("batch-replay").addEventListener("click", () => this.#model?.run.batch && replay(this.#model.run.batch.id));
    output.onShown(() => this.#model && this.render(this.#model));
  }

  /** @param {Model} model */
  render(model) {
    this.#model = model;
    const { run, plan, commands, ready, replaying } = model;
    const inputs = [
      run.stories,
      run.cycles,
      plan,
      commands,
      run.state,
      run.batch,
      ready,
      replaying,
      this.#output.shown,
    ];
    if (inputs.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = inputs;
    const inLane = new Set(run.cycles.flatMap((cycle) => cycle.story_keys));
    const rows = rowsOf(model, this.#output.shown).filter((row) => !inLane.has(row.key));
    this.#rows.render(rows.slice(-STORIES_MOST));
    const more = rows.length - STORIES_MOST;
    show(byId("batch-more"), more > 0);
    text(byId("batch-more"), more > 0 ? `and ${plural(more, "earlier story", "earlier stories")}, in the History` : "");
    renderHead(model);
  }
}

/** @param {Model} model */
function renderHead({ run, ready, replaying }) {
  const { batch, state } = run;
  show(byId("batch"), ready && batch !== null);
  if (!batch) return;
  const over = state === "idle";
  text(byId("batch-title"), over ? "Last batch" : "This batch");
  show(byId("batch-verbs"), !replaying && (over || state === "paused"));
  show(byId("batch-replay"), over);
  attr(byId("batch-replay"), "aria-label", `Replay batch ${batch.id}`);
  attr(byId("brief-link"), "href", toHash("run", { brief: String(batch.id) }));
  attr(byId("batch-timeline"), "href", toHash("timeline", { batch: String(batch.id) }));
  attr(byId("batch-timeline"), "aria-label", `Timeline of batch ${batch.id}`);
}

/** @param {Row} row */
function keyOf(row) {
  return row.key;
}

/** @param {Model} model @param {readonly number[]} shown @returns {Row[]} */
function rowsOf(model, shown) {
  const { run, plan, commands } = model;
  /** @type {Map<string, Command[]>} */
  const byStory = new Map();
  for (const command of marked([...commands.values()], run))
    for (const key of command.story_keys) byStory.set(key, [...(byStory.get(key) ?? []), command]);
  return run.stories
    .filter((story) => story.story_key)
    .map((story) => ({
      key: story.story_key,
      title: titleOf(plan, story.story_key),
      reason: story.reason,
      cost: story.cost_usd,
      estimated: story.estimated_usd,
      status: story.status ?? plan.byKey.get(story.story_key)?.status ?? "",
      commands: byStory.get(story.story_key) ?? [],
      shown,
      model,
    }));
}

/** A story that opens to its steps. @param {Row} row @param {(command: number) => void} open */
function createStory(row, open) {
  const glyph = icon("backlog");
  const title = h("span", { class: "title", dir: "auto" });
  const status = h("span", { class: "story-status" });
  const cost = h("span", { class: "story-cost" });
  const reason = h("p", { class: "story-reason" });
  const name = h("span", { class: "key", text: shortKey(row.key), title: row.key });
  const summary = h("summary", { class: "story-head" }, glyph, name, title, status, cost);
  const way = (/** @type {string} */ words, /** @type {Record<string, string>} */ params) =>
    h("a", { class: "story-more", href: toHash("run", { story: row.key, ...params }), text: words });
  const changes = way("Changes", { dossier: "changes" });
  const revert = way("Revert…", { dossier: "changes", form: "revert" });
  attr(revert, "data-verb", true);
  const more = h("p", { class: "story-ways" }, way("Open the story", {}), changes, revert);
  const rows = h("ol", { class: "steps", "aria-label": `Steps of ${shortKey(row.key)}` });
  const el = h("li", { class: "story", "data-key": row.key }, h("details", {}, summary, reason, rows, more));
  const steps = createStepList(rows, open);
  return {
    el,
    /** @param {Row} now */
    update(now) {
      attr(el, "data-status", now.status || "backlog");
      setIcon(glyph, now.status || "backlog");
      text(title, now.title);
      text(status, now.status && now.status !== "done" ? statusText(now.status) : "");
      text(cost, now.cost ? money(now.cost, now.estimated) : "");
      show(changes, now.commands.length > 0);
      show(revert, now.status === "done" && now.commands.length > 0);
      text(reason, now.reason && now.status === "blocked" ? now.reason : "");
      show(reason, Boolean(reason.textContent));
      const isShown = (/** @type {Command | null} */ runs) => runs !== null && now.shown.includes(runs.command_id);
      steps.render(
        stepsOf(now.commands, []).map((step) => ({
          ...step,
          several: false,
          live: null,
          shown: isShown(step.runs),
          blocked: blockedStories(step, now.model).filter((key) => key === now.key),
        })),
      );
      for (const step of steps.views()) step.tick(serverNow());
    },
  };
}
