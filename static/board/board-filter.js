// @ts-check
/** What the Board shows of all stories: words, an epic, a status. Kept in the address, so that a view can be shared. */

import { byId, h, show } from "../kit/dom.js";
import { amend, here } from "../kit/url-params.js";

/** @typedef {import("../shell/plan.js").PlanStory} PlanStory */
/** @typedef {{query: string, epic: string, status: string}} Wanted */

/** Names of the parameters in the address, of the fields they belong to. */
const NAMES = /** @type {const} */ (["q", "epic", "status"]);

/** @param {() => void} onChange */
export function createBoardFilter(onChange) {
  const fields = /** @type {(HTMLInputElement | HTMLSelectElement)[]} */ ([
    byId("board-query"),
    byId("board-epic"),
    byId("board-status"),
  ]);
  const clear = h("button", { type: "button", class: "plain", text: "Show all", on: { click: reset } });
  fields[2].after(clear);
  clear.hidden = true;
  /**
   * What the address asks for and no choice of a list stands for yet: the plan is still to come.
   * @type {Map<Element, string>}
   */
  const asked = new Map();

  for (const field of fields) field.addEventListener("input", changed);
  addEventListener("hashchange", read);
  read();

  function changed() {
    asked.clear();
    if (location.hash.startsWith("#board"))
      amend({ q: fields[0].value.trim(), epic: fields[1].value, status: fields[2].value });
    onChange();
  }

  function reset() {
    for (const field of fields) field.value = "";
    changed();
    fields[0].focus();
  }

  /** The address says it, or, where it says nothing, it is told what is filtered. */
  function read() {
    if (!location.hash.startsWith("#board")) return;
    const params = here();
    if (!NAMES.some((name) => params.has(name))) {
      if (fields.some((field) => field.value))
        amend({ q: fields[0].value.trim(), epic: fields[1].value, status: fields[2].value });
      return;
    }
    for (const [index, field] of fields.entries()) set(field, params.get(NAMES[index]) ?? "");
    onChange();
  }

  /** @param {HTMLInputElement | HTMLSelectElement} field @param {string} value */
  function set(field, value) {
    if (field instanceof HTMLInputElement && field.value.trim() === value) return;
    field.value = value;
    asked.delete(field);
    if (field.value === value) return;
    asked.set(field, value);
    field.value = "";
  }

  return {
    focus: () => fields[0].focus(),
    /** @returns {Wanted} */
    get wanted() {
      const [query, epic, status] = fields.map((field) => asked.get(field) ?? field.value);
      return { query: query.trim().toLowerCase(), epic, status };
    },
    /** What there is to choose from. @param {string[][]} epics value and words @param {string[][]} statuses */
    offer(epics, statuses) {
      fill(/** @type {HTMLSelectElement} */ (fields[1]), epics, asked);
      fill(/** @type {HTMLSelectElement} */ (fields[2]), statuses, asked);
      show(
        clear,
        fields.some((field) => field.value),
      );
    },
  };
}

/** @param {HTMLSelectElement} select @param {string[][]} choices value and words @param {Map<Element, string>} asked */
function fill(select, choices, asked) {
  const wanted = choices.map((choice) => choice.join("\t")).join("\n");
  if (select.dataset.choices !== wanted) {
    const chosen = select.value;
    select.replaceChildren(select.options[0], ...choices.map(([value, words]) => h("option", { value, text: words })));
    select.value = choices.some(([value]) => value === chosen) ? chosen : "";
    select.dataset.choices = wanted;
  }
  const value = asked.get(select);
  if (value === undefined || !choices.length) return;
  asked.delete(select);
  if (choices.some(([known]) => known === value)) select.value = value;
}

/** @param {PlanStory} story @param {Wanted} wanted */
export function fits(story, wanted) {
  if (wanted.epic && story.epic !== wanted.epic) return false;
  if (wanted.status && story.status !== wanted.status) return false;
  if (!wanted.query) return true;
  const text = [story.key, story.title, story.description, story.comment, story.raw_status, story.standing?.words]
    .join(" ")
    .toLowerCase();
  return wanted.query.split(/\s+/).every((word) => text.includes(word));
}
