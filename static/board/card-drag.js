// @ts-check
/**
 * Dragging cards: onto the column of another status, or onto a place of the bar that is shown meanwhile. Of a card that is
 * selected, all that are selected go along; their epics stay.
 */
import { attr } from "../kit/dom.js";
import { DropBar } from "./drop-bar.js";
import { WRITABLE } from "./set-status.js";

/** @param {HTMLElement} root of the tab @param {(key: string, place: string) => void} onDrop */
export function addCardDrag(root, onDrop) {
  new CardDrag(root, onDrop);
}

class CardDrag {
  #root;
  #onDrop;
  #bar = new DropBar();
  /** The key of the story that is dragged. @type {string | null} */ #key = null;
  /** The column or place under the pointer. @type {HTMLElement | null} */ #over = null;

  /** @param {HTMLElement} root @param {(key: string, place: string) => void} onDrop */
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
    // A browser that sees the page change while it begins to drag gives up.
    setTimeout(() => {
      if (this.#key === null) return;
      attr(this.#root, "data-dragging", true);
      this.#bar.show(true);
    });
  }

  /** @param {DragEvent} event */
  #move(event) {
    const place = this.#key === null ? null : (closest(event.target, "[data-drop]") ?? columnOf(event.target));
    this.#hover(place);
    if (place) event.preventDefault();
  }

  /** @param {DragEvent} event */
  #drop(event) {
    const place = this.#over?.dataset.drop ?? this.#over?.dataset.status;
    if (this.#key === null || !place) return;
    event.preventDefault();
    this.#onDrop(this.#key, place);
  }

  #end() {
    this.#key = null;
    this.#hover(null);
    attr(this.#root, "data-dragging", null);
    this.#bar.show(false);
  }

  /** @param {HTMLElement | null} place */
  #hover(place) {
    if (this.#over === place) return;
    if (this.#over) attr(this.#over, "data-over", null);
    if (place) attr(place, "data-over", true);
    this.#over = place;
  }
}

/** The column under the pointer, of a status that may be set. @param {EventTarget | null} target */
function columnOf(target) {
  const column = closest(target, ".column");
  return WRITABLE.includes(column?.dataset.status ?? "") ? column : null;
}

/** @param {EventTarget | null} target @param {string} selector @returns {HTMLElement | null} */
function closest(target, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}
