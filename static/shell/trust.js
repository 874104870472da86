// @ts-check
/**
 * Trust in the project's folder: a banner lists the settings that do not count yet, and a dialog asks once before the
 * first agent is started. Both trust exactly the values that they show.
 */
import { catchApiError, get, post } from "../kit/api.js";
import { attr, byId, h, show, text } from "../kit/dom.js";
import { toast } from "../kit/toast.js";

/**
 * @typedef {{name: string, value: string | null, before: string | null}} Difference
 * @typedef {{folder: string, file: string, hash: string, trusted: boolean, waiting: Difference[], agent: string,
 *   instructions: string[], restart: string[]}} Trust of `GET /api/trust`
 */

/** @param {string[]} names @returns {string} what a restart would bring, "" when nothing waits for one */
export function restartText(names) {
  if (!names.length) return "";
  const verbs = names.length === 1 ? ["is", "counts"] : ["are", "count"];
  return `Restart the server: ${names.join(", ")} ${verbs[0]} trusted and ${verbs[1]} from its next start on.`;
}

/** @param {Trust} trust @returns {string} why the banner or the dialog is there */
export function reasonText({ folder, file, waiting }) {
  if (!waiting.length) return `No one has trusted ${folder} yet.`;
  const changed = waiting.some(({ before }) => before !== null);
  const these = changed ? "These settings have changed since they were trusted," : "These settings";
  const prompts = waiting.some(({ name }) => name.startsWith("prompts."));
  const promptWords = prompts ? ", or are prompts that agents follow (Settings, Prompts)" : "";
  const effect = `start programs, open the network or lead out of the folder${promptWords}, so they do not count before you trust them.`;
  return `${file} in ${folder} comes with the project. ${these} ${effect}`;
}

export class FolderTrust {
  #banner = byId("trust");
  #button = /** @type {HTMLButtonElement} */ (byId("trust-accept"));
  #dialog = /** @type {HTMLDialogElement} */ (byId("trust-dialog"));
  #onTrusted;
  /** @type {Trust | null} */ #trust = null;

  /** @param {() => unknown} onTrusted */
  constructor(onTrusted) {
    this.#onTrusted = onTrusted;
    this.#button.addEventListener("click", () => this.#accept());
  }

  /** Reads what waits for trust, and shows or hides the banner. */
  async read() {
    const trust = /** @type {Trust | null} */ (await catchApiError(get("/api/trust")));
    this.#trust = trust;
    const restart = restartText(trust?.restart ?? []);
    show(this.#banner, Boolean(trust?.waiting.length || restart));
    if (!trust) return;
    const waits = trust.waiting.length > 0;
    text(byId("trust-title"), waits ? "Settings that are not trusted" : "Trusted after a restart");
    text(byId("trust-words"), waits ? reasonText(trust) : "");
    text(byId("trust-restart"), restart);
    renderList(byId("trust-list"), trust.waiting);
    show(this.#button, waits);
  }

  /**
   * Asks before the first agent is started.
   * @returns {Promise<string | null>} why nothing is to be started; null once the folder is trusted
   */
  async ask() {
    await this.read();
    const trust = this.#trust;
    if (!trust) return "The settings of this folder cannot be read: open the Settings tab.";
    if (trust.trusted) return null;
    text(byId("trust-dialog-words"), reasonText(trust));
    renderList(byId("trust-dialog-list"), trust.waiting);
    text(byId("trust-dialog-agent"), trust.agent);
    const obeyed = trust.instructions.join(", ");
    text(byId("trust-dialog-obeys"), obeyed ? `It obeys what the project itself says in ${obeyed}.` : "");
    if (!(await this.#confirmed())) return "Nothing was started: the folder is not trusted.";
    const refusal = await this.#send(trust);
    return refusal ?? (restartText(this.#trust?.restart ?? []) || null);
  }

  /** @returns {Promise<boolean>} */
  #confirmed() {
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    const closed = (/** @type {(value: boolean) => void} */ resolve) =>
      this.#dialog.addEventListener("close", () => resolve(this.#dialog.returnValue === "trust"), { once: true });
    return new Promise(closed);
  }

  async #accept() {
    if (!this.#trust || this.#button.hasAttribute("aria-disabled")) return;
    attr(this.#button, "aria-disabled", true);
    const refusal = await this.#send(this.#trust);
    attr(this.#button, "aria-disabled", null);
    toast(refusal ?? "The folder and these settings are trusted.");
  }

  /** @param {Trust} trust as it was shown @returns {Promise<string | null>} why it was refused */
  async #send({ hash }) {
    const refusal = await catchApiError(
      post("/api/trust", { hash }).then(() => null),
      (error) => error.message,
    );
    if (refusal === null) this.#onTrusted();
    await this.read();
    return refusal;
  }
}

/** @param {HTMLElement} parent a `dl` @param {Difference[]} waiting */
function renderList(parent, waiting) {
  parent.replaceChildren(...waiting.map(createRow));
}

/** @param {Difference} difference */
function createRow({ name, value, before }) {
  const now = value === null ? h("dd", { text: "(taken out)" }) : h("dd", {}, h("code", { text: value }));
  const was = before !== null && h("p", { class: "trust-before" }, "before: ", h("code", { text: before }));
  if (was) now.append(was);
  return h("div", { "data-trust": name }, h("dt", {}, h("code", { text: name })), now);
}
