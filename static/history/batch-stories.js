// @ts-check
/**
 * The opened part of a batch: what was expected at its start, its stories, and what the money went for. While the batch
 * runs it is read again and again; each part stays in the document, so that what was opened in it stays open.
 */
import { catchApiError, get } from "../kit/api.js";
import { createCostLines } from "../kit/cost-lines.js";
import { fill, h, icon, show, text } from "../kit/dom.js";
import { rangeText } from "../kit/forecast-text.js";
import { duration, money, partialSum, plural, shortKey, statusText } from "../kit/format.js";
import { countUnreported } from "../shell/command-list.js";
import { toHash } from "../shell/router.js";

/** @typedef {(key: string) => string} TitleOf */

export class BatchStories {
  el;
  #id;
  #note = h("p", { class: "empty", text: "Loading" });
  #expected = h("p", { class: "soft", hidden: true });
  #list;
  #cost;
  /** What has happened in the batch by the last read. */
  #state = "";
  /** The plan whose titles are shown. @type {unknown} */ #titles = null;
  /** The number of the newest read: answers to older ones are dropped. */
  #turn = 0;

  /** @param {number} id of the batch */
  constructor(id) {
    this.#id = id;
    this.#list = h("ul", { class: "batch-stories", "aria-label": `Stories of batch ${id}`, hidden: true });
    this.#cost = createCostLines(() => `/api/batches/${id}/cost`, "batches");
    show(this.#cost.el, false);
    const parts = [this.#note, this.#expected, this.#list, this.#cost.el];
    this.el = h("div", { class: "batch-inside", id: `batch-${id}`, hidden: true }, ...parts);
  }

  /**
   * Reads the stories, if something has happened since the last read or the plan is another one.
   * @param {string} state what has happened in the batch
   * @param {TitleOf} titleOf
   * @param {unknown} titles the plan of these titles
   */
  async update(state, titleOf, titles) {
    if (state === this.#state && titles === this.#titles) return;
    const hasNewCost = this.#state !== "" && state !== this.#state;
    [this.#state, this.#titles] = [state, titles];
    const turn = ++this.#turn;
    const answer = await catchApiError(get(`/api/batches/${this.#id}`), (error) => error);
    if (turn !== this.#turn) return;
    if (answer instanceof Error) return this.#fail(answer);
    this.#draw(answer, titleOf);
    if (hasNewCost) this.#cost.reload();
  }

  /** The next update reads again; what is there already stays. @param {Error} error */
  #fail(error) {
    this.#state = "";
    if (this.#list.hidden) text(this.#note, error.message);
  }

  /** @param {{batch: {forecast: string | null}, stories: any[], commands: any[]}} answer @param {TitleOf} titleOf */
  #draw({ batch, stories, commands }, titleOf) {
    const any = stories.length > 0;
    text(this.#note, any ? "" : "No story was begun in this batch.");
    show(this.#note, !any);
    text(this.#expected, expectedText(batch));
    show(this.#expected, batch.forecast !== null);
    const items = stories.map((story) => {
      const own = commands.filter((command) => command.story_id === story.id);
      return storyItem(this.#id, story, own, titleOf(story.story_key));
    });
    fill(this.#list, ...items);
    show(this.#list, any);
    show(this.#cost.el, any);
  }
}

/** What was expected at its start. @param {{forecast: string | null}} batch */
function expectedText({ forecast }) {
  if (!forecast) return "";
  const { cost_usd: usd, seconds, stories, basis } = JSON.parse(forecast);
  const words = [
    plural(stories, "story", "stories"),
    usd ? rangeText(usd, money) : "cost unknown",
    rangeText(seconds, (value) => duration(value * 1000)),
  ];
  return `Expected at its start: ${words.join(", ")}; ${basis}.`;
}

/** A story as people name it: "1-2 Correct a sighting". @param {string} key @param {string} title the key where none is known */
export function storyName(key, title) {
  return title && title !== key ? `${shortKey(key)} ${title}` : key;
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
    story.status === "done" ? "" : story.reason,
  ];
  const href = toHash("history", { batch: String(id), story: story.story_key });
  return h(
    "li",
    { "data-status": story.status },
    icon(story.status),
    h("a", { href, dir: "auto", text: storyName(story.story_key, title) }),
    h("span", { dir: "auto", text: facts.filter(Boolean).join(" · ") }),
  );
}
