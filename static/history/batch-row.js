// @ts-check
/** A batch in the table of the History tab; its stories are fetched when it is opened. */
import { catchApiError, get } from "../kit/api.js";
import { createCostLines } from "../kit/cost-lines.js";
import { fill, h, icon, show, text } from "../kit/dom.js";
import { rangeText } from "../kit/forecast-text.js";
import {
  clock,
  count,
  day,
  duration,
  money,
  partialSum,
  plural,
  shortKey,
  statusText,
  stopwatch,
  tokens,
} from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { countUnreported } from "../shell/command-list.js";
import { toHash } from "../shell/router.js";

/**
 * @typedef {{id: number, status: string, max_cycles: number | null, cycles_completed: number, started_at: number,
 *   ended_at: number | null, agent: string, reason: string | null, stories: number, stories_done: number,
 *   stories_blocked: number, commands: number, cost_usd: number, estimated_usd: number, input_tokens: number,
 *   output_tokens: number, duration_ms: number | null, commands_without_cost: number,
 *   commands_without_tokens: number}} Batch a row of `GET /api/batches`
 * @typedef {{replay: (id: number) => void, toggle: (id: number) => void}} Actions
 */

/** @type {Record<string, string>} */
const GLYPHS = {
  completed: "check",
  stopped: "stop",
  error: "cross",
  running: "play",
  paused: "pause",
  interrupted: "pause",
};
/** The columns, with the class of their cells. @type {[head: string, style: string][]} */
const COLUMNS = [
  ["Batch", ""],
  ["Started", ""],
  ["Outcome", "wide"],
  ["Stories", "wide"],
  ["Commands", "number"],
  ["Took", "number"],
  ["Cost", "number"],
  ["Agent", ""],
];

export class BatchRow {
  el;
  #batch;
  #button;
  #stories = h("div", { class: "batch-inside", hidden: true });
  #outcome = h("span", { class: "batch-outcome" });
  #bar = h(
    "span",
    { class: "batch-bar", "aria-hidden": "true" },
    h("i", { class: "done" }),
    h("i", { class: "blocked" }),
  );
  #done = h("span");
  #cells = COLUMNS.map(createCell);
  /** What the stories were drawn from. */
  #drawn = "";
  /** The plan whose titles they have. @type {unknown} */ #titles = null;

  /** @param {Batch} batch @param {Actions} actions */
  constructor(batch, actions) {
    this.id = batch.id;
    this.#batch = batch;
    this.#stories.id = `batch-${batch.id}`;
    this.#button = createToggle(batch.id, actions.toggle);
    this.#cells[0].append(this.#button);
    this.#cells[2].append(this.#outcome);
    this.#cells[3].append(this.#bar, this.#done);
    const inside = h("td", { class: "batch-fold-cell", role: "cell" }, this.#stories);
    const cells = [...this.#cells, createLinks(batch.id, actions.replay), inside];
    this.el = h("tr", { "data-batch": batch.id, role: "row" }, ...cells);
  }

  /** @param {number} now */
  tick(now) {
    const { ended_at: end, status, started_at: start } = this.#batch;
    if (end === null) text(this.#cells[5], status === "running" ? stopwatch(now - start) : "–");
  }

  /** @param {Batch} batch */
  update(batch) {
    this.#batch = batch;
    const { status, reason, stories, stories_done: done, stories_blocked: blocked } = batch;
    this.#outcome.dataset.outcome = status;
    const outcome = [status, reason].filter(Boolean).join(": ");
    fill(this.#outcome, icon(GLYPHS[status] ?? "unknown"), outcome);
    this.#bar.style.setProperty("--share-done", String(stories ? done / stories : 0));
    this.#bar.style.setProperty("--share-blocked", String(stories ? blocked / stories : 0));
    const rest = blocked ? `, ${blocked} blocked` : "";
    text(this.#done, `${done} of ${plural(stories, "story", "stories")} done${rest}`);
    this.#updateFacts(batch);
    this.tick(serverNow());
  }

  /** @param {Batch} batch */
  #updateFacts(batch) {
    text(this.#cells[1], `${day(batch.started_at)} ${clock(batch.started_at)}`);
    text(this.#cells[4], count(batch.commands));
    text(this.#cells[5], batch.duration_ms === null ? "–" : duration(batch.duration_ms));
    const { cost_usd: cost, output_tokens: written } = batch;
    text(this.#cells[6], partialSum(money(cost, batch.estimated_usd), cost, batch.commands_without_cost));
    const tokensText = partialSum(tokens(written), written, batch.commands_without_tokens);
    text(this.#cells[7], `${batch.agent}, ${tokensText} tokens written`);
  }

  /** @param {boolean} open @param {(key: string) => string} titleOf @param {unknown} titles the plan of these titles */
  async setOpen(open, titleOf, titles) {
    show(this.#stories, open);
    this.el.classList.toggle("unfolded", open);
    this.#button.setAttribute("aria-expanded", String(open));
    const { commands, status, stories_done: done } = this.#batch;
    const content = `${commands} ${status} ${done}`;
    if (!open || (content === this.#drawn && titles === this.#titles)) return;
    this.#drawn = content;
    this.#titles = titles;
    const stories = await readStories(this.id, titleOf);
    // A newer plan may have arrived meanwhile, with another read under way.
    if (titles === this.#titles) fill(this.#stories, stories);
  }
}

/** @param {[head: string, style: string]} column @param {number} index */
function createCell([head, style], index) {
  const props = index ? { role: "cell" } : { role: "rowheader", scope: "row" };
  return h(index ? "td" : "th", { ...props, "data-head": head, class: style });
}

/** @param {number} id @param {(id: number) => void} toggle */
function createToggle(id, toggle) {
  return h("button", {
    type: "button",
    class: "plain batch-fold",
    "aria-expanded": "false",
    "aria-controls": `batch-${id}`,
    text: `Batch ${id}`,
    on: { click: () => toggle(id) },
  });
}

/** @param {number} id @param {(id: number) => void} replay */
function createLinks(id, replay) {
  const on = { click: () => replay(id) };
  const props = { type: "button", class: "button small", "aria-label": `Replay batch ${id}`, on };
  return h(
    "td",
    { class: "batch-actions", role: "cell" },
    h("button", props, icon("play"), "Replay"),
    createLink("Brief", toHash("history", { brief: String(id) }), { "aria-label": `Brief of batch ${id}` }),
    createLink("Timeline", toHash("timeline", { batch: String(id) }), { "aria-label": `Timeline of batch ${id}` }),
    createLink("Insights", toHash("insights", { batch: String(id) }), { "aria-label": `Insights of batch ${id}` }),
    createLink("Export", `/api/batches/${id}/export`, { download: "", "aria-label": `Export batch ${id}` }),
  );
}

/** @param {string} words @param {string} href @param {Record<string, string>} props */
function createLink(words, href, props) {
  return h("a", { class: "button small", href, text: words, ...props });
}

/**
 * The stories of a batch, with the cost and duration of each.
 * @param {number} id
 * @param {(key: string) => string} titleOf
 * @returns {Promise<HTMLElement>}
 */
async function readStories(id, titleOf) {
  const note = (/** @type {string} */ words) => h("p", { class: "empty", text: words });
  const answer = await catchApiError(get(`/api/batches/${id}`), (error) => error);
  if (answer instanceof Error) return note(answer.message);
  const { stories, commands } = answer;
  if (!stories.length) return note("No story was begun in this batch.");
  const items = stories.map((/** @type {any} */ story) => {
    const own = commands.filter((/** @type {any} */ command) => command.story_id === story.id);
    return storyItem(id, story, own, titleOf(story.story_key));
  });
  const cost = createCostLines(() => `/api/batches/${id}/cost`, "batches");
  const rows = h("ul", { class: "batch-stories", "aria-label": `Stories of batch ${id}` }, ...items);
  return h("div", {}, expected(answer.batch), rows, cost.el);
}

/** What was expected at its start. @param {{forecast: string | null}} batch @returns {Node | null} */
function expected({ forecast }) {
  if (!forecast) return null;
  const { cost_usd: usd, seconds, stories, basis } = JSON.parse(forecast);
  const words = [
    plural(stories, "story", "stories"),
    usd ? rangeText(usd, money) : "cost unknown",
    rangeText(seconds, (value) => duration(value * 1000)),
  ];
  return h("p", { class: "soft", text: `Expected at its start: ${words.join(", ")}; ${basis}.` });
}

/** @param {number} id of the batch @param {any} story @param {any[]} commands of the story @param {string} title */
function storyItem(id, story, commands, title) {
  const sum = (/** @type {string} */ name) => commands.reduce((total, command) => total + (command[name] ?? 0), 0);
  const cost = sum("cost_usd");
  const facts = [
    statusText(story.status),
    plural(commands.length, "command"),
    partialSum(money(cost, sum("estimated_usd")), cost, countUnreported(commands, "cost_usd")),
    story.ended_at ? duration(story.ended_at - story.started_at) : "",
    story.reason,
  ];
  const href = toHash("history", { batch: String(id), story: story.story_key });
  return h(
    "li",
    { "data-status": story.status },
    icon(story.status),
    h("a", { href, text: `${shortKey(story.story_key)} ${title}` }),
    h("span", { text: facts.filter(Boolean).join(" · ") }),
  );
}
