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
    text(this.#send, isBlocked ? "Retry" : "Send hint");
    this.#send.classList.toggle("primary", isBlocked);
  }

  async #submit() {
    const hint = this.#field.value.trim();
    const problem = hint || this.#isBlocked ? "" : "Write a hint first.";
    this.#complain(problem);
    if (problem || this.#send.getAttribute("aria-disabled")) return;
    attr(this.#send, "aria-disabled", "true");
    const work = this.#isBlocked ? retry(this.#key, hint) : sendHint(this.#key, hint);
    const message = await catchApiError(work, (error) => {
      this.#complain(error.message);
      return "";
    });
    attr(this.#send, "aria-disabled", null);
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

/** @param {string} key @param {string} hint empty for none @returns {Promise<string>} what was done */
async function retry(key, hint) {
  await post(`/api/stories/${encodeURIComponent(key)}/retry`, hint ? { hint } : {});
  const given = hint ? ", with your hint" : "";
  return `${shortKey(key)} is Ready for dev again; the run takes it up when its turn comes${given}.`;
}

/** @param {string} key @param {string} hint @returns {Promise<string>} what was done */
async function sendHint(key, hint) {
  const { note } = await post(`/api/stories/${encodeURIComponent(key)}/hint`, { text: hint });
  return note ?? `The next command of ${shortKey(key)} gets your hint.`;
}
