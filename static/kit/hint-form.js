// @ts-check
/** The form with which the operator gives a story's next command a hint, and tries a blocked story again. */
import { post } from "./api.js";
import { shortKey } from "./format.js";
import { TextForm } from "./text-form.js";

export class HintForm {
  el;
  #key;
  #isBlocked = false;
  #form;

  /** @param {string} key of the story */
  constructor(key) {
    this.#key = key;
    this.#form = new TextForm((hint) => (this.#isBlocked ? retry(key, hint) : sendHint(key, hint)));
    this.el = this.#form.el;
    this.update(false);
  }

  /** @param {boolean} isBlocked whether the story waits for another try */
  update(isBlocked) {
    this.#isBlocked = isBlocked;
    const label = `Hint for the next command of ${this.#key}`;
    this.#form.update(
      isBlocked
        ? { label, placeholder: "A hint for the next try, if you have one", button: "Retry", primary: true }
        : { label, placeholder: "A hint", button: "Send hint", missing: "Write a hint first." },
    );
  }
}

/** @param {string} key @param {string} hint empty for none @returns {Promise<string>} what was done */
async function retry(key, hint) {
  await post(`/api/stories/${encodeURIComponent(key)}/retry`, hint ? { hint } : {});
  const given = hint ? ", with your hint" : "";
  return `${shortKey(key)} is Ready for dev again; the run takes it up when its turn comes${given}.`;
}

/** @param {string} key @param {string} hint @returns {Promise<string>} what was done */
export async function sendHint(key, hint) {
  const { note } = await post(`/api/stories/${encodeURIComponent(key)}/hint`, { text: hint });
  return note ?? `The next command of ${shortKey(key)} gets your hint.`;
}
