// @ts-check
/** The dialog with the brief of a batch, at an address of its own (`brief=7`), which can be printed and taken along. */
import { catchApiError, get } from "../kit/api.js";
import { attr, byId, fill, h, text } from "../kit/dom.js";
import { briefParts } from "./brief-view.js";

export class BriefDialog {
  #dialog = /** @type {HTMLDialogElement} */ (byId("brief-dialog"));
  #content = byId("brief-content");
  #actions;
  /** The batch that is shown. @type {number | null} */ #id = null;

  /** @param {() => void} onClose @param {import("./brief-view.js").BriefActions} actions */
  constructor(onClose, actions) {
    this.#actions = actions;
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
    if (id === null) return this.#dialog.close();
    text(byId("brief-title"), `Brief of batch ${id}`);
    for (const form of ["html", "md"]) attr(byId(`brief-${form}`), "href", `/api/batches/${id}/brief?format=${form}`);
    fill(this.#content, h("p", { class: "empty", text: "Loading" }));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    this.#read(id);
  }

  /** @param {number} id */
  async #read(id) {
    const found = await catchApiError(get(`/api/batches/${id}/brief`), (error) => error);
    if (this.#id !== id) return;
    const wrong = found instanceof Error;
    fill(
      this.#content,
      ...(wrong ? [h("p", { class: "wrong", text: found.message })] : briefParts(found, this.#actions)),
    );
  }
}
