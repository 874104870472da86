// @ts-check
/** The form of what to start: how many cycles, which stories, which agent, which budget. It is checked in place. */
import { catchApiError, get } from "../kit/api.js";
import { attr, byId, h, show, text } from "../kit/dom.js";
import { shortKey, statusText } from "../kit/format.js";
import { readStored, writeStored } from "../kit/storage.js";
import { StoryPicker } from "./story-picker.js";

/** @typedef {import("../shell/plan.js").Plan} Plan */
/** @typedef {{batch_size: number | "all", stories?: string[], agent?: string, budget_usd?: number,
 *   start_at?: string, gates?: string[]}} Request */
/** @typedef {{value: any, wrong: string}} Read the value of a field, or what is wrong with it */

/** The bounds of a batch, as the server has them. */
const MOST_CYCLES = 1000;
const MOST_BUDGET = 1_000_000;

/** @param {string} text @returns {Read} a number of cycles */
export function readCycles(text) {
  const size = Number(text);
  const right = text.trim() !== "" && Number.isInteger(size) && size >= 1 && size <= MOST_CYCLES;
  return right
    ? { value: size, wrong: "" }
    : { value: null, wrong: `The number of groups must be a whole number from 1 to ${MOST_CYCLES}.` };
}

/**
 * @param {string} text
 * @param {boolean} [bad] whether the field contains no number at all
 * @returns {Read} US dollars, null for no cap
 */
export function readBudget(text, bad = false) {
  if (!text.trim() && !bad) return { value: null, wrong: "" };
  const usd = Number(text);
  if (!bad && usd > 0 && usd <= MOST_BUDGET) return { value: usd, wrong: "" };
  return { value: null, wrong: "The budget must be a number above 0. Leave it empty for none." };
}

/** @param {string} text @param {Plan} plan @returns {Read} whole keys, null for all stories */
export function readStories(text, plan) {
  const names = text.split(/[\s,;]+/).filter(Boolean);
  if (!names.length) return { value: null, wrong: "" };
  const found = names.map((name) => findStory(plan, name));
  const unknown = names.filter((_, index) => !found[index]);
  if (unknown.length) return { value: null, wrong: unknownText(unknown) };
  const stories = found.flatMap((story) => story ?? []);
  const resting = stories.filter((story) => !story.runnable);
  if (resting.length) return { value: null, wrong: restingText(resting) };
  return { value: [...new Set(stories.map((story) => story.key))], wrong: "" };
}

/** @param {Plan} plan @param {string} name a key or the number of a story */
function findStory(plan, name) {
  const number = name.toLowerCase();
  return plan.byKey.get(name) ?? plan.stories.find((story) => shortKey(story.key).toLowerCase() === number);
}

/** @param {string[]} names */
function unknownText(names) {
  return `The plan has no ${names.length === 1 ? "story" : "stories"} ${names.join(", ")}.`;
}

/** @param {import("../shell/plan.js").PlanStory[]} stories */
function restingText(stories) {
  const all = stories.map(({ key, status }) => `${shortKey(key)} is ${statusText(status).toLowerCase()}`);
  return `${all.join(", ")}.`;
}

export class StartForm {
  #cycles = input("cycles");
  /** The choice of so many cycles, instead of all stories. */
  #limited = input("amount-cycles");
  #budget = input("start-budget");
  #stories = input("start-stories");
  #at = input("start-at");
  #picker;
  #gates = new GateChoice();
  #agent = /** @type {HTMLSelectElement} */ (byId("start-agent"));
  #more = byId("start-more");
  #agentsOffered = false;
  #page;

  /** @param {{plan: () => Plan, onChange: () => void, onSubmit: () => void}} page */
  constructor(page) {
    this.#page = page;
    this.#picker = new StoryPicker({
      plan: page.plan,
      size: () => this.#read().size.value ?? "all",
      onChange: page.onChange,
    });
    recallSize(this.#cycles, this.#limited);
    this.#budget.value = readStored("start-budget", "");
    this.#renderUnit();
    this.#addListeners();
    if (readStored("start-options", "")) queueMicrotask(() => this.#setOpen(true));
  }

  get open() {
    return this.#more.getAttribute("aria-expanded") === "true";
  }

  /** What Start would start, as far as the fields are valid. */
  chosen() {
    const { size, budget, stories } = this.#read();
    return {
      cycles: size.value ?? "all",
      budget: budget.value,
      stories: stories.value,
      agent: this.#agent.value,
    };
  }

  /** The query of a forecast or a preview of what Start would start. @returns {Record<string, string>} */
  query() {
    const { cycles, stories, agent } = this.chosen();
    const at = this.#at.value;
    return {
      batch_size: String(cycles),
      ...(stories && { stories: stories.join(",") }),
      ...(agent && { agent }),
      ...(at && { start_at: at }),
    };
  }

  /** The gates of the batch where they are not those of the settings, for a preview. @returns {Record<string, string>} */
  get gates() {
    return this.#gates.changed ? { gates: this.#gates.value.join() } : {};
  }

  /** The request; null after showing what is wrong and focusing it. @returns {Request | null} */
  request() {
    const { size, budget, stories } = this.#read();
    const wrong = this.#showErrors();
    if (wrong) {
      if (wrong !== this.#cycles) this.#setOpen(true);
      wrong.focus();
      return null;
    }
    writeStored("batch-size", String(size.value));
    writeStored("start-budget", budget.value === null ? null : String(budget.value));
    const agent = this.#agent.value;
    return {
      batch_size: size.value,
      ...(stories.value && { stories: stories.value }),
      ...(agent && { agent }),
      ...(budget.value && { budget_usd: budget.value }),
      ...(this.#at.value && { start_at: this.#at.value }),
      ...(this.#gates.changed && { gates: this.#gates.value }),
    };
  }

  /** A batch was started: its stories were chosen for it alone. */
  started() {
    this.#picker.clear();
    this.#gates.reset();
    this.#at.value = "";
    this.#setOpen(false);
  }

  /** The plan, the queue or the size has changed. */
  render() {
    if (this.open) this.#picker.render();
  }

  #addListeners() {
    byId("start-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#page.onSubmit();
    });
    this.#more.addEventListener("click", () => this.#setOpen(!this.open));
    this.#cycles.addEventListener("input", () => {
      this.#limited.checked = true;
      this.#renderUnit();
    });
    for (const field of [this.#cycles, this.#budget, this.#stories])
      field.addEventListener("change", () => this.#showErrors());
    for (const type of ["input", "change"])
      for (const id of ["start-form", "start-fields"]) byId(id).addEventListener(type, () => this.#page.onChange());
  }

  #read() {
    /** @type {Read} */
    const all = { value: "all", wrong: "" };
    return {
      size: this.#limited.checked ? readCycles(this.#cycles.value) : all,
      budget: readBudget(this.#budget.value, this.#budget.validity.badInput),
      stories: this.#readStories(),
    };
  }

  /** What is chosen in the list; without a choice, the keys that are typed. @returns {Read} */
  #readStories() {
    const { keys, typed } = this.#picker;
    return keys.length ? { value: keys, wrong: "" } : readStories(typed, this.#page.plan());
  }

  /** Shows what is wrong beside each field. @returns {HTMLInputElement | undefined} the first field that is wrong */
  #showErrors() {
    const { size, budget, stories } = this.#read();
    const fields = /** @type {const} */ ([
      [this.#cycles, "cycles-wrong", size],
      [this.#budget, "budget-wrong", budget],
      [this.#stories, "stories-wrong", stories],
    ]);
    for (const [field, id, { wrong }] of fields) showError(field, id, wrong);
    return fields.find(([, , { wrong }]) => wrong)?.[0];
  }

  #renderUnit() {
    text(byId("cycles-unit"), this.#cycles.value === "1" ? "group" : "groups");
  }

  /** @param {boolean} open */
  #setOpen(open) {
    attr(this.#more, "aria-expanded", String(open));
    writeStored("start-options", open ? "open" : null);
    if (open && !this.#agentsOffered) offerSettings(this.#agent, this.#gates);
    if (open) this.#picker.render();
    this.#agentsOffered ||= open;
    this.#page.onChange();
  }
}

/** @param {string} id @returns {HTMLInputElement} */
function input(id) {
  return byId(id);
}

/** @param {HTMLElement} field @param {string} id of the element beside it @param {string} wrong "" for nothing */
function showError(field, id, wrong) {
  attr(field, "aria-invalid", wrong ? "true" : null);
  text(byId(id), wrong);
  show(byId(id), Boolean(wrong));
}

/** @param {HTMLInputElement} cycles @param {HTMLInputElement} limited */
function recallSize(cycles, limited) {
  const size = readStored("batch-size", "all");
  if (size === "all") return;
  cycles.value = size;
  limited.checked = true;
}

/** The gates of the batch: those of the settings, until the operator chooses others. */
class GateChoice {
  #boxes = [...byId("start-gates").querySelectorAll("input")];
  /** @type {string[]} */ #usual = [];

  get value() {
    return this.#boxes.filter((box) => box.checked).map((box) => box.value);
  }

  get changed() {
    return this.value.join() !== this.#usual.join();
  }

  /** @param {string[]} gates of the settings */
  offer(gates) {
    this.#usual = this.#boxes.map((box) => box.value).filter((gate) => gates.includes(gate));
    this.reset();
  }

  reset() {
    for (const box of this.#boxes) box.checked = this.#usual.includes(box.value);
  }
}

/**
 * Offers the agents and gates of the settings, which are read when the options are first opened.
 * @param {HTMLSelectElement} select
 * @param {GateChoice} gates
 */
async function offerSettings(select, gates) {
  const answer = await catchApiError(get("/api/settings"));
  if (!answer) return;
  const value = (/** @type {string} */ name) =>
    answer.settings.find((/** @type {any} */ setting) => setting.name === name)?.value;
  text(select.options[0], `As set${value("agent") ? ` (${value("agent")})` : ""}`);
  gates.offer(value("gates") ?? []);
  const names = Object.keys(value("agents") ?? {}).sort();
  select.append(...names.map((name) => h("option", { value: name, text: name })));
}
