// @ts-check
/**
 * The rows of the open view by keyboard: j and k go from row to row, over all lists of the view from top to bottom, and on
 * a row Down and Up do the same. The focus is on what opens the row, so Enter opens it.
 */

/** The rows of all views; the Board and the log move within their own. */
const ROWS = [
  "#attention-list > li",
  "#lanes .lane-stories > li",
  "#batch-stories > li",
  "#next-stories > li",
  "#batches > tr",
  "#tab-board .card",
].join(", ");
/** What opens a row, the first that it has; of a call that opens nothing its first button. */
const OPENERS = ["a.key", ".story-open", ".card-open", ".batch-fold", ":scope > details > summary", "button"];

/** Keys on a row, beside those of the shortcuts. @type {Record<string, -1 | 1>} */
const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

export function followRowKeys() {
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const row = key in ARROWS && target instanceof Element ? target.closest(ROWS) : null;
    if (!row || openerOf(row) !== target) return;
    event.preventDefault();
    moveRow(ARROWS[key]);
  });
}

/** Focuses the next row or the one before; the first or the last where none has the focus. @param {-1 | 1} by */
export function moveRow(by) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => openerOf(row) !== null);
  const now = document.activeElement?.closest(ROWS);
  const at = now ? rows.indexOf(now) + by : by > 0 ? 0 : rows.length - 1;
  const row = rows[Math.min(rows.length - 1, Math.max(0, at))];
  if (!row) return;
  openerOf(row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** @param {Element} row @returns {HTMLElement | null} null where it is not in sight, or opens nothing */
function openerOf(row) {
  for (const selector of OPENERS) {
    const found = row.querySelector(selector);
    if (found instanceof HTMLElement && found.checkVisibility({ visibilityProperty: true })) return found;
  }
  return null;
}
