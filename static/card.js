// @ts-check
/** A story's card on the Board: what it is, how far it is, what its status rests on, and what runs on it now. */
import { attr, h, icon, setIcon, show, text } from "./dom.js";
import { shortCommand, shortKey, statusWords, stopwatch } from "./format.js";
import { openMenu } from "./menu.js";

/** @typedef {import("./plan.js").PlanStory} PlanStory */
/** @typedef {import("./state.js").Operation} Operation */
/** @typedef {{story: PlanStory, operation: Operation | null, movable: boolean, past: boolean}} Card */

/** The mark of each tone; colour alone says nothing to everybody. */
const MARKS = { good: "check", calm: "clock", hold: "alert", bad: "cross" };

/** @param {Card} first @param {(key: string) => void} openStory */
export function createCard({ story: first }, openStory) {
  let now = first;
  const key = h("span", { class: "key", text: shortKey(first.key), title: first.key });
  const open = h("button", { type: "button", class: "card-open", tabindex: "-1", on: { click: () => openStory(first.key) } });
  const change = h("button", { type: "button", class: "card-move", tabindex: "-1", "aria-haspopup": "menu", title: "Change the status (m)", on: { click: () => openMenu(change, now) } });
  change.append(h("span", { "aria-hidden": "true", text: "⋯" }));
  const words = h("p", { class: "card-text" });
  const [raw, tasks, drift, standing, live] = [createRaw(), createTasks(), createDrift(), createStanding(), createLive()];
  const el = h("li", { class: "card", "data-key": first.key }, h("p", { class: "card-head" }, key), open, change, words, raw.el, tasks.el, standing.el, drift.el, live.el);
  open.disabled = first.status === "other";
  return {
    el,
    tick: live.tick,
    /** @param {Card} next */
    update({ story, operation, movable, past }) {
      now = story;
      text(open, story.title || story.key);
      text(words, story.description);
      raw.update(story);
      tasks.update(story);
      standing.update(past ? null : story.standing ?? null);
      drift.update(story);
      live.update(operation);
      show(change, movable);
      attr(change, "aria-label", `Change the status of ${shortKey(story.key)}, now ${statusWords(story.status)}`);
      attr(el, "draggable", movable ? "true" : null);
      attr(el, "data-live", operation && (operation.background ? "background" : "now"));
    },
  };
}

/** The word of a status that nobody knows the meaning of. */
function createRaw() {
  const el = h("p", { class: "card-raw" });
  return {
    el,
    /** @param {PlanStory} story */
    update(story) {
      show(el, story.status === "unknown");
      if (story.status === "unknown") text(el, `The status “${story.raw_status}” is not known${story.line ? ` (line ${story.line})` : ""}: never run.`);
    },
  };
}

function createTasks() {
  const bar = h("progress", { "aria-label": "Tasks done" });
  const words = h("span");
  const el = h("p", { class: "card-tasks" }, bar, words);
  return {
    el,
    /** @param {PlanStory} story */
    update({ tasks }) {
      show(el, Boolean(tasks?.total));
      if (!tasks?.total) return;
      attr(bar, "max", tasks.total);
      attr(bar, "value", tasks.done);
      text(words, `${tasks.done}/${tasks.total} tasks`);
    },
  };
}

/** What the status rests on: a card on Done whose agent failed says so. */
function createStanding() {
  const glyph = icon("check");
  const words = h("span");
  const el = h("p", { class: "standing" }, glyph, words);
  return {
    el,
    /** @param {import("./plan.js").Standing | null} standing */
    update(standing) {
      show(el, standing !== null);
      if (!standing) return;
      attr(el, "data-tone", standing.tone);
      setIcon(glyph, MARKS[standing.tone]);
      text(words, standing.words);
      attr(words, "title", standing.words);
    },
  };
}

/** The story file and the tracker disagree: said, never hidden. */
function createDrift() {
  const words = h("span");
  const el = h("p", { class: "drift" }, icon("drift"), words);
  return {
    el,
    /** @param {PlanStory} story */
    update({ drift }) {
      show(el, Boolean(drift));
      if (drift) text(words, `The story file says ${drift.file_status}`);
    },
  };
}

function createLive() {
  const [what, time, aside] = [h("span", { class: "what" }), h("time"), h("span", { class: "badge", text: "background" })];
  const el = h("p", { class: "card-live" }, h("span", { class: "spin" }), what, aside, time);
  /** @type {Operation | null} */
  let running = null;
  const live = {
    el,
    /** @param {Operation | null} operation */
    update(operation) {
      running = operation;
      show(el, operation !== null);
      show(aside, operation?.background ?? false);
      if (operation) text(what, shortCommand(operation.command));
      live.tick(Date.now());
    },
    /** @param {number} now */
    tick(now) {
      if (running) text(time, stopwatch(now - running.started_at));
    },
  };
  return live;
}
