// @ts-check
/** The card of a story on the Board: its title, progress, the evidence of its status, and what runs on it now. */
import { attr, h, icon, setIcon, show, text } from "../kit/dom.js";
import { shortCommand, shortKey, statusText, stopwatch } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { openStatusMenu } from "./status-menu.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../state.js").Operation} Operation */
/**
 * @typedef {{story: PlanStory, operation: Operation | null, movable: boolean, replaying: boolean, note: string}} Card
 *   `note`: why it does not start, or where the run stops
 */

/** The mark of each tone, for people who do not see colours. */
const MARKS = { good: "check", info: "clock", warn: "alert", bad: "cross" };

export class StoryCard {
  el;
  #story;
  #open;
  #change;
  #description = h("p", { class: "card-text" });
  #parts;

  /** @param {Card} card @param {(key: string) => void} openStory */
  constructor({ story }, openStory) {
    const { key } = story;
    this.#story = story;
    const button = { type: "button", tabindex: "-1" };
    this.#open = h("button", { ...button, class: "card-open", on: { click: () => openStory(key) } });
    this.#open.disabled = story.status === "other";
    this.#change = h(
      "button",
      { ...button, class: "card-move", "aria-haspopup": "menu", title: "Change the status (m)" },
      h("span", { "aria-hidden": "true", text: "⋯" }),
    );
    this.#change.addEventListener("click", () => openStatusMenu(this.#change, this.#story));
    const head = h("p", { class: "card-head" }, h("span", { class: "key", text: shortKey(key), title: key }));
    this.el = h("li", { class: "card", "data-key": key }, head, this.#open, this.#change, this.#description);
    this.#parts = PARTS.map((create, rank) => createPart(this.el, rank, create));
  }

  /** @param {number} now */
  tick(now) {
    this.#parts[4].view?.tick?.(now);
  }

  /** @param {Card} card */
  update({ story, operation, movable, replaying, note: words }) {
    this.#story = story;
    text(this.#open, story.title || story.key);
    text(this.#description, story.description);
    const [raw, tasks, evidence, drift, live, note] = this.#parts;
    raw.show(story.status === "unknown" ? story : null);
    tasks.show(story.tasks?.total ? story : null);
    evidence.show(replaying ? null : (story.standing ?? null));
    drift.show(story.drift ? story : null);
    live.show(operation);
    note.show(words || null);
    show(this.#change, movable);
    const label = `Change the status of ${shortKey(story.key)}, now ${statusText(story.status)}`;
    attr(this.#change, "aria-label", label);
    attr(this.el, "draggable", movable ? "true" : null);
    attr(this.el, "data-live", operation && (operation.background ? "background" : "now"));
  }
}

/** @typedef {{el: HTMLElement, update: (value: any) => void, tick?: (now: number) => void}} View */
/** The optional parts of a card from top to bottom: created when first needed, because a board may have many cards. */
const PARTS = [createRaw, createTasks, createEvidence, createDrift, createLive, createNote];

/** @param {HTMLElement} card @param {number} rank among the parts @param {() => View} create */
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

/** The raw word of an unknown status. */
function createRaw() {
  const el = h("p", { class: "card-raw" });
  return {
    el,
    /** @param {PlanStory} story */
    update(story) {
      const line = story.line ? ` (line ${story.line})` : "";
      text(el, `The status “${story.raw_status}” is not known${line}: never run.`);
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

/** The evidence of the status: a card on Done whose agent failed shows that. */
function createEvidence() {
  const glyph = icon("check");
  const words = h("span");
  const el = h("p", { class: "standing" }, glyph, words);
  return {
    el,
    /** @param {import("../shell/plan.js").StatusEvidence} standing */
    update(standing) {
      attr(el, "data-tone", standing.tone);
      setIcon(glyph, MARKS[standing.tone]);
      text(words, standing.words);
      attr(words, "title", standing.words);
    },
  };
}

/** The story file and the tracker disagree. */
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

/** Why it does not start, or where the run will stop. */
function createNote() {
  const words = h("span");
  const el = h("p", { class: "card-note" }, icon("clock"), words);
  return {
    el,
    /** @param {string} note */
    update(note) {
      text(words, note);
      attr(words, "title", note);
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
      live.tick(serverNow());
    },
    /** @param {number} now */
    tick(now) {
      if (running) text(time, stopwatch(now - running.started_at));
    },
  };
  return live;
}
