// @ts-check
/** A batch in the table of the History tab; its stories are fetched when it is opened. */
import { fill, h, icon, show, text } from "../kit/dom.js";
import { count, day, duration, money, partialSum, plural, shortClock, stopwatch, tokens } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { toHash } from "../shell/router.js";
import { BatchStories } from "./batch-stories.js";

/**
 * @typedef {{id: number, status: string, max_cycles: number | null, cycles_completed: number, started_at: number,
 *   ended_at: number | null, agent: string, agents: string | null, reason: string | null, stories: number,
 *   stories_done: number, stories_blocked: number, commands: number, commands_failed: number, cost_usd: number,
 *   estimated_usd: number, input_tokens: number, output_tokens: number, duration_ms: number | null,
 *   commands_without_cost: number, commands_without_tokens: number, review_rounds: number}} Batch a row of
 *   `GET /api/batches`
 * @typedef {{replay: (id: number) => void, toggle: (id: number) => void, compare: (id: number) => void}} Actions
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
/** @type {Record<string, string>} */
const OUTCOMES = {
  completed: "Completed",
  stopped: "Stopped",
  error: "Failed",
  running: "Running",
  paused: "Paused",
  interrupted: "Interrupted",
};
/** The columns, with the class of their cells. @type {[head: string, style: string][]} */
const COLUMNS = [
  ["Batch", "batch-name"],
  ["Outcome", "wide"],
  ["Stories", "wide"],
  ["Reviews", "number"],
  ["Took", "number"],
  ["Cost", "number"],
  ["Agent", ""],
];

/** How a batch ended, in a word. @param {string} status */
export function outcomeText(status) {
  return OUTCOMES[status] ?? status;
}

/** What a batch cost, as far as it is known. @param {Batch} batch */
export function batchCost({ cost_usd: cost, estimated_usd: estimated, commands_without_cost: unknown }) {
  return partialSum(money(cost, estimated), cost, unknown);
}

/** What the agents of a batch wrote, as far as it is known. @param {Batch} batch */
export function batchTokens({ output_tokens: written, commands_without_tokens: unknown }) {
  return partialSum(tokens(written), written, unknown);
}

export class BatchRow {
  el;
  #batch;
  #button;
  #compare;
  #stories;
  #started = h("span", { class: "batch-more" });
  #outcome = h("span", { class: "batch-outcome" });
  #reason = h("span", { class: "batch-more", dir: "auto" });
  #bar = h(
    "span",
    { class: "batch-bar", "aria-hidden": "true" },
    h("i", { class: "done" }),
    h("i", { class: "blocked" }),
  );
  #done = h("span", { class: "batch-more" });
  #rounds = new Figure();
  #took = new Figure();
  #cost = new Figure();
  #cells = COLUMNS.map(createCell);

  /** @param {Batch} batch @param {Actions} actions */
  constructor(batch, actions) {
    this.id = batch.id;
    this.#batch = batch;
    this.#stories = new BatchStories(batch.id);
    this.#button = createToggle(batch.id, actions.toggle);
    this.#compare = createCompare(batch.id, actions.compare);
    this.#cells[0].append(this.#compare.label, h("span", { class: "batch-title" }, this.#button, this.#started));
    this.#cells[1].append(this.#outcome, this.#reason);
    this.#cells[2].append(this.#bar, this.#done);
    this.#cells[3].append(...this.#rounds.parts);
    this.#cells[4].append(...this.#took.parts);
    this.#cells[5].append(...this.#cost.parts);
    const inside = h("td", { class: "batch-fold-cell", role: "cell" }, this.#stories.el);
    const cells = [...this.#cells, createLinks(batch.id, actions.replay), inside];
    this.el = h("tr", { "data-batch": batch.id, role: "row" }, ...cells);
  }

  /** @param {number} now */
  tick(now) {
    const { ended_at: end, status, started_at: start, commands } = this.#batch;
    if (end === null) this.#took.show(status === "running" ? stopwatch(now - start) : "–", plural(commands, "command"));
  }

  /** @param {Batch} batch */
  update(batch) {
    this.#batch = batch;
    const { status, reason, stories, stories_done: done, stories_blocked: blocked } = batch;
    // As the headline has it: what left a story blocked needs a look.
    const isPartly = status === "completed" && blocked > 0;
    this.#outcome.dataset.outcome = isPartly ? "partly" : status;
    fill(this.#outcome, icon(isPartly ? "blocked" : (GLYPHS[status] ?? "unknown")), outcomeText(status));
    text(this.#reason, reason);
    this.#bar.style.setProperty("--share-done", String(stories ? done / stories : 0));
    this.#bar.style.setProperty("--share-blocked", String(stories ? blocked / stories : 0));
    show(this.#bar, stories > 0);
    const rest = blocked ? `, ${blocked} blocked` : "";
    text(this.#done, stories ? `${done} of ${plural(stories, "story", "stories")} done${rest}` : "no story begun");
    this.#updateFacts(batch);
    this.tick(serverNow());
  }

  /** @param {Batch} batch */
  #updateFacts(batch) {
    const { started_at: start, duration_ms: took, review_rounds: rounds, stories, commands, agent, agents } = batch;
    text(this.#started, `${day(start)}, ${shortClock(start)}`);
    this.#rounds.show(count(rounds), stories ? `${(rounds / stories).toFixed(1)} per story` : "");
    if (took !== null) this.#took.show(duration(took), plural(commands, "command"));
    this.#cost.show(batchCost(batch), `${batchTokens(batch)} output tokens`);
    text(this.#cells[6], agents ? JSON.parse(agents).join(", ") : agent);
  }

  /** @param {boolean} compared */
  setCompared(compared) {
    this.#compare.box.checked = compared;
    this.el.classList.toggle("compared", compared);
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

/** A figure with a smaller one under it. */
class Figure {
  #first = h("span");
  #more = h("span", { class: "batch-more" });

  get parts() {
    return [this.#first, this.#more];
  }

  /** @param {string} first @param {string} more */
  show(first, more) {
    text(this.#first, first);
    text(this.#more, more);
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

/** @param {number} id @param {(id: number) => void} compare */
function createCompare(id, compare) {
  const props = { type: "checkbox", "aria-label": `Compare batch ${id}`, title: "Compare with another batch" };
  const box = h("input", { ...props, on: { change: () => compare(id) } });
  return { box, label: h("label", { class: "batch-compare" }, box) };
}

/** @param {number} id @param {(id: number) => void} replay */
function createLinks(id, replay) {
  const on = { click: () => replay(id) };
  const props = { type: "button", class: "button small batch-replay", "aria-label": `Replay batch ${id}`, on };
  return h(
    "td",
    { class: "batch-actions", role: "cell" },
    h("button", props, icon("play"), "Replay"),
    h(
      "span",
      { class: "batch-links" },
      createLink("Brief", toHash("history", { brief: String(id) }), { "aria-label": `Brief of batch ${id}` }),
      createLink("Timeline", toHash("timeline", { batch: String(id) }), { "aria-label": `Timeline of batch ${id}` }),
      createLink("Insights", toHash("insights", { batch: String(id) }), { "aria-label": `Insights of batch ${id}` }),
      createLink("Export", `/api/batches/${id}/export`, { download: "", "aria-label": `Export batch ${id}` }),
    ),
  );
}

/** @param {string} words @param {string} href @param {Record<string, string>} props */
function createLink(words, href, props) {
  return h("a", { href, text: words, ...props });
}
