// @ts-check
/**
 * One setting of the Settings tab: what it does, its control, its range, where its value comes from, when it applies.
 */
import { attr, h, icon, show, text } from "../kit/dom.js";
import { createAgentOrder } from "./agent-order.js";
import { createCommandsTable } from "./commands-table.js";
import { createNoticeTest } from "./notice-test.js";
import { parse, sourceText, titleOf, toText, words, yaml } from "./setting-format.js";

/** @typedef {import("./setting-format.js").Setting} Setting */

/** @typedef {HTMLElement & {value: string}} Control */

/** The draft that takes the setting out of the file. */
const RESET = Symbol("reset");

export class SettingField {
  el;
  /** @type {Setting} */ #setting;
  /** @type {Control | null} */ #control;
  #parts;
  #onChange;
  /** The value that the draft began from, to notice a change by another page. @type {any} */ #base;
  /** @type {string | typeof RESET | null} */ #draft = null;
  /** Why the server refuses the draft. */
  #refusal = "";

  /** @param {Setting} setting @param {() => void} onChange */
  constructor(setting, onChange) {
    const id = `setting-${setting.name}`;
    this.#setting = setting;
    this.#base = setting.value;
    this.#onChange = onChange;
    this.#control = setting.locked ? null : createControl(setting, id);
    this.#parts = createParts(setting, id);
    this.el = createElement(setting, id, this.#control, this.#parts);
    const control = this.#control;
    control?.addEventListener("input", () => this.#set(control.value));
    this.#parts.reset.addEventListener("click", () => {
      this.#set(this.changed ? null : RESET);
      control?.focus();
    });
  }

  get name() {
    return this.#setting.name;
  }

  get changed() {
    const draft = this.#draft;
    return draft === RESET || (draft !== null && draft.trim() !== toText(this.#setting.value));
  }

  /** The value to save: undefined when nothing has changed, null for the default. */
  get change() {
    return this.changed ? this.#parsed.value : undefined;
  }

  get error() {
    return this.changed ? this.#parsed.error : null;
  }

  /** @param {Setting} next */
  update(next) {
    this.#setting = next;
    const control = this.#control;
    if (this.#draft === null && control && control.value !== toText(next.value)) control.value = toText(next.value);
    if (this.#draft !== null && !this.changed) this.#draft = null;
    this.#draw();
  }

  /** @param {string} sentence of the server */
  refuse(sentence) {
    this.#refusal = sentence;
    this.#draw();
  }

  /** Names the commands of the workflow, for the setting that is about them. @param {string[]} commands */
  offerCommands(commands) {
    if (this.#control && "offer" in this.#control) /** @type {any} */ (this.#control).offer(commands);
  }

  discard() {
    this.#set(null);
  }

  /** Whether it can be edited here. */
  get editable() {
    return this.#setting.locked === null;
  }

  focus() {
    this.#control?.focus();
  }

  get #parsed() {
    const draft = this.#draft;
    if (draft === null) return { value: undefined, error: null };
    return draft === RESET ? { value: null, error: null } : parse(this.#setting, draft);
  }

  /** @param {string | typeof RESET | null} draft */
  #set(draft) {
    const { value, default: initial } = this.#setting;
    if (this.#draft === null) this.#base = value;
    this.#draft = draft;
    this.#refusal = "";
    if (this.#control && typeof draft !== "string") this.#control.value = toText(draft === RESET ? initial : value);
    if (!this.changed) this.#draft = null;
    this.#draw();
    this.#onChange();
  }

  #draw() {
    const { plain, facts, lock } = this.#parts;
    const setting = this.#setting;
    attr(this.el, "data-changed", this.changed);
    text(facts, factsText(setting));
    text(plain, setting.kind === "mapping" ? yaml(setting.value ?? {}) || "none" : words(setting, setting.value));
    text(lock.lastElementChild ?? lock, setting.locked ?? "");
    show(lock, setting.locked !== null);
    this.#drawError();
    this.#drawReset();
    this.#drawNews();
    if (this.#parts.test) show(this.#parts.test, Boolean(setting.value) && !this.changed);
  }

  #drawError() {
    const { wrong } = this.#parts;
    const message = this.error || this.#refusal;
    show(wrong, message !== "");
    text(wrong, message);
    if (this.#control) attr(this.#control, "aria-invalid", message ? "true" : null);
  }

  #drawReset() {
    const { reset } = this.#parts;
    const { locked, source } = this.#setting;
    show(reset, !locked && (source === "file" || this.changed));
    const undo = this.#draft === RESET ? "Keep it" : "Undo";
    text(reset, this.changed ? undo : "Reset to default");
  }

  #drawNews() {
    const { news } = this.#parts;
    const setting = this.#setting;
    const isReset = this.#draft === RESET;
    show(news, isReset || (this.changed && toText(this.#base) !== toText(setting.value)));
    const back = `Goes back to the default: ${words(setting, setting.default)}.`;
    text(news, isReset ? back : `Changed elsewhere meanwhile: it is ${words(setting, setting.value)} now.`);
  }
}

/** The elements of a field that change. @param {Setting} setting @param {string} id */
function createParts(setting, id) {
  const isMapping = setting.kind === "mapping";
  const title = titleOf(setting.name);
  return {
    plain: h(isMapping ? "pre" : "p", {
      class: "setting-value",
      tabindex: isMapping ? "0" : null,
      "aria-label": isMapping ? title : null,
    }),
    facts: h("p", { class: "setting-facts", id: `${id}-facts` }),
    wrong: h("p", { class: "setting-wrong", id: `${id}-wrong`, hidden: true }),
    news: h("p", { class: "setting-news", hidden: true }),
    test: createNoticeTest(setting.name),
    lock: h("p", { class: "setting-lock", id: `${id}-lock` }, icon("lock"), h("span")),
    reset: h("button", {
      type: "button",
      class: "plain",
      text: "Reset to default",
      "aria-label": `Reset ${title} to its default`,
    }),
  };
}

/**
 * @param {Setting} setting
 * @param {string} id
 * @param {HTMLElement | null} control
 * @param {ReturnType<typeof createParts>} parts
 */
function createElement(setting, id, control, { plain, facts, wrong, news, test, lock, reset }) {
  const { name, effect, kind } = setting;
  const isField = control !== null && kind !== "mapping";
  const label = { class: "setting-name", for: isField ? id : null, text: titleOf(name) };
  const head = h(
    "div",
    { class: "setting-head" },
    h(isField ? "label" : "h4", label),
    h("code", { text: name }),
    h("p", { class: "setting-effect", text: `${capitalised(effect)}.` }),
  );
  const body = h("div", { class: "setting-body" }, control ?? plain, wrong, news, test, facts, lock, reset);
  return h("div", { class: "setting", "data-setting": name, "data-wide": kind === "mapping" }, head, body);
}

/** @param {Setting} setting */
function factsText(setting) {
  const isMapping = setting.kind === "mapping";
  const isDefault = isMapping || setting.source === "default";
  const facts = [
    isMapping ? "" : setting.allowed,
    sourceText(setting),
    isDefault ? "" : `default ${words(setting, setting.default)}`,
    `takes effect ${setting.applies}`,
  ];
  return capitalised(facts.filter(Boolean).join(" · "));
}

/** @param {Setting} setting @param {string} id @returns {Control} */
function createControl(setting, id) {
  const props = { id, name: setting.name, "aria-describedby": `${id}-wrong ${id}-facts` };
  const options = optionsOf(setting);
  /** @type {Control} */
  const control =
    createSpecial(setting, props) ?? (options.length ? createSelect(options, props) : createInput(setting, props));
  control.value = toText(setting.value);
  return control;
}

/** @param {Setting} setting @param {Record<string, string>} props @returns {Control | null} */
function createSpecial({ kind, name, choices }, props) {
  if (name === "commands") return createCommandsTable(choices);
  return kind === "agents" ? createAgentOrder(choices, props) : null;
}

/** @param {string[][]} options value and label @param {Record<string, string>} props */
function createSelect(options, props) {
  return h("select", props, ...options.map(([value, label]) => h("option", { value, text: label })));
}

/** How the page calls a choice whose name in the file it does not use otherwise. @type {Record<string, string>} */
const CHOICE_WORDS = { cycle: "group of stories" };

/** @param {Setting} setting @returns {string[][]} value and label */
function optionsOf({ kind, choices }) {
  if (kind === "list") return subsets(choices).map((some) => [some.join(", "), some.join(", ") || "none"]);
  if (kind !== "boolean") return choices.map((choice) => [choice, CHOICE_WORDS[choice] ?? choice]);
  return [
    ["true", "on"],
    ["false", "off"],
  ];
}

/** All selections of some choices, in their order. @param {string[]} choices @returns {string[][]} */
function subsets(choices) {
  /** @type {string[][]} */
  const all = [[]];
  for (const choice of choices) all.push(...all.map((some) => [...some, choice]));
  return all;
}

/** @type {Record<string, string>} */
const INPUT_MODES = { integer: "numeric", number: "decimal" };

/** @param {Setting} setting @param {Record<string, string>} props */
function createInput({ kind, optional }, props) {
  return h("input", {
    ...props,
    type: "text",
    inputmode: INPUT_MODES[kind] ?? null,
    placeholder: optional ? "none" : null,
    autocomplete: "off",
    spellcheck: "false",
    class: kind in INPUT_MODES ? "short" : "",
  });
}

/** @param {string} sentence */
function capitalised(sentence) {
  return sentence[0].toUpperCase() + sentence.slice(1);
}
