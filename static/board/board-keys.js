// @ts-check
/**
 * The Board by keyboard: one card is in the tab order, the arrow keys, j and k go from card to card; Shift and an arrow to the side
 * moves the card to the next status, up or down selects; x selects one, m opens the menu, u undoes the last change, f folds
 * the epic, a number is the story's place in what runs next.
 */
import { attr } from "../kit/dom.js";
import { undo, WRITABLE } from "./set-status.js";

/**
 * @typedef {{moveTo: (key: string, status: string) => void, menu: (key: string) => void,
 *   place: (key: string, place: number) => void, fold: (epic: string) => void,
 *   selection: import("./selection.js").Selection}} Actions
 */

/** @type {Record<string, -1 | 1>} */
const SIDEWAYS = { ArrowLeft: -1, ArrowRight: 1 };
/** @type {Record<string, -1 | 1>} */
const VERTICAL = { ArrowUp: -1, ArrowDown: 1, k: -1, j: 1 };

export class BoardKeys {
  #root;
  #actions;
  /** The key of the story whose card is in the tab order. @type {string | null} */ #current = null;
  /** @type {HTMLElement | undefined} */ #tabStop;

  /** @param {HTMLElement} root @param {Actions} actions */
  constructor(root, actions) {
    this.#root = root;
    this.#actions = actions;
    root.addEventListener("focusin", (event) => this.#focused(cardOf(event.target)));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The key of the story whose card has the focus. @returns {string | null} */
  get focused() {
    return cardOf(document.activeElement)?.dataset.key ?? null;
  }

  /** Puts one card into the tab order: the current one, or the first. */
  updateTabStop() {
    const cards = cardsIn(this.#root);
    const next = cards.find((card) => card.dataset.key === this.#current) ?? cards[0];
    if (next === this.#tabStop) return;
    if (this.#tabStop) setTabIndex(this.#tabStop, "-1");
    if (next) setTabIndex(next, null);
    this.#tabStop = next;
  }

  /** Focuses the card of a story again, after it was moved to another column. @param {string} key */
  follow(key) {
    this.#focus(cardsIn(this.#root).find((card) => card.dataset.key === key));
  }

  /** @param {HTMLElement | null} card */
  #focused(card) {
    if (!card || card.dataset.key === this.#current) return;
    this.#current = card.dataset.key ?? null;
    this.updateTabStop();
  }

  /** @param {HTMLElement | undefined} card */
  #focus(card) {
    if (!card) return;
    this.#current = card.dataset.key ?? null;
    this.updateTabStop();
    const open = card.querySelector(".card-open");
    if (open instanceof HTMLElement) open.focus();
    card.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const card = cardOf(event.target);
    // Until the next frame the focus stays in a view that was just left.
    if (!card || event.altKey || this.#root.closest("[hidden]")) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (!(isCommand ? this.#command(event) : this.#act(card, event))) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key does something here */
  #command({ key }) {
    if (key !== "a") return false;
    this.#actions.selection.all();
    return true;
  }

  /** @param {HTMLElement} card @param {KeyboardEvent} event @returns {boolean} whether the key does something here */
  #act(card, { key, shiftKey }) {
    if (shiftKey && key in SIDEWAYS) this.#move(card, SIDEWAYS[key]);
    else if (shiftKey && key in VERTICAL) this.#extend(card, VERTICAL[key]);
    else if (key in VERTICAL) this.#focus(cardBelow(card, VERTICAL[key]));
    else if (key in SIDEWAYS) this.#focus(cardBeside(card, SIDEWAYS[key]));
    else if (key === "Home") this.#focus(cardsIn(this.#root)[0]);
    else if (key === "End") this.#focus(cardsIn(this.#root).at(-1));
    else return this.#letter(card, key);
    return true;
  }

  /** @param {HTMLElement} card @param {string} key @returns {boolean} */
  #letter(card, key) {
    const { selection, menu, place, fold } = this.#actions;
    const story = card.dataset.key ?? "";
    if (key === "m") menu(story);
    else if (key === "u") undo();
    else if (key === "x") isSelectable(card) && selection.toggle(story);
    else if (key === "f") fold(epicOf(card));
    else if (/^[1-9]$/.test(key)) place(story, Number(key) - 1);
    else if (key === "Escape" && selection.size) selection.clear();
    else return false;
    return true;
  }

  /** Selects the card, and goes on to the next one and selects it too. @param {HTMLElement} card @param {number} by */
  #extend(card, by) {
    const next = cardBelow(card, by);
    if (!isSelectable(card)) return;
    if (!this.#actions.selection.size) this.#actions.selection.extend(card.dataset.key ?? "");
    if (!next || !isSelectable(next)) return;
    this.#focus(next);
    this.#actions.selection.extend(next.dataset.key ?? "");
  }

  /** @param {HTMLElement} card @param {number} by columns */
  #move(card, by) {
    const from = WRITABLE.indexOf(card.dataset.status ?? "");
    const to = WRITABLE[from + by];
    if (from >= 0 && to && card.dataset.key) this.#actions.moveTo(card.dataset.key, to);
  }
}

/** @param {HTMLElement} card @param {string | null} value */
function setTabIndex(card, value) {
  for (const button of card.querySelectorAll("button")) attr(button, "tabindex", value);
}

/** @param {ParentNode} root @returns {HTMLElement[]} */
function cardsIn(root) {
  return [...root.querySelectorAll(".card")].map((card) => /** @type {HTMLElement} */ (card));
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
export function cardOf(target) {
  return target instanceof Element ? target.closest(".card") : null;
}

/** @param {HTMLElement} card */
function isSelectable(card) {
  return card.dataset.selectable !== undefined;
}

/** @param {HTMLElement} card */
function epicOf(card) {
  return /** @type {HTMLElement | null} */ (card.closest(".epic-row"))?.dataset.epic ?? "";
}

/**
 * The card below or above, in this column or that of the next row that has cards there.
 * @param {HTMLElement} card
 * @param {number} by 1 for below, -1 for above
 */
function cardBelow(card, by) {
  const name = /** @type {HTMLElement | null} */ (card.closest(".column"))?.dataset.status ?? "";
  const column = [...document.querySelectorAll(`.column[data-status="${name}"] .card`)];
  return /** @type {HTMLElement | undefined} */ (column[column.indexOf(card) + by]);
}

/**
 * The card at the same height in the next column of this row that has cards.
 * @param {HTMLElement} card
 * @param {number} by 1 for the right, -1 for the left
 */
function cardBeside(card, by) {
  const columns = [...(card.closest(".epic-row")?.querySelectorAll(".column") ?? [])];
  const filled = columns.filter((column) => column.querySelector(".card"));
  const own = card.closest(".column");
  const next = own && filled[filled.indexOf(own) + by];
  if (!own || !next) return undefined;
  const cards = cardsIn(next);
  return cards[Math.min(cardsIn(own).indexOf(card), cards.length - 1)];
}
