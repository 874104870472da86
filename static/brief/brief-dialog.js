// @ts-check
/**
 * The dialog with the brief of a batch, at an address of its own (`brief=7`), which can be printed and taken along. It is
 * read again when its batch ends, or comes further; what is written in it stays.
 */
import { catchApiError, get } from "../kit/api.js";
import { attr, byId, fill, h, text } from "../kit/dom.js";
import { HintForm } from "../kit/hint-form.js";
import { briefParts } from "./brief-view.js";

/** Changes within this many ms are read once. */
const SETTLE_MS = 250;
/** Events after which the brief of their batch says something else. */
const CHANGES = new Set(["batch:end", "batch:pause", "batch:resume", "cycle:end"]);

export class BriefDialog {
  #dialog = /** @type {HTMLDialogElement} */ (byId("brief-dialog"));
  #content = byId("brief-content");
  #actions;
  /** The batch that is shown. @type {number | null} */ #id = null;
  #timer = 0;
  /** The forms that retry blocked stories, by story: what is written in one outlasts a reading. @type {Map<string, HTMLElement>} */
  #forms = new Map();

  /** @param {() => void} onClose @param {{resume: () => unknown}} actions */
  constructor(onClose, { resume }) {
    this.#actions = { resume, retryForm: (/** @type {string} */ key) => this.#formOf(key) };
    byId("brief-print").addEventListener("click", () => print());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#id = null;
      onClose();
    });
  }

  /** @param {number | null} id of a batch; null closes */
  show(id) {
    if (id === this.#id) return;
    this.#id = id;
    this.#forms.clear();
    if (id === null) return this.#dialog.close();
    text(byId("brief-title"), `Brief of batch ${id}`);
    for (const form of ["html", "md"]) attr(byId(`brief-${form}`), "href", `/api/batches/${id}/brief?format=${form}`);
    fill(this.#content, h("p", { class: "empty", text: "Loading" }));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#read(id);
  }

  /**
   * Reads the open brief again, if these events change what it says.
   * @param {readonly import("../state.js").Envelope[] | null} events null for any
   */
  refresh(events) {
    const id = this.#id;
    if (id === null || events?.some((event) => CHANGES.has(event.type) && event.batch_id === id) === false) return;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#id === id && this.#read(id), SETTLE_MS);
  }

  /** @param {number} id */
  async #read(id) {
    const found = await catchApiError(get(`/api/batches/${id}/brief`), (error) => error);
    if (this.#id !== id) return;
    if (!(found instanceof Error)) return this.#draw(() => briefParts(found, this.#actions));
    const isRead = this.#content.querySelector(".brief-first") !== null;
    const words = h("p", { class: "wrong", text: isRead ? `This may be old: ${found.message}` : found.message });
    this.#content.querySelector(":scope > .wrong")?.remove();
    if (isRead) this.#content.prepend(words);
    else this.#draw(() => [words]);
  }

  /** Draws it in place of what it said; the focus stays in it. @param {() => Node[]} make moves the forms */
  #draw(make) {
    const focused = /** @type {HTMLElement | null} */ (this.#content.querySelector(":focus"));
    fill(this.#content, ...make());
    if (focused) (focused.isConnected ? focused : byId("brief-title")).focus({ preventScroll: true });
  }

  /** @param {string} key of a story */
  #formOf(key) {
    const known = this.#forms.get(key);
    if (known) return known;
    const form = new HintForm(key);
    form.update(true);
    this.#forms.set(key, form.el);
    return form.el;
  }
}
