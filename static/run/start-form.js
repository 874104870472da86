// @ts-check
/**
 * What to start: how many cycles, which stories, which agent, for how much. Checked in place, remembered, said in
 * words.
 */
import { ApiError, get } from "../kit/api.js";
import { attr, byId, h, show, text } from "../kit/dom.js";
import { shortKey, statusWords } from "../kit/format.js";
import { recall, remember } from "../kit/storage.js";

/** @typedef {import("../shell/plan.js").Plan} Plan */
/** @typedef {{batch_size: number | "all", stories?: string[], agent?: string, budget_usd?: number}} Request */
/** @typedef {{value: any, wrong: string}} Read a field's value, or what is wrong with it */

/** The bounds of a batch, as the server has them. */
const MOST_CYCLES = 1000;
const MOST_BUDGET = 1_000_000;

/** @param {string} text @returns {Read} a number of cycles */
export function readCycles(text) {
  const size = Number(text);
  const right = text.trim() !== "" && Number.isInteger(size) && size >= 1 && size <= MOST_CYCLES;
  return right
    ? { value: size, wrong: "" }
    : { value: null, wrong: `The number of cycles must be a whole number from 1 to ${MOST_CYCLES}.` };
}

/**
 * @param {string} text
 * @param {boolean} [bad] the field holds what is no number at all
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
  const found = names.map(
    (name) =>
      plan.byKey.get(name) ?? plan.stories.find((story) => shortKey(story.key).toLowerCase() === name.toLowerCase()),
  );
  const strange = names.filter((_, index) => !found[index]);
  if (strange.length)
    return {
      value: null,
      wrong: `The plan has no ${strange.length === 1 ? "story" : "stories"} ${strange.join(", ")}.`,
    };
  const resting = found.filter((story) => story && !story.runnable);
  if (resting.length)
    return {
      value: null,
      wrong:
        resting
          .map((story) => story && `${shortKey(story.key)} is ${statusWords(story.status).toLowerCase()}`)
          .join(", ") + ".",
    };
  return { value: [...new Set(found.map((story) => story?.key))], wrong: "" };
}

/** @param {{plan: () => Plan, onChange: () => void, onSubmit: () => void}} page */
export function createStartForm(page) {
  const [cycles, only] = [input("cycles"), input("amount-cycles")];
  const [budget, stories] = [input("start-budget"), input("start-stories")];
  const agent = /** @type {HTMLSelectElement} */ (byId("start-agent"));
  const more = byId("start-more");
  let offered = false;

  /** @param {boolean} told whether what is wrong is said; else only read */
  function read(told) {
    const size = only.checked ? readCycles(cycles.value) : { value: /** @type {const} */ ("all"), wrong: "" };
    const most = readBudget(budget.value, budget.validity.badInput);
    const which = readStories(stories.value, page.plan());
    if (told)
      for (const [field, id, { wrong }] of /** @type {const} */ ([
        [cycles, "cycles-wrong", size],
        [budget, "budget-wrong", most],
        [stories, "stories-wrong", which],
      ]))
        say(field, id, wrong);
    const first = [
      [cycles, size],
      [budget, most],
      [stories, which],
    ].find(([, got]) => /** @type {Read} */ (got).wrong);
    return {
      size: size.value,
      budget: most.value,
      stories: which.value,
      agent: agent.value,
      first: /** @type {HTMLInputElement | undefined} */ (first?.[0]),
    };
  }

  function unit() {
    text(byId("cycles-unit"), cycles.value === "1" ? "cycle" : "cycles");
  }

  /** @param {boolean} open */
  function unfold(open) {
    attr(more, "aria-expanded", String(open));
    remember("start-options", open ? "open" : null);
    if (open && !offered) offerAgents(agent);
    offered ||= open;
    page.onChange();
  }

  recallSize(cycles, only);
  budget.value = recall("start-budget", "");
  unit();
  byId("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    page.onSubmit();
  });
  more.addEventListener("click", () => unfold(more.getAttribute("aria-expanded") !== "true"));
  cycles.addEventListener("input", () => {
    only.checked = true;
    unit();
  });
  for (const field of [cycles, budget, stories]) field.addEventListener("change", () => read(true));
  for (const type of ["input", "change"])
    for (const id of ["start-form", "start-fields"]) byId(id).addEventListener(type, () => page.onChange());
  if (recall("start-options", "")) queueMicrotask(() => unfold(true));

  return {
    /** What Start would start, as far as the fields make sense. */
    chosen() {
      const { size, budget: usd, stories: keys, agent: name } = read(false);
      return { cycles: size ?? "all", budget: usd, stories: keys, agent: name };
    },
    get open() {
      return more.getAttribute("aria-expanded") === "true";
    },
    /** The request, or null after saying what is wrong and going there. @returns {Request | null} */
    request() {
      const { size, budget: usd, stories: keys, agent: name, first } = read(true);
      if (first) {
        if (first !== cycles) unfold(true);
        first.focus();
        return null;
      }
      remember("batch-size", String(size));
      remember("start-budget", usd === null ? null : String(usd));
      return {
        batch_size: size,
        ...(keys && { stories: keys }),
        ...(name && { agent: name }),
        ...(usd && { budget_usd: usd }),
      };
    },
    /** A batch was started: the choice of its stories was for it alone, and the fields have done their work. */
    started() {
      stories.value = "";
      unfold(false);
    },
  };
}

/** @param {string} id @returns {HTMLInputElement} */
function input(id) {
  return byId(id);
}

/** What is wrong with a field, beside it. @param {HTMLElement} field @param {string} id @param {string} wrong */
function say(field, id, wrong) {
  attr(field, "aria-invalid", wrong ? "true" : null);
  text(byId(id), wrong);
  show(byId(id), Boolean(wrong));
}

/** @param {HTMLInputElement} cycles @param {HTMLInputElement} only */
function recallSize(cycles, only) {
  const size = recall("batch-size", "all");
  if (size === "all") return;
  cycles.value = size;
  only.checked = true;
}

/** The agents of the settings, asked for when somebody looks. @param {HTMLSelectElement} select */
async function offerAgents(select) {
  try {
    const { settings } = await get("/api/settings");
    const value = (/** @type {string} */ name) =>
      settings.find((/** @type {any} */ setting) => setting.name === name)?.value;
    text(select.options[0], `As set${value("agent") ? ` (${value("agent")})` : ""}`);
    select.append(
      ...Object.keys(value("agents") ?? {})
        .sort()
        .map((name) => h("option", { value: name, text: name })),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}
