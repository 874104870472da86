// @ts-check
/** The form with which the operator gives a story's next command a hint, and tries a blocked story again. */
import { catchApiError, post } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { shortKey } from "./format.js";
import { toast } from "./toast.js";

let forms = 0;

export class HintForm {
  el;
  #key;
  #isBlocked = false;
  #confirms = false; // the operator has been asked whether a file may be deleted for the retry
  #label;
  #field;
  #wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  #send = h("button", { type: "submit", class: "button small" });

  /** @param {string} key of the story */
  constructor(key) {
    this.#key = key;
    forms += 1;
    const id = `hint-${forms}`;
    this.#label = h("label", { class: "unseen", for: id });
    this.#field = h("textarea", { id, rows: 2, placeholder: "" });
    this.el = h("form", { class: "answer", novalidate: true }, this.#label, this.#field, this.#send, this.#wrong);
    this.el.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.update(false);
  }

  /** @param {boolean} isBlocked whether the story waits for another try */
  update(isBlocked) {
    this.#isBlocked = isBlocked;
    text(this.#label, `Hint for the next command of ${this.#key}`);
    attr(this.#field, "placeholder", isBlocked ? "A hint for the next try, if you have one" : "A hint");
    this.#confirms = this.#confirms && isBlocked;
    text(this.#send, this.#action());
    this.#send.classList.toggle("primary", isBlocked);
  }

  /** What the button does. */
  #action() {
    if (!this.#isBlocked) return "Send hint";
    return this.#confirms ? "Delete the file and retry" : "Retry";
  }

  async #submit() {
    const hint = this.#field.value.trim();
    const problem = hint || this.#isBlocked ? "" : "Write a hint first.";
    this.#complain(problem);
    if (problem || this.#send.getAttribute("aria-disabled")) return;
    attr(this.#send, "aria-disabled", "true");
    const work = this.#isBlocked ? retry(this.#key, hint, this.#confirms) : sendHint(this.#key, hint);
    const message = await catchApiError(work, (error) => this.#refused(error));
    attr(this.#send, "aria-disabled", null);
    if (!message) return;
    this.#confirms = false;
    this.#field.value = "";
    toast(message, "good");
  }

  /** A retry that deletes a file asks first. @param {import("./api.js").ApiError} error @returns {string} */
  #refused(error) {
    this.#confirms = error.code === "confirm";
    text(this.#send, this.#action());
    this.#complain(error.message);
    if (this.#confirms) {
      attr(this.#field, "aria-invalid", null);
      this.#send.focus();
    }
    return "";
  }

  /** @param {string} problem empty for none */
  #complain(problem) {
    text(this.#wrong, problem);
    show(this.#wrong, problem !== "");
    attr(this.#field, "aria-invalid", problem ? "true" : null);
    if (problem) this.#field.focus();
  }
}

/**
 * @param {string} key @param {string} hint empty for none
 * @param {boolean} confirm whether a file may be deleted for it
 * @returns {Promise<string>} what was done
 */
async function retry(key, hint, confirm) {
  const fields = { ...(hint ? { hint } : {}), ...(confirm ? { confirm } : {}) };
  const { copy } = await post(`/api/stories/${encodeURIComponent(key)}/retry`, fields);
  const given = hint ? ", with your hint" : "";
  const state = copy ? `begins anew (its old file is kept in ${copy})` : "is Ready for dev again";
  return `${shortKey(key)} ${state}; the run takes it up when its turn comes${given}.`;
}

/** @param {string} key @param {string} hint @returns {Promise<string>} what was done */
async function sendHint(key, hint) {
  const { note } = await post(`/api/stories/${encodeURIComponent(key)}/hint`, { text: hint });
  return note ?? `The next command of ${shortKey(key)} gets your hint.`;
}
