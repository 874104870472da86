// @ts-check
/**
 * Another try of blocked stories from the step that has blocked them. A story enters the workflow at the step that its
 * status names (docs/workflow.md), so the step decides on the status that the story gets.
 */
import { ApiError, post } from "./api.js";
import { attr, h, show, text } from "./dom.js";
import { shortCommand, shortKey } from "./format.js";
import { toast } from "./toast.js";

/** @typedef {{status: string, step: string}} Entry the status, and the command with which a story begins that has it */

/** By the first words of a command's name. @type {readonly [RegExp, Entry][]} */
const ENTRIES = [
  [/^(create-story|story-discovery|story-review)/, { status: "backlog", step: "create-story" }],
  [/^(create-tech-spec|tech-spec-review)/, { status: "ready-for-dev", step: "create-tech-spec" }],
  [/^(dev-story|build-)/, { status: "ready-for-dev", step: "" }],
  [/^(code-review|commit)/, { status: "review", step: "code-review" }],
];

/** Where a story continues that this command has blocked; null for a command of a preset of the project's own. @param {string} command @returns {Entry | null} */
export function entryOf(command) {
  const entry = ENTRIES.find(([name]) => name.test(command))?.[1];
  return entry ? { ...entry, step: entry.step || command } : null;
}

/** The button of a step. It is hidden while `update` names no story. */
export class StepRetry {
  el = h("button", { type: "button", class: "button small step-retry", "data-verb": true, hidden: true });
  /** @type {readonly string[]} */ #keys = [];
  /** @type {Entry | null} */ #entry;

  /** @param {string} command of the step */
  constructor(command) {
    this.#entry = entryOf(command);
    const step = this.#entry && shortCommand(this.#entry.step);
    text(this.el, step ? `Retry from ${step}` : "Retry");
    this.el.addEventListener("click", () => void this.#retry());
  }

  /** @param {readonly string[]} keys of the stories that the step has blocked */
  update(keys) {
    this.#keys = keys;
    show(this.el, keys.length > 0 && this.#entry !== null);
    attr(this.el, "aria-label", keys.length ? `${this.el.textContent}: ${keys.map(shortKey).join(", ")}` : null);
  }

  async #retry() {
    if (!this.#entry) return;
    const { status, step } = this.#entry;
    for (const key of this.#keys) {
      try {
        const { copy } = await post(`/api/stories/${encodeURIComponent(key)}/retry`, { status });
        const from = copy ? "begins anew" : `continues at ${shortCommand(step)}`;
        toast(`${shortKey(key)} ${from}; the run takes it up when its turn comes.`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const open = () => (location.hash = `#run?${new URLSearchParams({ story: key, dossier: "conversation" })}`);
        // A retry that deletes a file is confirmed in the story's form.
        toast(error.message, "bad", error.code === "confirm" ? [{ words: "Open the story", run: open }] : []);
      }
    }
  }
}
