// @ts-check
/** Keeps the scroll position of the dossier while its content changes above and below what is read. */

/** Elements that stay the same when the dossier changes. */
const ANCHORS = ".dossier-panel:not([hidden]) :is(.part > h3, .item, .file-row, .artifact, .md > *)";

/**
 * @param {HTMLElement} dialog scrolls
 * @param {HTMLElement} root
 * @param {() => void} change
 */
export function keepScroll(dialog, root, change) {
  const anchor = visibleAnchor(dialog, root);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  change();
  if (anchor?.isConnected) dialog.scrollTop += anchor.getBoundingClientRect().top - before;
}

/**
 * The focused anchor, if it is visible; otherwise the first visible one, otherwise the last one above; null at the top.
 * @param {HTMLElement} dialog
 * @param {HTMLElement} root
 * @returns {Element | null}
 */
function visibleAnchor(dialog, root) {
  const top = root.querySelector(".dossier-tabs")?.getBoundingClientRect().bottom ?? 0;
  const { bottom } = dialog.getBoundingClientRect();
  const isVisible = (/** @type {DOMRect} */ at) => at.bottom > top && at.top < bottom;
  const focused = document.activeElement?.closest(ANCHORS);
  if (focused && root.contains(focused) && isVisible(focused.getBoundingClientRect())) return focused;
  if (dialog.scrollTop <= 0) return null;
  let above = null;
  for (const el of root.querySelectorAll(ANCHORS)) {
    const at = el.getBoundingClientRect();
    if (isVisible(at)) return el;
    if (at.bottom <= top) above = el;
  }
  return above;
}

/** The same for a part that changes by itself. @param {HTMLElement} part of a dossier @param {() => void} change */
export function keepScrollOf(part, change) {
  const [dialog, root] = [part.closest("dialog"), part.closest("#story")];
  if (dialog instanceof HTMLElement && root instanceof HTMLElement) keepScroll(dialog, root, change);
  else change();
}
