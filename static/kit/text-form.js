// @ts-check
/** A form with one text that is sent to the server; errors are shown below the field, and the text stays until it is sent. */
import { catchApiError } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { toast } from "./toast.js";

let forms = 0;

/**
 * @typedef {object} Words of a form
 * @property {string} label for screen readers
 * @property {string} placeholder
 * @property {string} button
 * @property {string} [missing] the problem of an empty field; an empty one is sent where this is absent
 * @property {boolean} [primary]
 * @property {boolean} [waits] whether it cannot be sent yet; what is written stays
 */

export class TextForm {
  el;
  /** @type {Words} */ #words = { label: "", placeholder: "", button: "" };
  #submit;
  #asks;
  #label;
  #field;
  #wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  #send = h("button", { type: "submit", class: "button small" });

  /**
   * @param {(text: string) => Promise<string>} submit sends the text, and returns what was done
   * @param {(error: import("./api.js").ApiError) => boolean} [asks] whether a refusal asks for a second press
   */
  constructor(submit, asks = () => false) {
    this.#submit = submit;
    this.#asks = asks;
    forms += 1;
    const id = `text-${forms}`;
    this.#label = h("label", { class: "unseen", for: id });
    this.#field = h("textarea", { id, rows: 2, placeholder: "" });
    this.el = h(
      "form",
      { class: "answer", novalidate: true, "data-verb": true },
      this.#label,
      this.#field,
      this.#send,
      this.#wrong,
    );
    this.el.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#onSubmit();
    });
  }

  /** @param {Words} words */
  update(words) {
    this.#words = words;
    text(this.#label, words.label);
    attr(this.#field, "placeholder", words.placeholder);
    text(this.#send, words.button);
    this.#send.classList.toggle("primary", words.primary ?? false);
    attr(this.#send, "aria-disabled", words.waits ? "true" : null);
  }

  async #onSubmit() {
    const words = this.#field.value.trim();
    const problem = words ? "" : (this.#words.missing ?? "");
    this.#complain(problem);
    if (problem || this.#send.getAttribute("aria-disabled")) return;
    attr(this.#send, "aria-disabled", "true");
    const message = await catchApiError(this.#submit(words), (error) => {
      const asks = this.#asks(error);
      this.#complain(error.message);
      if (asks) {
        attr(this.#field, "aria-invalid", null);
        this.#send.focus();
      }
      return "";
    });
    attr(this.#send, "aria-disabled", this.#words.waits ? "true" : null);
    if (!message) return;
    this.#field.value = "";
    toast(message, "good");
  }

  /** @param {string} problem empty for none */
  #complain(problem) {
    text(this.#wrong, problem);
    show(this.#wrong, problem !== "");
    attr(this.#field, "aria-invalid", problem ? "true" : null);
    if (problem) this.#field.focus();
  }
}
