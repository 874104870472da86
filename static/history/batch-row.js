// @ts-check
/** A batch in the table of the History tab; its stories are fetched when it is opened. */
import { fill, h, icon, show, text } from "../kit/dom.js";
import { clock, count, day, duration, money, partialSum, plural, stopwatch, tokens } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { toHash } from "../shell/router.js";
import { BatchStories } from "./batch-stories.js";

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
  #stories;
  #outcome = h("span", { class: "batch-outcome" });
  #bar = h(
    "span",
    { class: "batch-bar", "aria-hidden": "true" },
    h("i", { class: "done" }),
    h("i", { class: "blocked" }),
  );
  #done = h("span");
  #cells = COLUMNS.map(createCell);

  /** @param {Batch} batch @param {Actions} actions */
  constructor(batch, actions) {
    this.id = batch.id;
    this.#batch = batch;
    this.#stories = new BatchStories(batch.id);
    this.#button = createToggle(batch.id, actions.toggle);
    this.#cells[0].append(this.#button);
    this.#cells[2].append(this.#outcome);
    this.#cells[3].append(this.#bar, this.#done);
    const inside = h("td", { class: "batch-fold-cell", role: "cell" }, this.#stories.el);
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
  setOpen(open, titleOf, titles) {
    show(this.#stories.el, open);
    this.el.classList.toggle("unfolded", open);
    this.#button.setAttribute("aria-expanded", String(open));
    const { commands, status, stories_done: done } = this.#batch;
    if (open) this.#stories.update(`${commands} ${status} ${done}`, titleOf, titles);
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
