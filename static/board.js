// @ts-check
/** The Board tab: every epic a lane, every status a column, every story a card that shows what runs on it now. */
import { createCard } from "./card.js";
import { byId, h, icon, list, show, text } from "./dom.js";
import { plural, statusWords } from "./format.js";
import { STATUSES } from "./plan.js";

/** @typedef {import("./app.js").Model} Model */
/** @typedef {import("./plan.js").PlanStory} PlanStory */
/** @typedef {import("./card.js").Card} Card */
/** @typedef {{name: string, cards: Card[]}} Column */
/** @typedef {{id: string, name: string, title: string, facts: string, columns: string[], cards: Card[]}} Lane */

/** Columns that are always there; the others only when a story needs them. */
const ALWAYS = ["backlog", "ready-for-dev", "in-progress", "review", "done"];

/** @param {{openStory: (key: string) => void}} actions */
export function createBoard(actions) {
  const query = /** @type {HTMLInputElement} */ (byId("board-query"));
  const epic = /** @type {HTMLSelectElement} */ (byId("board-epic"));
  const status = /** @type {HTMLSelectElement} */ (byId("board-status"));
  const head = list(byId("lanes-head"), (/** @type {{status: string}} */ column) => column.status, createColumnHead);
  const lanes = list(byId("lanes"), (/** @type {Lane} */ lane) => lane.id, (lane) => createLane(lane, actions.openStory));
  const problems = list(byId("problems-list"), (/** @type {{line: number | null, message: string}} */ problem) => `${problem.line} ${problem.message}`, createProblem);
  /** @type {unknown[]} */
  let last = [];
  /** @type {Model | null} */
  let shown = null;

  for (const el of [query, epic, status]) el.addEventListener("input", () => shown && draw(shown));

  /** @param {Model} model */
  function draw(model) {
    shown = model;
    const { plan, run } = model;
    const columns = columnsOf(plan.stories);
    const wanted = { query: query.value.trim().toLowerCase(), epic: epic.value, status: status.value };
    const made = lanesOf(model, columns).map((lane) => ({ ...lane, cards: lane.cards.filter((card) => fits(card.story, wanted)) }));
    const visible = made.filter((lane) => lane.cards.length || !(wanted.query || wanted.epic || wanted.status));
    const cards = visible.flatMap((lane) => lane.cards);
    byId("tab-board").style.setProperty("--columns", String(columns.length));
    head.render(columns.map((name) => ({ status: name, count: cards.filter((card) => card.story.status === name).length })));
    lanes.render(visible);
    renderOthers(model);
    fillChoices(epic, (plan.sprint?.epics ?? []).map((item) => [item.id, epicName(item)]));
    fillChoices(status, columns.map((name) => [name, statusWords(name)]));
    text(byId("board-counts"), countWords(model, cards.length));
    text(byId("board-empty"), plan.error ?? (plan.sprint && !cards.length ? "No story matches." : ""));
    last = [plan, idsOf(run)];
  }

  /** @param {Model} model */
  function renderOthers({ plan }) {
    const said = [...(plan.sprint?.problems ?? []), ...otherTrackers(plan.sprint)];
    problems.render(said);
    show(byId("problems"), said.length > 0);
  }

  return {
    /** @param {Model} model */
    render(model) {
      if (last[0] === model.plan && last[1] === idsOf(model.run)) return;
      draw(model);
    },
    /** @param {Model} _ @param {number} now */
    tick(_, now) {
      for (const lane of lanes.views()) lane.tick(now);
    },
    focus: () => query.focus(),
  };
}

/** Which commands run: all that the cards show of them but the time. @param {import("./state.js").RunState} run */
function idsOf(run) {
  return run.operations.map((operation) => operation.command_id).join();
}

/** @param {PlanStory[]} stories */
function columnsOf(stories) {
  const used = new Set(stories.map((story) => story.status));
  return STATUSES.filter((name) => ALWAYS.includes(name) || used.has(name));
}

/** @param {PlanStory} story @param {{query: string, epic: string, status: string}} wanted */
function fits(story, wanted) {
  if (wanted.epic && story.epic !== wanted.epic) return false;
  if (wanted.status && story.status !== wanted.status) return false;
  if (!wanted.query) return true;
  return `${story.key} ${story.title ?? ""} ${story.description ?? ""} ${story.comment ?? ""}`.toLowerCase().includes(wanted.query);
}

/** @param {Model} model @param {string[]} columns @returns {Lane[]} */
function lanesOf({ plan, run }, columns) {
  const running = new Map(run.operations.flatMap((operation) => operation.story_keys.map((key) => [key, operation])));
  const card = (/** @type {PlanStory} */ story) => ({ story, operation: running.get(story.key) ?? null });
  const epics = plan.sprint?.epics ?? [];
  const known = new Set(epics.map((epic) => epic.id));
  const made = epics.map((epic) => {
    const cards = plan.stories.filter((story) => story.epic === epic.id).map(card);
    return { id: epic.id, name: `Epic ${epic.id}`, title: epic.title ?? "", facts: epicFacts(epic, cards), columns, cards };
  });
  const homeless = plan.stories.filter((story) => !story.epic || !known.has(story.epic)).map(card);
  if (homeless.length) made.push({ id: "no-epic", name: "No epic", title: "", facts: plural(homeless.length, "story", "stories"), columns, cards: homeless });
  const other = plan.sprint?.other ?? [];
  if (other.length) made.push(otherLane(other, columns));
  return made;
}

/** Keys nobody knows the meaning of: shown, never run. @param {{key: string, raw_status: string, line: number | null}[]} other @param {string[]} columns @returns {Lane} */
function otherLane(other, columns) {
  const cards = other.map((entry) => ({
    operation: null,
    story: /** @type {PlanStory} */ ({
      key: entry.key, epic: null, title: entry.key, description: `Status “${entry.raw_status}”${entry.line ? `, line ${entry.line}` : ""}`,
      status: "other", raw_status: entry.raw_status, runnable: false, tasks: null, file: null, drift: null, line: entry.line, comment: null,
    }),
  }));
  return { id: "other", name: "Other", title: "Keys that are neither an epic nor a story", facts: "never run", columns, cards };
}

/** @param {import("./plan.js").Epic} epic */
function epicName(epic) {
  return epic.title ? `Epic ${epic.id}: ${epic.title}` : `Epic ${epic.id}`;
}

/** @param {import("./plan.js").Epic} epic @param {Card[]} cards */
function epicFacts(epic, cards) {
  const done = cards.filter((card) => card.story.status === "done").length;
  const retro = epic.retrospective && (typeof epic.retrospective === "string" ? epic.retrospective : epic.retrospective.raw_status);
  return [statusWords(epic.status), `${done} of ${cards.length} done`, retro && `retrospective ${retro}`].filter(Boolean).join(" · ");
}

/** @param {Model} model @param {number} shown cards that the filters leave */
function countWords({ plan, counts }, shown) {
  if (!plan.sprint) return "";
  const part = shown < plan.stories.length + plan.sprint.other.length ? `${plural(shown, "card")} shown · ` : "";
  return `${part}${counts.done} of ${plural(counts.total, "story", "stories")} done${counts.blocked ? `, ${counts.blocked} blocked` : ""}`;
}

/** @param {HTMLSelectElement} select @param {string[][]} choices value and words */
function fillChoices(select, choices) {
  const wanted = choices.map(([value]) => value).join("\n");
  if (select.dataset.choices === wanted) return;
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...choices.map(([value, words]) => h("option", { value, text: words })));
  select.value = choices.some(([value]) => value === chosen) ? chosen : "";
  select.dataset.choices = wanted;
}

/** Which tracker was chosen where a project has several. @param {import("./plan.js").Sprint | null} sprint */
function otherTrackers(sprint) {
  if (!sprint?.project.candidates.length) return [];
  const { tracker, candidates } = sprint.project;
  return [{ line: null, message: `Several status files: ${tracker} is used, not ${candidates.join(", ")}. Name another one as tracker in sprint-runner.yaml.` }];
}

/** @param {{line: number | null, message: string}} problem */
function createProblem(problem) {
  return { el: h("li", {}, problem.line ? h("span", { class: "mono", text: `line ${problem.line}` }) : null, problem.message), update() {} };
}

/** @param {{status: string}} column */
function createColumnHead(column) {
  const number = h("b");
  const el = h("div", { "data-status": column.status }, icon(column.status), h("span", { text: statusWords(column.status) }), number);
  return { el, update: (/** @type {any} */ next) => text(number, next.count) };
}

/** @param {Lane} lane @param {(key: string) => void} openStory */
function createLane(lane, openStory) {
  const id = `lane-${lane.id.replace(/\W/g, "-")}`;
  const title = h("span");
  const facts = h("span", { class: "lane-facts" });
  const grid = h("div", { class: "lane-columns" });
  const el = h("section", { class: "lane", "aria-labelledby": id }, h("header", {}, h("h2", { id }, h("span", { class: "key", text: lane.name }), title), facts), grid);
  const columns = list(grid, (/** @type {Column} */ column) => column.name, (column) => createColumn(column.name, openStory));
  return {
    el,
    /** @param {Lane} next */
    update(next) {
      text(title, next.title);
      text(facts, next.facts);
      const names = next.id === "other" ? ["other"] : next.columns;
      grid.style.setProperty("--columns", String(next.columns.length));
      columns.render(names.map((name) => ({ name, cards: next.cards.filter((card) => card.story.status === name) })));
    },
    /** @param {number} now */
    tick(now) {
      for (const column of columns.views()) column.tick(now);
    },
  };
}

/** @param {string} name @param {(key: string) => void} openStory */
function createColumn(name, openStory) {
  const cards = h("ul", { class: "column-cards" });
  const el = h("div", { class: "column", "data-status": name }, h("h3", { class: "column-name" }, icon(name), statusWords(name)), cards);
  const rows = list(cards, (/** @type {Card} */ card) => card.story.key, (card) => createCard(card, openStory));
  return {
    el,
    /** @param {Column} column */
    update: (column) => rows.render(column.cards),
    /** @param {number} now */
    tick(now) {
      for (const row of rows.views()) row.tick(now);
    },
  };
}
