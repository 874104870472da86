// @ts-check
/**
 * The Board tab: every epic a row, every status a column, every story a card that shows the evidence of its status and
 * what runs on it now. A status is changed by dragging a card, from its menu, or with Shift and an arrow key.
 */

import { byId, list, text } from "../kit/dom.js";
import { plural, shortKey, statusText } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { InitiativeChoice } from "../planning/initiative-choice.js";
import { moveNext } from "../run/run-queue.js";
import { BoardFilter, matchesFilter } from "./board-filter.js";
import { BoardKeys } from "./board-keys.js";
import { columnsOf, epicName, epicRowsOf, isWritable } from "./board-rows.js";
import { addCardDrag } from "./card-drag.js";
import { DeferredList } from "./deferred.js";
import { createColumnHead, EpicRowView } from "./epic-row.js";
import { setStatus } from "./set-status.js";
import { openStatusMenu } from "./status-menu.js";
import { createTrackerProblems } from "./tracker-problems.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./epic-row.js").EpicRow} EpicRow */

/** Cards drawn in one frame when the Board is first shown; the rest follows frame by frame. */
const CARDS_PER_FRAME = 80;

export class Board {
  /** @type {Model | null} */ #model = null;
  #root = byId("epic-rows");
  #head = list(byId("board-head"), (/** @type {{status: string}} */ column) => column.status, createColumnHead);
  #rows;
  #problems = createTrackerProblems();
  #deferred = new DeferredList();
  #initiatives = new InitiativeChoice();
  #filter = new BoardFilter(() => this.#model && this.#draw(this.#model));
  #keys;
  /** What the last drawing was made from. @type {unknown[]} */ #drawn = [];
  /** The rows of the newest drawing. @type {EpicRow[]} */ #drawing = [];
  /** Most cards that may be drawn now. */
  #most = CARDS_PER_FRAME;

  /** @param {{openStory: (key: string) => void}} actions */
  constructor({ openStory }) {
    this.#rows = list(
      this.#root,
      (/** @type {EpicRow} */ row) => row.id,
      (row) => new EpicRowView(row, openStory),
    );
    const moveTo = (/** @type {string} */ key, /** @type {string} */ status) => this.#moveTo(key, status);
    this.#keys = new BoardKeys(this.#root, {
      moveTo,
      menu: (key) => this.#openMenu(key),
      place: (key, place) => this.#place(key, place),
    });
    addCardDrag(this.#root, moveTo);
  }

  /** @param {Model} model */
  render(model) {
    this.#initiatives.render(model);
    const inputs = [model.plan, runningIds(model.run), model.replaying];
    if (inputs.some((value, index) => value !== this.#drawn[index])) this.#draw(model);
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    for (const row of this.#rows.views()) row.tick(now);
  }

  focus() {
    this.#filter.focus();
  }

  /**
   * The story, if its status can be changed. An unknown status is never replaced.
   * @param {string} key
   */
  #writable(key) {
    const story = this.#model && isWritable(this.#model) ? this.#model.plan.byKey.get(key) : null;
    return story && story.status !== "unknown" ? story : null;
  }

  /** @param {string} key @param {string} status */
  async #moveTo(key, status) {
    const story = this.#writable(key);
    if (story) await setStatus(story, status);
  }

  /** @param {string} key @param {number} place */
  #place(key, place) {
    const plan = this.#model?.plan;
    if (!plan?.byKey.get(key)?.runnable) return toast(`${shortKey(key)} is none that runs next.`, "bad");
    void moveNext(key, place, plan);
  }

  /** @param {string} key */
  #openMenu(key) {
    const story = this.#writable(key);
    const button = this.#root.querySelector(`.card[data-key="${CSS.escape(key)}"] .card-move`);
    if (story && button instanceof HTMLElement) openStatusMenu(button, story);
  }

  /** @param {Model} model */
  #draw(model) {
    this.#model = model;
    const { plan, run, replaying } = model;
    const columns = columnsOf(plan.stories);
    this.#offerFilter(model, columns);
    const focused = this.#keys.focused;
    const rows = this.#filtered(epicRowsOf(model, columns));
    const cards = rows.flatMap((row) => row.cards);
    byId("tab-board").style.setProperty("--columns", String(columns.length));
    this.#head.render(
      columns.map((status) => ({ status, count: cards.filter((card) => card.story.status === status).length })),
    );
    this.#drawRows(rows);
    // A card whose status has changed is another element in another column: it keeps the focus.
    if (focused && this.#keys.focused !== focused) this.#keys.follow(focused);
    this.#problems.render(plan.sprint, plan.stories);
    this.#deferred.render(plan);
    text(byId("board-counts"), countText(model, cards.length));
    text(
      byId("board-empty"),
      plan.error ?? (plan.sprint && !cards.length && !plan.counts.unplanned ? "No story matches." : ""),
    );
    this.#drawn = [plan, runningIds(run), replaying];
  }

  /** @param {Model} model @param {string[]} columns */
  #offerFilter({ plan }, columns) {
    const epics = (plan.sprint?.epics ?? []).map((epic) => [epic.id, epicName(epic)]);
    const statuses = columns.map((name) => [name, statusText(name)]);
    this.#filter.offer(epics, statuses);
  }

  /** @param {EpicRow[]} rows */
  #filtered(rows) {
    const { filter } = this.#filter;
    const isOpen = !(filter.query || filter.epic || filter.status);
    return rows
      .map((row) => ({ ...row, cards: row.cards.filter((card) => matchesFilter(card.story, filter)) }))
      .filter((row) => row.cards.length || isOpen);
  }

  /**
   * Draws as many rows as one frame has time for; once all have been drawn, all are, always.
   * @param {EpicRow[]} rows
   */
  #drawRows(rows) {
    this.#drawing = rows;
    const { end, cards } = firstRows(rows, this.#most);
    this.#rows.render(rows.slice(0, end));
    this.#keys.updateTabStop();
    if (end < rows.length) requestAnimationFrame(() => this.#drawMore(rows));
    else if (cards) this.#most = Infinity;
  }

  /** @param {EpicRow[]} rows */
  #drawMore(rows) {
    if (rows !== this.#drawing) return;
    this.#most += CARDS_PER_FRAME;
    this.#drawRows(rows);
  }
}

/**
 * The rows from the top that together have more than `most` cards, and how many cards they have.
 * @param {EpicRow[]} rows
 * @param {number} most
 */
function firstRows(rows, most) {
  let cards = 0;
  for (const [index, row] of rows.entries()) {
    cards += row.cards.length;
    if (cards > most) return { end: index + 1, cards };
  }
  return { end: rows.length, cards };
}

/** The commands that run: all that cards show of them except the time. @param {import("../state.js").RunState} run */
function runningIds(run) {
  return run.operations.map((operation) => operation.command_id).join();
}

/** @param {Model} model @param {number} shown cards that match the filter */
function countText({ plan, counts }, shown) {
  if (!plan.sprint) return "";
  const isPart = shown < plan.stories.length + plan.sprint.other.length;
  const part = isPart ? `${plural(shown, "card")} shown · ` : "";
  const blocked = counts.blocked ? `, ${counts.blocked} blocked` : "";
  return `${part}${counts.done} of ${plural(counts.total, "story", "stories")} done${blocked}`;
}
