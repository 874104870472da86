// @ts-check
/**
 * The prompts in the Settings tab: for each command the text that is used, the difference to the built-in one, a change,
 * and the way back. A change is made only to the copy that was shown.
 */
import { catchApiError, get, put } from "../kit/api.js";
import { attr, fill, h, list, show, text } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { isReader } from "../kit/role.js";
import { toast } from "../kit/toast.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";

/**
 * @typedef {{command: string, built_in: string, built_in_file: string, file: string, own: string | null,
 *   digest: string | null, diff: string[], used: boolean, trusted: boolean, locked: string | null,
 *   problem: string | null}} Prompt
 * @typedef {{prompts: Prompt[], workflow: string, placeholders: string[], size_max: number, note: string}} Answer of
 *   `GET /api/prompts`
 */

/** @type {Record<string, string>} */
const SIGNS = { "+": "plus", "-": "minus" };

export class Prompts {
  #note = h("p", { class: "prompts-note" });
  #rows = h("div", {});
  #read = false;
  /** @type {string[]} */ #commands = [];
  #list = list(
    this.#rows,
    (/** @type {Prompt} */ prompt) => `${prompt.command} ${prompt.locked === null}`,
    (prompt) => new PromptRow(prompt),
  );
  el = h(
    "section",
    { class: "setting-group prompts", "aria-labelledby": "prompts-title" },
    h("h3", { id: "prompts-title", text: "Prompts by command" }),
    this.#note,
    this.#rows,
  );

  constructor() {
    addEventListener("beforeunload", (event) => {
      if ([...this.#list.views()].some((row) => row.changed)) event.preventDefault();
    });
  }

  /** Reads them again where they are shown: another page has changed one. */
  changed() {
    if (!this.#read) return;
    this.#read = false;
    void this.open();
  }

  /** Reads the prompts, unless they are there. */
  async open() {
    if (this.#read) return;
    this.#read = true;
    const answer = /** @type {Answer | null} */ (
      await catchApiError(get("/api/prompts"), (error) => {
        text(this.#note, error.message);
        this.#read = false;
        return null;
      })
    );
    if (!answer) return;
    const names = answer.placeholders.map((name) => `{{${name}}}`).join(", ");
    text(this.#note, `${answer.note} Placeholders: ${names}.`);
    this.#list.render(answer.prompts);
    this.#commands = answer.prompts.filter(({ used }) => used).map(({ command }) => command);
    this.route();
  }

  /** Opens the prompt that the address names, once it is in sight. */
  route() {
    const name = urlParams().get("prompt");
    const row = name && [...this.#list.views()].find(({ command }) => command === name);
    if (!row || !this.el.checkVisibility()) return;
    setUrlParams({ prompt: null });
    row.open();
  }

  /** The commands of the workflow; empty before the prompts were read. */
  get commands() {
    return this.#commands;
  }

  /** @param {string} query in lower case @returns {boolean} whether it matches */
  filter(query) {
    return !query || `prompts ${this.#rows.textContent}`.toLowerCase().includes(query);
  }
}

class PromptRow {
  el;
  /** @type {Prompt} */ #prompt;
  #state = h("span", {});
  #body = h("div", { class: "prompt-body" });
  #field = h("textarea", { rows: 16, spellcheck: "false" });
  #wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  #source = h("p", { class: "soft" });
  #save = button("Save", () => this.#submit(this.#field.value), "primary");
  #discard = button("Discard", () => this.#fillField());
  #back = button("Back to the built-in prompt", () => this.#submit(null));
  #diffTitle = h("h4", {});
  #diff = h("pre", { class: "save-diff", tabindex: "0", role: "region" });
  #busy = false;

  /** @param {Prompt} prompt */
  constructor(prompt) {
    this.#prompt = prompt;
    const summary = h("summary", {}, h("code", { text: prompt.command }), this.#state);
    this.el = h("details", { class: "prompt", "data-prompt": prompt.command }, summary, this.#body);
    attr(this.#field, "aria-label", `Prompt of ${prompt.command}`);
    attr(this.#field, "readonly", prompt.locked !== null || isReader);
    attr(this.#diff, "aria-label", `Difference of ${prompt.command} to the built-in prompt`);
    const actions = h("div", { class: "prompt-actions", "data-verb": true }, this.#save, this.#discard, this.#back);
    show(actions, prompt.locked === null);
    this.#body.append(this.#source, this.#field, this.#wrong, actions, this.#diffTitle, this.#diff);
    this.#field.addEventListener("input", () => this.#renderActions());
    this.#fillField();
  }

  get command() {
    return this.#prompt.command;
  }

  /** Unfolds it, ready to be changed. */
  open() {
    /** @type {HTMLDetailsElement} */ (this.el).open = true;
    this.el.scrollIntoView({ block: "start" });
    this.#field.focus({ preventScroll: true });
  }

  get changed() {
    return this.#prompt.locked === null && this.#field.value !== this.#text;
  }

  get #text() {
    return this.#prompt.own ?? this.#prompt.built_in;
  }

  /** @param {Prompt} prompt what is typed and not saved stays */
  update(prompt) {
    const changed = this.changed;
    this.#prompt = prompt;
    if (!changed) this.#fillField();
    this.#render();
  }

  #fillField() {
    this.#field.value = this.#text;
    this.#complain("");
    this.#render();
  }

  #render() {
    const { own, used, trusted, locked, problem, file, built_in_file: builtIn, diff } = this.#prompt;
    const [words, tone] = stateText(this.#prompt);
    text(this.#state, [words, !used && "not in this workflow"].filter(Boolean).join(" · "));
    attr(this.#state, "data-tone", tone);
    const untrusted = trusted ? "" : " It is not trusted: read it, then save it, or trust the folder.";
    const source = own === null ? `Built in: ${builtIn}.` : `The project's own copy: ${file}.${untrusted}`;
    text(this.#source, locked ?? problem ?? source);
    fill(this.#diff, ...diff.map(diffLine));
    text(this.#diffTitle, `What differs from ${builtIn}`);
    for (const el of [this.#diffTitle, this.#diff]) show(el, own !== null && diff.length > 0);
    this.#renderActions();
  }

  #renderActions() {
    const canTrust = this.#prompt.own !== null && !this.#prompt.trusted;
    attr(this.#save, "aria-disabled", !this.changed && !canTrust ? "true" : null);
    show(this.#discard, this.changed);
    show(this.#back, this.#prompt.own !== null);
  }

  /** @param {string | null} wanted null for the built-in prompt */
  async #submit(wanted) {
    if (this.#busy || (wanted !== null && this.#save.getAttribute("aria-disabled"))) return;
    this.#busy = true;
    const { command, digest } = this.#prompt;
    const work = put(`/api/prompts/${command}`, { text: wanted, expected: digest });
    const saved = await catchApiError(work, (error) => {
      this.#complain(error.message);
      return null;
    });
    this.#busy = false;
    if (!saved) return;
    this.#prompt = saved.prompt;
    this.#fillField();
    const kept = saved.kept ? ` Your copy is kept at ${saved.kept}.` : "";
    toast(wanted === null ? `${command} uses the built-in prompt again.${kept}` : `Saved. ${saved.note}`, "good");
    this.#field.focus();
  }

  /** @param {string} problem empty for none */
  #complain(problem) {
    text(this.#wrong, problem);
    show(this.#wrong, problem !== "");
    attr(this.#field, "aria-invalid", problem ? "true" : null);
    if (problem) this.#field.focus();
  }
}

/** @param {Prompt} prompt @returns {[string, string | null]} */
function stateText({ own, trusted, problem, locked, diff }) {
  if (problem) return [problem, "bad"];
  if (locked !== null) return ["set by the workflow", null];
  if (own === null) return ["built in", null];
  if (!trusted) return ["own copy, not trusted", "warn"];
  const changes = diff.filter((line) => /^[+-]/.test(line)).length;
  return [changes ? `own copy, ${plural(changes, "line")} differ` : "own copy, the same as the built-in", "live"];
}

/** @param {string} line */
function diffLine(line) {
  return h("span", { class: "diff-line", "data-sign": SIGNS[line[0]] ?? null, text: `${line}\n` });
}

/** @param {string} words @param {() => void} click @param {string} [more] */
function button(words, click, more = "") {
  return h("button", { type: "button", class: `button small ${more}`.trim(), text: words, on: { click } });
}
