// @ts-check
/**
 * The Board tab: every epic a group that folds, every status a column, every story a card that shows the evidence of its
 * status and what runs on it now; or all of it as a list. What can be done with a card can be done with all selected ones.
 */

import { attr, byId, list, show, style, text } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { toast } from "../kit/toast.js";
import { InitiativeChoice } from "../planning/initiative-choice.js";
import { moveNext } from "../run/run-queue.js";
import { createColumnHead } from "./board-column.js";
import { BoardFilter } from "./board-filter.js";
import { BoardKeys, cardOf } from "./board-keys.js";
import { countText, firstRows, isDense, laidOut, openColumns } from "./board-layout.js";
import { epicName, epicRowsOf, isWritable } from "./board-rows.js";
import { addCardDrag } from "./card-drag.js";
import { DeferredList } from "./deferred.js";
import { QUEUE } from "./drop-bar.js";
import { EpicRowView } from "./epic-row.js";
import { Folds } from "./folds.js";
import { SavedViews } from "./saved-views.js";
import { Selection } from "./selection.js";
import { SelectionBar } from "./selection-bar.js";
import { setStatuses } from "./set-status.js";
import { openStatusMenu } from "./status-menu.js";
import { runFirst, verbsFor } from "./story-verbs.js";
import { createTrackerProblems } from "./tracker-problems.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {import("./epic-row.js").EpicRow} EpicRow */

/** Cards drawn in one frame when the Board is first shown; the rest follows frame by frame. */
const CARDS_PER_FRAME = 80;

export class Board {
  /** @type {Model | null} */ #model = null;
  #tab = byId("tab-board");
  #root = byId("epic-rows");
  #head = list(byId("board-head"), (/** @type {{status: string}} */ column) => column.status, createColumnHead);
  #rows;
  #foldAll = byId("board-fold");
  #select = byId("board-select");
  #problems = createTrackerProblems();
  #deferred = new DeferredList();
  #initiatives = new InitiativeChoice();
  #filter = new BoardFilter(() => this.#redraw());
  #folds = new Folds();
  #selection = new Selection(
    () => [...this.#root.querySelectorAll(".card[data-selectable]")].map((card) => cardKey(card)),
    () => this.#redraw(),
  );
  #bar = new SelectionBar(this.#selection);
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
      (row) => new EpicRowView(row, openStory, (id) => this.#toggleFold(id)),
    );
    const moveTo = (/** @type {string} */ key, /** @type {string} */ place) => this.#moveTo(key, place);
    this.#keys = new BoardKeys(this.#root, {
      moveTo,
      menu: (key) => this.#openMenu(key),
      place: (key, place) => this.#place(key, place),
      fold: (epic) => this.#toggleFold(epic),
      selection: this.#selection,
    });
    addCardDrag(this.#tab, moveTo);
    new SavedViews((params) => this.#filter.apply(params));
    this.#listen();
  }

  /** @param {Model} model */
  render(model) {
    this.#initiatives.render(model);
    const inputs = [model.plan, runningIds(model.run), model.replaying, model.run.state, model.run.cycles];
    if (inputs.some((value, index) => value !== this.#drawn[index])) this.#draw(model);
  }

  /** @param {Model} _ @param {number} now */
  tick(_, now) {
    for (const row of this.#rows.views()) row.tick(now);
  }

  focus() {
    this.#filter.focus();
  }

  #listen() {
    // Before the card's own buttons: with Ctrl or Shift a click selects.
    this.#root.addEventListener("click", (event) => this.#clicked(event), { capture: true });
    this.#root.addEventListener("click", ({ target }) => {
      const card = target instanceof Element && target.closest(".card-move") ? cardOf(target) : null;
      if (card) this.#openMenu(cardKey(card));
    });
    this.#root.addEventListener("change", ({ target }) => {
      const card = cardOf(target);
      if (card) this.#selection.toggle(cardKey(card));
    });
    this.#foldAll.addEventListener("click", () =>
      this.#setFolds(this.#drawing, !this.#drawing.every((row) => row.folded)),
    );
    this.#select.addEventListener("click", () => {
      const isOn = this.#select.getAttribute("aria-pressed") === "true";
      attr(this.#select, "aria-pressed", String(!isOn));
      attr(this.#tab, "data-boxes", !isOn);
      if (isOn) this.#selection.clear();
    });
    byId("board-selection").addEventListener("keydown", ({ key }) => key === "Escape" && this.#selection.clear());
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const card = cardOf(event.target);
    const isModified = event.shiftKey || event.ctrlKey || event.metaKey;
    if (!card || card.dataset.selectable === undefined || !isModified) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) this.#selection.extend(cardKey(card));
    else this.#selection.toggle(cardKey(card));
  }

  /**
   * The stories whose status can be changed. An unknown status is never replaced.
   * @param {string[]} keys
   */
  #writable(keys) {
    const model = this.#model;
    if (!model || !isWritable(model)) return [];
    return keys.flatMap((key) => model.plan.byKey.get(key) ?? []).filter((story) => story.status !== "unknown");
  }

  /** Moves a card, with all selected ones where it is one. @param {string} key @param {string} place a status, or the queue */
  async #moveTo(key, place) {
    const keys = this.#selection.with(key);
    if (place === QUEUE) return this.#runFirst(keys);
    const stories = this.#writable(keys);
    if (stories.length) await setStatuses(stories, place);
  }

  /** @param {string[]} keys */
  #runFirst(keys) {
    const { plan } = /** @type {Model} */ (this.#model);
    const runnable = keys.filter((key) => plan.byKey.get(key)?.runnable && !plan.byKey.get(key)?.skipped);
    if (!runnable.length) return void toast("None of them can run: they are done, blocked or skipped.", "bad");
    return void runFirst(runnable, /** @type {Model} */ (this.#model));
  }

  /** @param {string} key @param {number} place */
  #place(key, place) {
    const plan = this.#model?.plan;
    if (!plan?.byKey.get(key)?.runnable) return void toast(`${shortKey(key)} cannot run next.`, "bad");
    void moveNext(key, place, plan);
  }

  /** @param {string} key */
  #openMenu(key) {
    const keys = this.#selection.with(key);
    const stories = this.#writable(keys);
    const button = this.#root.querySelector(`.card[data-key="${CSS.escape(key)}"] .card-move`);
    if (!stories.length || !(button instanceof HTMLElement) || !this.#model) return;
    openStatusMenu(button, stories, keys.length > 1 ? verbsFor(this.#model, keys) : undefined);
  }

  /** @param {string} id */
  #toggleFold(id) {
    const row = this.#drawing.find((each) => each.id === id);
    if (!row) return;
    this.#setFolds([row], !row.folded);
    const el = this.#root.querySelector(`.epic-row[data-epic="${CSS.escape(id)}"] .epic-fold`);
    if (el instanceof HTMLElement) el.focus();
  }

  /** @param {EpicRow[]} rows @param {boolean} folded */
  #setFolds(rows, folded) {
    const ids = rows.map((row) => row.id);
    this.#folds.set(ids, folded);
    this.#redraw();
  }

  #redraw() {
    if (this.#model) this.#draw(this.#model);
  }

  /** @param {Model} model */
  #draw(model) {
    this.#model = model;
    const { plan, run, replaying } = model;
    const { filter } = this.#filter;
    this.#offerFilter(model);
    this.#selection.keep((key) => plan.byKey.has(key));
    const focused = this.#keys.focused;
    const { isUsed } = this.#filter;
    const found = this.#folds.settled(epicRowsOf(model, filter));
    const folded = this.#folds.folded(found, isUsed);
    const view = { folded, isUsed, isList: filter.layout === "list", selection: this.#selection };
    const rows = laidOut(model, found, view);
    this.#drawFrame(model, rows);
    this.#drawRows(rows);
    // A card whose status has changed is another element in another column: it keeps the focus.
    if (focused && this.#keys.focused !== focused) this.#keys.follow(focused);
    this.#problems.render(plan.sprint, plan.stories);
    this.#deferred.render(plan);
    this.#bar.render(model, isWritable(model));
    this.#drawn = [plan, runningIds(run), replaying, run.state, run.cycles];
  }

  /** What is around the cards: heads of the columns, counts, density. @param {Model} model @param {EpicRow[]} rows */
  #drawFrame(model, rows) {
    const { plan } = model;
    const isList = this.#filter.filter.layout === "list";
    const cards = rows.flatMap((row) => row.cards);
    const columns = isList ? [] : openColumns(rows);
    style(this.#tab, "--columns", String(columns.length));
    attr(this.#tab, "data-layout", isList ? "list" : "board");
    attr(this.#tab, "data-alone", columns.length === 1);
    attr(this.#tab, "data-dense", isDense(plan.stories.length));
    this.#head.render(
      columns.map((status) => ({ status, count: cards.filter((card) => card.story.status === status).length })),
    );
    show(byId("board-head"), columns.length > 0);
    show(this.#foldAll, rows.length > 1);
    text(this.#foldAll, rows.every((row) => row.folded) ? "Unfold all" : "Fold all");
    text(byId("board-counts"), countText(model, cards.length));
    const none = plan.sprint && !cards.length && !plan.counts.unplanned ? "No story matches." : "";
    text(byId("board-empty"), plan.error ?? none);
  }

  /** @param {Model} model */
  #offerFilter({ plan }) {
    const epics = (plan.sprint?.epics ?? []).map((epic) => [epic.id, epicName(epic)]);
    const statuses = [...new Set(plan.stories.map((story) => story.status))].map((name) => [name, statusText(name)]);
    this.#filter.offer(epics, statuses);
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

/** @param {Element} card */
function cardKey(card) {
  return /** @type {HTMLElement} */ (card).dataset.key ?? "";
}

/** The commands that run: all that cards show of them except the time. @param {import("../state.js").RunState} run */
function runningIds(run) {
  return run.operations.map((operation) => operation.command_id).join();
}
