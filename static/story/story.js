// @ts-check
/**
 * The dossier of one story in a dialog with an address of its own. It follows the changes of the story; what is open
 * and the scroll position stay.
 */

import { catchApiError, story as fetchStory } from "../kit/api.js";
import { byId, fill, h, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";
import { createDossierSections } from "./dossier.js";
import { keepScroll } from "./keep-scroll.js";
import { StoryHead } from "./story-head.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */

/** Changes within this many ms are read once. */
const SETTLE_MS = 250;

export class StoryDialog {
  #dialog = /** @type {HTMLDialogElement} */ (byId("story-dialog"));
  #root = byId("story");
  /** @type {StoryView | null} */ #view = null;
  #timer = 0;
  /** The command that the address names. @type {number | null} */ #command = null;
  /** The same, until it has been scrolled to. @type {number | null} */ #target = null;

  /** @param {() => void} onClose */
  constructor(onClose) {
    const dialog = this.#dialog;
    dialog.addEventListener("close", () => {
      this.#view = null;
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
      if (this.#view && this.#target !== null) this.#load(this.#view);
    } else if (key === null) this.#dialog.close();
    else this.#open(key);
  }

  /** @param {string} key */
  #open(key) {
    this.#view = new StoryView(this.#root, key);
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

  /** @param {StoryView} view */
  async #load(view) {
    const dossier = await catchApiError(fetchStory(view.key), (error) => {
      if (this.#view === view) view.fail(error.message);
      return null;
    });
    if (!dossier || this.#view !== view) return;
    keepScroll(this.#dialog, this.#root, () => view.update(dossier));
    this.#scrollToTarget(view);
  }

  /** Scrolls to the command that the address names, once. @param {StoryView} view */
  #scrollToTarget(view) {
    const target = this.#target;
    if (target !== null && !view.open(target)) toast(`Command ${target} is none of ${view.key}.`, "bad");
    this.#target = null;
  }
}

/** The content of the dialog for one story. */
class StoryView {
  #head;
  #sections;
  #note = h("p", { class: "empty dossier-note", text: "Loading" });
  #top;
  #root;

  /** @param {HTMLElement} root @param {string} key */
  constructor(root, key) {
    this.key = key;
    this.#root = root;
    this.#head = new StoryHead(key);
    this.#sections = createDossierSections(key);
    this.#sections.nav.hidden = true;
    this.#top = h("div", { class: "dossier-top" }, this.#head.el, this.#sections.nav);
    fill(root, this.#top, this.#note);
    new ResizeObserver(() => this.#measure()).observe(this.#top);
  }

  /** Scrolls to a command of the story. @param {number} command @returns {boolean} whether the story has it */
  open(command) {
    return this.#sections.open(command);
  }

  /** @param {Dossier} dossier */
  update(dossier) {
    this.#head.update(dossier);
    this.#sections.update(dossier);
    this.#note.remove();
    if (!this.#sections.el.isConnected) this.#root.append(this.#sections.el);
  }

  /** Shows an error; the dossier that was read before stays. @param {string} message */
  fail(message) {
    text(this.#note, this.#sections.el.isConnected ? `This may be old: ${message}` : message);
    if (!this.#note.isConnected) this.#top.after(this.#note);
  }

  /** The heights that stay visible: all of the top, or, on small screens, the navigation only. */
  #measure() {
    this.#root.style.setProperty("--head", `${this.#head.el.offsetHeight}px`);
    this.#root.style.setProperty("--top", `${this.#top.offsetHeight}px`);
  }
}
