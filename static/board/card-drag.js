// @ts-check
/** Dragging cards from column to column. Every column of a status is a place to drop; the epic of a story stays. */
import { attr } from "../kit/dom.js";
import { WRITABLE } from "./set-status.js";

/** @param {HTMLElement} root @param {(key: string, status: string) => void} onDrop */
export function createDrag(root, onDrop) {
  /** @type {string | null} */
  let carried = null;
  /** @type {HTMLElement | null} */
  let over = null;

  /** @param {HTMLElement | null} column */
  function hover(column) {
    if (over === column) return;
    if (over) attr(over, "data-over", null);
    if (column) attr(column, "data-over", true);
    over = column;
  }

  root.addEventListener("dragstart", (event) => {
    const card = event.target instanceof HTMLElement ? event.target.closest(".card") : null;
    if (!(card instanceof HTMLElement) || !card.dataset.key || !event.dataTransfer) return;
    carried = card.dataset.key;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", carried);
    attr(root, "data-dragging", true);
  });
  root.addEventListener("dragover", (event) => {
    const column = event.target instanceof HTMLElement ? event.target.closest(".column") : null;
    const fits = carried !== null && column instanceof HTMLElement && WRITABLE.includes(column.dataset.status ?? "");
    hover(fits ? column : null);
    if (fits) event.preventDefault();
  });
  root.addEventListener("drop", (event) => {
    const status = over?.dataset.status;
    if (carried === null || !status) return;
    event.preventDefault();
    onDrop(carried, status);
  });
  root.addEventListener("dragend", () => {
    carried = null;
    hover(null);
    attr(root, "data-dragging", null);
  });
}
