// @ts-check
/**
 * The stories that run next, in the order in which the run takes them. A story is moved by dragging, by its buttons, with
 * Alt and an arrow key, or by the number of its new place.
 */
import { attr, byId, h, icon, list, setIcon, show, text } from "../kit/dom.js";
import { plural, shortKey } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { clearQueue, moveNext, queued, readOrder } from "./run-queue.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{story: PlanStory, place: number, count: number, movable: boolean}} Row */

/** Stories that are shown; the Board has them all. */
const NEXT_MOST = 9;
/** How long nothing changes before the order is read again, in ms. */
const SETTLE_MS = 200;

export class NextList {
  /** The keys in the order of the run. @type {string[]} */ #order = [];
  /** @type {Model | null} */ #model = null;
  /** What the last order was asked for. @type {unknown[]} */ #asked = [];
  #timer = 0;
  #root = byId("next-stories");
  #dragged = "";
  #rows = list(
    this.#root,
    (/** @type {Row} */ row) => row.story.key,
    (row) => createRow(row, (key, to) => this.#move(key, to)),
  );
  #clear = h("button", {
    type: "button",
    class: "plain",
    text: "Take the plan's order",
    "data-verb": true,
    on: { click: clearQueue },
  });
  #note = h("p", { class: "soft next-note", id: "next-note" });

  constructor() {
    this.#root.before(this.#note);
    byId("next-more").after(this.#clear);
    this.#root.addEventListener("dragstart", (event) => this.#start(event));
    this.#root.addEventListener("dragover", (event) => this.#dragged && event.preventDefault());
    this.#root.addEventListener("drop", (event) => this.#drop(event));
    this.#root.addEventListener("dragend", () => this.#end());
    // A finger drags by the number: elsewhere it scrolls. The mouse drags the whole row.
    this.#root.addEventListener("pointerdown", (event) => this.#grip(event));
  }

  /** @param {Model} model */
  render(model) {
    this.#model = model;
    const { run, plan, replaying } = model;
    const inputs = [plan, run.queue, run.cycles, run.batch?.id, run.state === "idle"];
    if (!replaying && inputs.some((value, index) => value !== this.#asked[index])) this.#readSoon(inputs);
    this.#draw(model);
  }

  /** @param {unknown[]} inputs */
  #readSoon(inputs) {
    this.#asked = inputs;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#read(), SETTLE_MS);
  }

  async #read() {
    const order = await readOrder();
    if (!order || !this.#model) return;
    this.#order = order.cycles.flat();
    this.#draw(this.#model);
  }

  /** @param {Model} model */
  #draw({ run, plan, replaying, link }) {
    const running = new Set(run.cycles.flatMap((cycle) => cycle.story_keys));
    const coming = this.#order.flatMap((key) => (running.has(key) ? [] : (plan.byKey.get(key) ?? [])));
    const movable = !replaying && !link.lost && !isReader;
    const count = coming.length;
    const rows = coming.slice(0, NEXT_MOST).map((story, place) => ({ story, place, count, movable }));
    this.#rows.render(rows);
    const byHand = queued(plan).some((key) => !running.has(key));
    show(byId("next-section"), count > 0);
    show(this.#clear, movable && (byHand || run.queue.only));
    text(this.#note, run.queue.only ? "Only these run." : byHand ? "In the order that you set." : "");
    show(this.#note, Boolean(this.#note.textContent));
    const more = count - NEXT_MOST;
    show(byId("next-more"), more > 0);
    text(byId("next-more"), more > 0 ? `and ${plural(more, "more story", "more stories")}` : "");
  }

  /** @param {string} key @param {number} to */
  async #move(key, to) {
    const model = this.#model;
    if (!model) return;
    const after = await moveNext(key, to, model.plan, this.#order);
    if (!after) return;
    this.#order = [...after];
    this.#draw(model);
    const link = this.#root.querySelector(`[data-key="${CSS.escape(key)}"] .story-open`);
    if (link instanceof HTMLElement && !link.closest("li")?.contains(document.activeElement)) link.focus();
  }

  /** @param {DragEvent} event */
  #start({ target, dataTransfer }) {
    const key = rowOf(target)?.dataset.key;
    if (!key || !dataTransfer) return;
    this.#dragged = key;
    dataTransfer.effectAllowed = "move";
    dataTransfer.setData("text/plain", key);
  }

  /** @param {DragEvent} event */
  #drop(event) {
    const row = rowOf(event.target);
    if (!row || !this.#dragged) return;
    event.preventDefault();
    this.#putAt(this.#dragged, event.clientY);
  }

  #end() {
    this.#dragged = "";
  }

  /** @param {PointerEvent} event */
  #grip({ target, pointerType, pointerId }) {
    const grip = target instanceof HTMLElement ? target.closest(".next-place") : null;
    const key = rowOf(target)?.getAttribute("draggable") && rowOf(target)?.dataset.key;
    if (pointerType === "mouse" || !(grip instanceof HTMLElement) || !key) return;
    grip.setPointerCapture(pointerId);
    const row = /** @type {HTMLElement} */ (rowOf(grip));
    attr(row, "data-dragged", true);
    const end = (/** @type {PointerEvent} */ event) => {
      grip.removeEventListener("pointerup", end);
      grip.removeEventListener("pointercancel", end);
      attr(row, "data-dragged", null);
      if (event.type === "pointerup") this.#putAt(key, event.clientY);
    };
    grip.addEventListener("pointerup", end);
    grip.addEventListener("pointercancel", end);
  }

  /** Moves a story to where it was let go. @param {string} key @param {number} y */
  #putAt(key, y) {
    const rows = [...this.#root.children].filter((other) => rowOf(other)?.dataset.key !== key);
    const middles = rows.map((row) => row.getBoundingClientRect()).map(({ top, height }) => top + height / 2);
    this.#move(key, middles.filter((middle) => middle < y).length);
  }
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function rowOf(target) {
  return target instanceof HTMLElement ? target.closest("li[data-key]") : null;
}

/** @param {Row} row @param {(key: string, to: number) => void} move */
function createRow({ story: { key, status } }, move) {
  const title = h("span", { class: "title" });
  const glyph = icon(status);
  const number = h("span", { class: "next-place", "aria-hidden": "true" });
  const name = h("span", { class: "key", text: shortKey(key), title: key });
  const open = h("a", { class: "story-open", href: `#run?story=${encodeURIComponent(key)}` }, name, title);
  let place = 0;
  const button = (/** @type {string} */ sign, /** @type {string} */ label, /** @type {number} */ by) => {
    const words = { "aria-label": `${label}: ${shortKey(key)}`, title: label };
    const el = h("button", { type: "button", class: "ghost next-move", ...words });
    el.append(h("span", { "aria-hidden": "true", text: sign }));
    el.addEventListener("click", () => move(key, place + by));
    return el;
  };
  const [earlier, later] = [button("↑", "Run earlier", -1), button("↓", "Run later", 1)];
  const el = h("li", { "data-key": key, "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown" });
  el.append(number, glyph, open, earlier, later);
  el.addEventListener("keydown", (event) => {
    const to = placeOf(event, place);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    move(key, to);
  });
  return {
    el,
    /** @param {Row} now */
    update({ story, place: at, count, movable }) {
      place = at;
      attr(el, "data-status", story.status);
      attr(el, "draggable", movable ? "true" : null);
      setIcon(glyph, story.status);
      text(number, at + 1);
      text(title, story.title || story.key);
      show(earlier, movable);
      show(later, movable);
      attr(earlier, "aria-disabled", at === 0 || null);
      attr(later, "aria-disabled", at === count - 1 || null);
    },
  };
}

/** The place that a key asks for, null for any other key. @param {KeyboardEvent} event @param {number} place */
export function placeOf({ key, altKey, ctrlKey, metaKey, shiftKey }, place) {
  if (ctrlKey || metaKey || shiftKey) return null;
  if (altKey) return key === "ArrowUp" ? place - 1 : key === "ArrowDown" ? place + 1 : null;
  return /^[1-9]$/.test(key) ? Number(key) - 1 : null;
}
