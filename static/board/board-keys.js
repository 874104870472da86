// @ts-check
/**
 * The Board by keyboard: of all cards one is in the tab order, the arrow keys go from card to card, and with Shift they
 * carry the card to the next status; m opens its menu, u takes the last change back.
 */
import { attr } from "../kit/dom.js";
import { undo, WRITABLE } from "./set-status.js";

/** @typedef {{moveTo: (key: string, status: string) => void, menu: (key: string) => void}} Actions */

/** @param {HTMLElement} root @param {Actions} actions */
export function createBoardKeys(root, actions) {
  /** @type {string | null} */
  let current = null;
  /** @type {HTMLElement | undefined} the one card in the tab order */
  let reachable;

  /** Puts one card into the tab order: the one that had it, or the first. */
  function settle() {
    const cards = all(root);
    const chosen = cards.find((card) => card.dataset.key === current) ?? cards[0];
    if (chosen === reachable) return;
    if (reachable) for (const button of reachable.querySelectorAll("button")) attr(button, "tabindex", "-1");
    if (chosen) for (const button of chosen.querySelectorAll("button")) attr(button, "tabindex", null);
    reachable = chosen;
  }

  /** @param {HTMLElement | undefined} card */
  function go(card) {
    if (!card) return;
    current = card.dataset.key ?? null;
    settle();
    const open = card.querySelector(".card-open");
    if (open instanceof HTMLElement) open.focus();
    card.scrollIntoView({ block: "nearest" });
  }

  root.addEventListener("focusin", (event) => {
    const card = cardOf(event.target);
    if (!card || card.dataset.key === current) return;
    current = card.dataset.key ?? null;
    settle();
  });
  root.addEventListener("keydown", (event) => {
    const card = cardOf(event.target);
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight"))
      carry(card, event.key === "ArrowLeft" ? -1 : 1);
    else if (event.key === "m" && card.dataset.key) actions.menu(card.dataset.key);
    else if (event.key === "u") undo();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") go(beside(card, event.key === "ArrowUp" ? -1 : 1));
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight")
      go(across(card, event.key === "ArrowLeft" ? -1 : 1));
    else if (event.key === "Home" || event.key === "End") go(all(root).at(event.key === "Home" ? 0 : -1));
    else return;
    event.preventDefault();
  });

  /** @param {HTMLElement} card @param {number} by */
  function carry(card, by) {
    const from = WRITABLE.indexOf(statusOf(card));
    const to = WRITABLE[from + by];
    if (from >= 0 && to && card.dataset.key) actions.moveTo(card.dataset.key, to);
  }

  return {
    settle,
    /** Focuses a story's card again, which a change of its status has put elsewhere. @param {string} key */
    follow(key) {
      go(all(root).find((card) => card.dataset.key === key));
    },
    /** The card that has the keyboard, if one has. @returns {string | null} */
    focused: () => cardOf(document.activeElement)?.dataset.key ?? null,
  };
}

/** @param {ParentNode} root @returns {HTMLElement[]} */
function all(root) {
  return [...root.querySelectorAll(".card")].map((card) => /** @type {HTMLElement} */ (card));
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function cardOf(target) {
  return target instanceof HTMLElement ? target.closest(".card") : null;
}

/** @param {HTMLElement} card */
function statusOf(card) {
  return /** @type {HTMLElement | null} */ (card.closest(".column"))?.dataset.status ?? "";
}

/**
 * The card above or below, in this lane's column or in the nearest lane that has one there.
 * @param {HTMLElement} card
 * @param {number} by
 */
function beside(card, by) {
  const column = [...document.querySelectorAll(`.column[data-status="${statusOf(card)}"] .card`)];
  return /** @type {HTMLElement | undefined} */ (column[column.indexOf(card) + by]);
}

/**
 * The card at the same height in the nearest column of this lane that has cards.
 * @param {HTMLElement} card
 * @param {number} by
 */
function across(card, by) {
  const columns = [...(card.closest(".lane")?.querySelectorAll(".column") ?? [])].filter((column) =>
    column.querySelector(".card"),
  );
  const own = card.closest(".column");
  const next = own && columns[columns.indexOf(own) + by];
  if (!next) return undefined;
  const row = own ? all(own).indexOf(card) : 0;
  const cards = all(next);
  return cards[Math.min(row, cards.length - 1)];
}
