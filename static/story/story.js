// @ts-check
/**
 * The dossier of one story in a dialog with an address of its own. It follows the changes of the story; what is open
 * and the scroll position stay.
 */

import { catchApiError, story as fetchStory } from "../kit/api.js";
import { byId, fill, h, icon } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { setUrlParams } from "../kit/url-params.js";
import { DossierView } from "./dossier.js";
import { keepScroll } from "./keep-scroll.js";

/** Changes within this many ms are read once. */
const SETTLE_MS = 250;

export class StoryDialog {
  #dialog = /** @type {HTMLDialogElement} */ (byId("story-dialog"));
  #root = byId("story");
  /** @type {DossierView | null} */ #view = null;
  #timer = 0;
  /** The command that the address names. @type {number | null} */ #command = null;
  /** The same, until it has been scrolled to. @type {number | null} */ #target = null;

  /** @param {() => void} onClose */
  constructor(onClose) {
    const dialog = this.#dialog;
    dialog.addEventListener("close", () => {
      this.#view = null;
      setUrlParams({ dossier: null, change: null });
      onClose();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  /** @param {string | null} key null closes @param {number | null} [command] of the story, to scroll to */
  show(key, command = null) {
    const isSame = key === (this.#view?.key ?? null);
    if (command !== this.#command || !isSame) this.#target = command;
    this.#command = command;
    if (isSame) {
      this.#view?.route();
      if (this.#view && this.#target !== null) this.#load(this.#view);
    } else if (key === null) this.#dialog.close();
    else this.#open(key);
  }

  /** @param {string} key */
  #open(key) {
    const close = h("button", { type: "submit", class: "ghost", "aria-label": "Close" }, icon("cross"));
    this.#view = new DossierView(key);
    fill(this.#root, h("form", { method: "dialog", class: "dossier-close" }, close), ...this.#view.nodes);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#load(this.#view);
  }

  /**
   * Reads the open story again, because it has changed.
   * @param {Set<string> | null} changed keys of the stories that have changed; null for any
   */
  refresh(changed) {
    const view = this.#view;
    if (!view || (changed !== null && !changed.has(view.key))) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#view === view && this.#load(view), SETTLE_MS);
  }

  /** @param {DossierView} view */
  async #load(view) {
    const dossier = await catchApiError(fetchStory(view.key), (error) => {
      if (this.#view === view) view.fail(error.message);
      return null;
    });
    if (!dossier || this.#view !== view) return;
    keepScroll(this.#dialog, this.#root, () => view.update(dossier));
    this.#scrollToTarget(view);
  }

  /** Scrolls to the command that the address names, once. @param {DossierView} view */
  #scrollToTarget(view) {
    const target = this.#target;
    if (target !== null && !view.open(target)) toast(`Command ${target} is none of ${view.key}.`, "bad");
    this.#target = null;
  }
}
