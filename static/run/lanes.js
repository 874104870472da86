// @ts-check
/** What runs now, at the left of the Run tab: for each group of stories its steps, each of which opens its output. */
import { attr, byId, fill, h, icon, list, setIcon, show, text } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { titleOf } from "../shell/plan.js";
import { createStepList } from "./step-list.js";
import { StepOutline } from "./step-outline.js";
import { blockedStories, lanesOf } from "./steps.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./steps.js").Lane} Lane */
/** @typedef {{lane: Lane, model: Model, shown: readonly number[]}} LaneRow */

/** @param {import("./output.js").Output} output @returns {import("./run.js").Part} */
export function createLanes(output) {
  return new Lanes(output);
}

class Lanes {
  #output;
  #outline = new StepOutline(() => this.#again());
  /** @type {Model | null} */ #model = null;
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];
  #now = 0;
  #rows = list(
    byId("lanes"),
    (/** @type {LaneRow} */ row) => row.lane.id,
    () => new LaneSection((command) => this.#output.choose(command)),
  );

  /** @param {import("./output.js").Output} output */
  constructor(output) {
    this.#output = output;
    output.onShown(() => this.#again());
  }

  /** @param {Model} model @param {number} now */
  render(model, now) {
    this.#model = model;
    this.#outline.follow(model);
    const { run, commands, plan, replaying } = model;
    const upcoming = replaying ? [] : this.#outline.cycles;
    const inputs = [run.cycles, run.state, run.operations, run.attention, commands, plan, upcoming, this.#output.shown];
    if (inputs.every((value, index) => value === this.#drawn[index])) return;
    this.#drawn = inputs;
    const lanes = lanesOf(run, commands, upcoming);
    this.#rows.render(lanes.map((lane) => ({ lane, model, shown: this.#output.shown })));
    show(byId("lanes"), lanes.length > 0);
    this.#now = now;
    this.tick(model, now);
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    this.#now = now;
    for (const row of this.#rows.views()) row.tick(now);
  }

  #again() {
    if (this.#model) this.render(this.#model, this.#now);
  }
}

class LaneSection {
  #title = h("h2");
  #place = h("p", { class: "lane-place" });
  #stories = h("ul", { class: "lane-stories" });
  #list = h("ol", { class: "steps" });
  #steps;
  #names = list(this.#stories, (/** @type {LaneStory} */ story) => story.key, createLaneStory);
  el = h(
    "section",
    { class: "lane" },
    h("div", { class: "lane-head" }, this.#title, this.#stories, this.#place),
    this.#list,
  );

  /** @param {(command: number) => void} open */
  constructor(open) {
    this.#steps = createStepList(this.#list, open);
  }

  /** @param {LaneRow} row */
  update({ lane, model, shown }) {
    const { run, plan } = model;
    text(this.#title, lane.title);
    show(this.#title, lane.title !== "");
    text(this.#place, lane.place);
    show(this.#place, lane.place !== "");
    const status = (/** @type {string} */ key) =>
      run.stories.find((story) => story.story_key === key)?.status ?? plan.byKey.get(key)?.status ?? "backlog";
    this.#names.render(lane.keys.map((key) => ({ key, title: titleOf(plan, key), status: status(key) })));
    const several = lane.keys.length > 1;
    const live = new Map(run.operations.map((operation) => [String(operation.command_id), operation]));
    const asks = new Set(run.attention.filter(({ kind }) => kind === "question").map((item) => item.command_id));
    const rows = lane.steps.map((step) => ({
      ...step,
      glyph: step.runs && step.runs.ended_at !== null && asks.has(step.runs.command_id) ? "ask" : step.glyph,
      several: several && step.keys.length < lane.keys.length,
      shown: step.runs !== null && shown.includes(step.runs.command_id),
      live: live.get(step.id) ?? null,
      blocked: blockedStories(step, model),
    }));
    this.#steps.render(rows);
    attr(this.#list, "aria-label", `Steps of ${lane.keys.map(shortKey).join(" and ") || "the project"}`);
  }

  /** @param {number} now */
  tick(now) {
    for (const step of this.#steps.views()) step.tick(now);
  }
}

/** @typedef {{key: string, title: string, status: string}} LaneStory */

/** @param {LaneStory} first */
function createLaneStory({ key }) {
  const glyph = icon("backlog");
  const title = h("span", { class: "title", dir: "auto" });
  const status = h("span", { class: "unseen" });
  const open = h("a", { class: "story-open", href: `#run?story=${encodeURIComponent(key)}` });
  fill(open, h("span", { class: "key", text: shortKey(key), title: key }), title, status);
  const el = h("li", { "data-key": key }, glyph, open);
  return {
    el,
    /** @param {LaneStory} now */
    update(now) {
      attr(el, "data-status", now.status);
      setIcon(glyph, now.status);
      text(title, now.title);
      attr(title, "title", now.title);
      text(status, `, ${statusText(now.status)}`);
    },
  };
}
