// @ts-check
/** The form with which the operator gives a story's next command a hint, and tries a blocked story again. */
import { post } from "./api.js";
import { shortKey } from "./format.js";
import { TextForm } from "./text-form.js";

export class HintForm {
  el;
  #key;
  #base;
  #isBlocked = false;
  /** Whether the operator was asked if a file may be deleted for the retry. */
  #confirms = false;
  #form;

  /** @param {string} key of the story @param {string} [base] of its runner */
  constructor(key, base = "") {
    this.#key = key;
    this.#base = base;
    this.#form = new TextForm(
      (hint) => this.#send(hint),
      (error) => this.#refused(error),
    );
    this.el = this.#form.el;
    this.update(false);
  }

  /** @param {boolean} isBlocked whether the story waits for another try */
  update(isBlocked) {
    this.#isBlocked = isBlocked;
    this.#confirms = this.#confirms && isBlocked;
    const label = `Hint for the next command of ${this.#key}`;
    const button = this.#confirms ? "Delete the file and retry" : "Retry";
    this.#form.update(
      isBlocked
        ? { label, placeholder: "A hint for the next try, if you have one", button, primary: true }
        : { label, placeholder: "A hint", button: "Send hint", missing: "Write a hint first." },
    );
  }

  /** @param {string} hint @returns {Promise<string>} what was done */
  async #send(hint) {
    if (!this.#isBlocked) return sendHint(this.#key, hint, this.#base);
    const done = await retry(this.#base, this.#key, hint, this.#confirms);
    this.#confirms = false;
    return done;
  }

  /** A retry that deletes a file asks first. @param {import("./api.js").ApiError} error @returns {boolean} */
  #refused(error) {
    this.#confirms = error.code === "confirm";
    this.update(this.#isBlocked);
    return this.#confirms;
  }
}

/**
 * @param {string} base of the story's runner @param {string} key @param {string} hint empty for none
 * @param {boolean} confirm whether a file may be deleted for it
 * @returns {Promise<string>} what was done
 */
async function retry(base, key, hint, confirm) {
  const fields = { ...(hint ? { hint } : {}), ...(confirm ? { confirm } : {}) };
  const { copy } = await post(`${base}/api/stories/${encodeURIComponent(key)}/retry`, fields);
  const given = hint ? ", with your hint" : "";
  const state = copy ? `begins anew (its old file is kept in ${copy})` : "is Ready for dev again";
  return `${shortKey(key)} ${state}; the run takes it up when its turn comes${given}.`;
}

/**
 * @param {string} key
 * @param {string} hint
 * @param {string} [base] of the story's runner
 * @returns {Promise<string>} what was done
 */
export async function sendHint(key, hint, base = "") {
  const { note } = await post(`${base}/api/stories/${encodeURIComponent(key)}/hint`, { text: hint });
  return note ?? `The next command of ${shortKey(key)} gets your hint.`;
}
