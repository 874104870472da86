// @ts-check
/** A story's card on the Board: what it is, how far it is, and what runs on it now. */
import { attr, h, icon, show, text } from "./dom.js";
import { shortCommand, shortKey, stopwatch } from "./format.js";

/** @typedef {import("./plan.js").PlanStory} PlanStory */
/** @typedef {import("./state.js").Operation} Operation */
/** @typedef {{story: PlanStory, operation: Operation | null}} Card */

/** @param {Card} first @param {(key: string) => void} openStory */
export function createCard({ story: first }, openStory) {
  const key = h("span", { class: "key", text: shortKey(first.key), title: first.key });
  const open = h("button", { type: "button", class: "card-open", on: { click: () => openStory(first.key) } });
  const words = h("p", { class: "card-text" });
  const [tasks, drift, live] = [createTasks(), createDrift(), createLive()];
  const el = h("li", { class: "card", "data-key": first.key }, h("p", { class: "card-head" }, key), open, words, tasks.el, drift.el, live.el);
  open.disabled = first.status === "other";
  return {
    el,
    tick: live.tick,
    /** @param {Card} next */
    update({ story, operation }) {
      text(open, story.title || story.key);
      text(words, story.description);
      tasks.update(story);
      drift.update(story);
      live.update(operation);
      attr(el, "data-live", operation && (operation.background ? "background" : "now"));
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
