// @ts-check
/** The parts of a card that only some stories have: each is made when it is first needed, since a board may have many. */
import { attr, h, icon, setIcon, show, text } from "../kit/dom.js";
import { shortCommand, stopwatch } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {import("../state.js").Operation} Operation */
/** @typedef {{el: HTMLElement, update: (value: any) => void, tick?: (now: number) => void}} View */

/** The mark of each tone, for people who do not see colours. */
const MARKS = { good: "check", info: "clock", warn: "alert", bad: "cross" };

/** From top to bottom. @type {Record<string, () => View>} */
const PARTS = {
  raw: createRaw,
  tasks: createTasks,
  evidence: createEvidence,
  drift: createDrift,
  live: createLive,
  note: createNote,
};
const RANKS = Object.keys(PARTS);

export class CardParts {
  el = h("div", { class: "card-parts" });
  /** @type {Map<string, View>} */ #views = new Map();

  /** Shows a part with its value; null hides it. @param {string} name @param {unknown} value */
  show(name, value) {
    const known = this.#views.get(name);
    if (known) show(known.el, value !== null);
    if (value !== null) (known ?? this.#add(name)).update(value);
  }

  /** @param {number} now */
  tick(now) {
    this.#views.get("live")?.tick?.(now);
  }

  /** @param {string} name @returns {View} */
  #add(name) {
    const view = PARTS[name]();
    this.#views.set(name, view);
    const next = RANKS.slice(RANKS.indexOf(name) + 1).find((later) => this.#views.has(later));
    this.el.insertBefore(view.el, next ? (this.#views.get(next)?.el ?? null) : null);
    return view;
  }
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
  const words = h("span", { dir: "auto" });
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

/** The story file and the status file disagree. */
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
  const words = h("span", { dir: "auto" });
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
  const machine = h("span", { class: "badge machine" });
  const el = h("p", { class: "card-live" }, h("span", { class: "spin" }), what, aside, machine, time);
  /** @type {Operation | null} */
  let running = null;
  const live = {
    el,
    /** @param {Operation} operation */
    update(operation) {
      running = operation;
      show(aside, operation.background);
      text(what, shortCommand(operation.command));
      text(machine, `on ${operation.machine}`);
      show(machine, operation.machine !== null);
      live.tick(serverNow());
    },
    /** @param {number} now */
    tick(now) {
      if (running) text(time, stopwatch(now - running.started_at));
    },
  };
  return live;
}
