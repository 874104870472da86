// @ts-check
/**
 * The choice of what to start: a list of epics and stories with a search, and below it what will run, in which order, as
 * the server would take it. Keys can be typed into the search as well.
 */
import { attr, byId, h, list, show, text } from "../kit/dom.js";
import { plural, shortKey } from "../kit/format.js";
import { readOrder } from "./run-queue.js";

/** @typedef {import("../shell/plan.js").Plan} Plan */
/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{id: string, name: string, keys: string[], epic: boolean, note: string, checked: boolean, mixed: boolean}} Row */

/** Rows that are drawn; the search finds the others. */
const ROWS_MOST = 200;
/** Cycles that are named; the rest is counted. */
const CYCLES_MOST = 6;
/** How long nothing changes before the order is read, in ms. */
const SETTLE_MS = 200;

export class StoryPicker {
  #query = /** @type {HTMLInputElement} */ (byId("start-stories"));
  #rows = list(
    byId("start-list"),
    (/** @type {Row} */ row) => row.id,
    (row) => createRow(row, (keys, on) => this.#choose(keys, on)),
  );
  /** The keys that are chosen, in the order of the choice. @type {Set<string>} */ #chosen = new Set();
  #timer = 0;
  #order = 0;
  #page;

  /** @param {{plan: () => Plan, size: () => number | "all", onChange: () => void}} page */
  constructor(page) {
    this.#page = page;
    this.#query.addEventListener("input", () => this.render());
    this.#query.addEventListener("keydown", (event) => this.#key(event));
    byId("start-none").addEventListener("click", () => this.clear());
  }

  /** The keys that are chosen and can run, in the order of the choice; empty for all. */
  get keys() {
    const { byKey } = this.#page.plan();
    return [...this.#chosen].filter((key) => byKey.get(key)?.runnable);
  }

  /** What is typed in the search. */
  get typed() {
    return this.#query.value;
  }

  clear() {
    this.#chosen.clear();
    this.#query.value = "";
    this.#changed();
  }

  render() {
    const rows = rowsOf(this.#page.plan(), this.#query.value, this.#chosen);
    this.#rows.render(rows.slice(0, ROWS_MOST));
    const { size } = this.#chosen;
    text(byId("start-chosen"), size ? `${plural(size, "story", "stories")} chosen` : "All stories, in their order");
    show(byId("start-none"), size > 0);
    const empty = !rows.length && !/^[\d\s,;.-]*$/.test(this.#query.value);
    text(byId("start-unfound"), empty ? "No story matches." : "");
    this.#readOrderSoon();
  }

  /** @param {string[]} keys @param {boolean} on */
  #choose(keys, on) {
    for (const key of keys)
      if (on) this.#chosen.add(key);
      else this.#chosen.delete(key);
    this.#changed();
  }

  #changed() {
    this.render();
    this.#page.onChange();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const boxes = [...byId("start-list").querySelectorAll("input")];
    if (event.key === "ArrowDown" && boxes.length) {
      event.preventDefault();
      boxes[0].focus();
    }
  }

  #readOrderSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#readOrder(), SETTLE_MS);
  }

  async #readOrder() {
    const number = ++this.#order;
    const order = await readOrder(this.keys, this.#page.size());
    if (number === this.#order) text(byId("start-order"), order ? orderText(order) : "");
  }
}

/** What will run, in a sentence or two. @param {import("./run-queue.js").RunOrder} order */
export function orderText({ cycles, waits }) {
  const named = cycles.slice(0, CYCLES_MOST).map((keys) => keys.map(shortKey).join(" + "));
  const rest = cycles.slice(CYCLES_MOST).flat().length;
  const more = rest ? `, then ${plural(rest, "more story", "more stories")}` : "";
  const runs = cycles.length ? `Runs ${named.join(", ")}${more}.` : "Nothing would run.";
  const waiting = Object.entries(waits).map(([key, why]) => `${shortKey(key)}: ${why}`);
  return waiting.length ? `${runs} Not ${waiting.slice(0, 3).join("; ")}${waiting.length > 3 ? "; …" : ""}.` : runs;
}

/**
 * The epics and stories that can run and match the search, each epic before its stories.
 * @param {Plan} plan
 * @param {string} query
 * @param {Set<string>} chosen
 * @returns {Row[]}
 */
export function rowsOf(plan, query, chosen) {
  const words = query
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(Boolean);
  /** @type {Map<string, PlanStory[]>} */
  const byEpic = new Map();
  for (const story of plan.stories.filter((each) => each.runnable)) {
    const epic = story.epic ?? "";
    byEpic.set(epic, [...(byEpic.get(epic) ?? []), story]);
  }
  return [...byEpic].flatMap(([id, stories]) => {
    const title = plan.sprint?.epics.find((epic) => epic.id === id)?.title ?? "";
    const found = stories.filter((story) => matches(`${story.key} ${story.title ?? ""} epic ${id} ${title}`, words));
    if (!found.length) return [];
    return [...(id ? [epicRow(id, title, found, chosen)] : []), ...found.map((story) => storyRow(story, chosen))];
  });
}

/** Every word, or the number of the story. @param {string} all @param {string[]} words */
function matches(all, words) {
  const text = all.toLowerCase();
  return words.every((word) => text.includes(word)) || words.some((word) => text.startsWith(`${word}-`));
}

/** @param {string} id @param {string} title @param {PlanStory[]} stories @param {Set<string>} chosen @returns {Row} */
function epicRow(id, title, stories, chosen) {
  const keys = stories.map((story) => story.key);
  const on = keys.filter((key) => chosen.has(key)).length;
  const name = title ? `Epic ${id}: ${title}` : `Epic ${id}`;
  const [checked, mixed] = [on === keys.length, on > 0 && on < keys.length];
  return { id: `epic ${id}`, name, keys, epic: true, note: plural(keys.length, "story", "stories"), checked, mixed };
}

/** @param {PlanStory} story @param {Set<string>} chosen @returns {Row} */
function storyRow({ key, title, waiting_for: waiting }, chosen) {
  const note = waiting?.length ? `waits for ${waiting.join(", ")}` : "";
  const name = title && title !== key ? `${shortKey(key)} ${title}` : key;
  return { id: key, name, keys: [key], epic: false, note, checked: chosen.has(key), mixed: false };
}

/** @param {Row} first @param {(keys: string[], on: boolean) => void} choose */
function createRow(first, choose) {
  const box = h("input", { type: "checkbox" });
  const name = h("span", { class: "pick-name" });
  const note = h("span", { class: "soft" });
  const el = h("li", { class: first.epic ? "pick-epic" : "pick-story" }, h("label", {}, box, name, note));
  let keys = first.keys;
  box.addEventListener("change", () => choose(keys, box.checked));
  box.addEventListener("keydown", (event) => {
    const to = { ArrowDown: el.nextElementSibling, ArrowUp: el.previousElementSibling }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = to?.querySelector("input") ?? byId("start-stories");
    if (to || event.key === "ArrowUp") next.focus();
  });
  return {
    el,
    /** @param {Row} row */
    update(row) {
      keys = row.keys;
      text(name, row.name);
      text(note, row.note);
      box.checked = row.checked;
      box.indeterminate = row.mixed;
      attr(el, "data-chosen", row.checked || row.mixed || null);
    },
  };
}
