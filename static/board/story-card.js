// @ts-check
/** A story's card on the Board: what it is, how far it is, what its status rests on, and what runs on it now. */
import { attr, h, icon, setIcon, show, text } from "../kit/dom.js";
import { shortCommand, shortKey, statusWords, stopwatch } from "../kit/format.js";
import { openMenu } from "./status-menu.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../state.js").Operation} Operation */
/** @typedef {{story: PlanStory, operation: Operation | null, movable: boolean, past: boolean}} Card */

/** The mark of each tone; colour alone says nothing to everybody. */
const MARKS = { good: "check", calm: "clock", hold: "alert", bad: "cross" };

/** @param {Card} first @param {(key: string) => void} openStory */
export function createCard({ story: first }, openStory) {
  let now = first;
  const key = h("span", { class: "key", text: shortKey(first.key), title: first.key });
  const open = h("button", {
    type: "button",
    class: "card-open",
    tabindex: "-1",
    on: { click: () => openStory(first.key) },
  });
  const change = h("button", {
    type: "button",
    class: "card-move",
    tabindex: "-1",
    "aria-haspopup": "menu",
    title: "Change the status (m)",
    on: { click: () => openMenu(change, now) },
  });
  change.append(h("span", { "aria-hidden": "true", text: "⋯" }));
  const words = h("p", { class: "card-text" });
  const el = h(
    "li",
    { class: "card", "data-key": first.key },
    h("p", { class: "card-head" }, key),
    open,
    change,
    words,
  );
  const [raw, tasks, standing, drift, live] = PARTS.map((create, rank) => createPart(el, rank, create));
  open.disabled = first.status === "other";
  return {
    el,
    /** @param {number} at */
    tick: (at) => live.view?.tick?.(at),
    /** @param {Card} next */
    update({ story, operation, movable, past }) {
      now = story;
      text(open, story.title || story.key);
      text(words, story.description);
      raw.show(story.status === "unknown" ? story : null);
      tasks.show(story.tasks?.total ? story : null);
      standing.show(past ? null : (story.standing ?? null));
      drift.show(story.drift ? story : null);
      live.show(operation);
      show(change, movable);
      attr(change, "aria-label", `Change the status of ${shortKey(story.key)}, now ${statusWords(story.status)}`);
      attr(el, "draggable", movable ? "true" : null);
      attr(el, "data-live", operation && (operation.background ? "background" : "now"));
    },
  };
}

/** @typedef {{el: HTMLElement, update: (value: any) => void, tick?: (now: number) => void}} View */
/** What only some cards have, from top to bottom: made when it is first needed, for a board may have many cards. */
const PARTS = [createRaw, createTasks, createStanding, createDrift, createLive];

/** @param {HTMLElement} card @param {number} rank its place among the parts @param {() => View} create */
function createPart(card, rank, create) {
  const part = {
    /** @type {View | null} */
    view: null,
    /** @param {unknown} value null hides it */
    show(value) {
      if (part.view) show(part.view.el, value !== null);
      if (value === null) return;
      part.view ??= attach();
      part.view.update(value);
    },
  };

  function attach() {
    const view = create();
    view.el.dataset.rank = String(rank);
    const below = [...card.children].find((el) => el instanceof HTMLElement && Number(el.dataset.rank) > rank);
    card.insertBefore(view.el, below ?? null);
    return view;
  }

  return part;
}

/** The word of a status that nobody knows the meaning of. */
function createRaw() {
  const el = h("p", { class: "card-raw" });
  return {
    el,
    /** @param {PlanStory} story */
    update(story) {
      text(el, `The status “${story.raw_status}” is not known${story.line ? ` (line ${story.line})` : ""}: never run.`);
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
      if (!tasks) return;
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
    /** @param {import("../shell/plan.js").Standing} standing */
    update(standing) {
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
      if (drift) text(words, `The story file says ${drift.file_status}`);
    },
  };
}

function createLive() {
  const [what, time, aside] = [
    h("span", { class: "what" }),
    h("time"),
    h("span", { class: "badge", text: "background" }),
  ];
  const el = h("p", { class: "card-live" }, h("span", { class: "spin" }), what, aside, time);
  /** @type {Operation | null} */
  let running = null;
  const live = {
    el,
    /** @param {Operation} operation */
    update(operation) {
      running = operation;
      show(aside, operation.background);
      text(what, shortCommand(operation.command));
      live.tick(Date.now());
    },
    /** @param {number} now */
    tick(now) {
      if (running) text(time, stopwatch(now - running.started_at));
    },
  };
  return live;
}
