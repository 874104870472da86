// @ts-check
/** Dragging cards from column to column. A card can be dropped on every column of a status; its epic stays. */
import { attr } from "../kit/dom.js";
import { WRITABLE } from "./set-status.js";

/** @param {HTMLElement} root @param {(key: string, status: string) => void} onDrop */
export function addCardDrag(root, onDrop) {
  new CardDrag(root, onDrop);
}

class CardDrag {
  #root;
  #onDrop;
  /** The key of the story that is dragged. @type {string | null} */ #key = null;
  /** The column under the pointer. @type {HTMLElement | null} */ #over = null;

  /** @param {HTMLElement} root @param {(key: string, status: string) => void} onDrop */
  constructor(root, onDrop) {
    this.#root = root;
    this.#onDrop = onDrop;
    root.addEventListener("dragstart", (event) => this.#start(event));
    root.addEventListener("dragover", (event) => this.#move(event));
    root.addEventListener("drop", (event) => this.#drop(event));
    root.addEventListener("dragend", () => this.#end());
  }

  /** @param {DragEvent} event */
  #start({ target, dataTransfer }) {
    const key = closest(target, ".card")?.dataset.key;
    if (!key || !dataTransfer) return;
    this.#key = key;
    dataTransfer.effectAllowed = "move";
    dataTransfer.setData("text/plain", key);
    attr(this.#root, "data-dragging", true);
  }

  /** @param {DragEvent} event */
  #move(event) {
    const column = closest(event.target, ".column");
    const isTarget = this.#key !== null && WRITABLE.includes(column?.dataset.status ?? "");
    this.#hover(isTarget ? column : null);
    if (isTarget) event.preventDefault();
  }

  /** @param {DragEvent} event */
  #drop(event) {
    const status = this.#over?.dataset.status;
    if (this.#key === null || !status) return;
    event.preventDefault();
    this.#onDrop(this.#key, status);
  }

  #end() {
    this.#key = null;
    this.#hover(null);
    attr(this.#root, "data-dragging", null);
  }

  /** @param {HTMLElement | null} column */
  #hover(column) {
    if (this.#over === column) return;
    if (this.#over) attr(this.#over, "data-over", null);
    if (column) attr(column, "data-over", true);
    this.#over = column;
  }
}

/** @param {EventTarget | null} target @param {string} selector @returns {HTMLElement | null} */
function closest(target, selector) {
  return target instanceof HTMLElement ? target.closest(selector) : null;
}
