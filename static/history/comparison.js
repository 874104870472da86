// @ts-check
/** Two batches side by side: what each came to, and the same for each story. The pair is in the address. */
import { catchApiError, get } from "../kit/api.js";
import { differenceText } from "../kit/difference.js";
import { byId, fill, h, icon, show } from "../kit/dom.js";
import { count, day, duration, money, partialSum, plural, shortClock, statusText, UNKNOWN } from "../kit/format.js";
import { setUrlParams, urlParams, wholeNumber } from "../kit/url-params.js";
import { batchCost, batchTokens, outcomeText } from "./batch-row.js";
import { storyName } from "./batch-stories.js";

/** @typedef {import("./batch-row.js").Batch} Batch */
/**
 * @typedef {{batch_id: number, story_key: string, status: string, reason: string | null, commands: number,
 *   review_rounds: number, duration_ms: number | null, cost_usd: number | null, estimated_usd: number,
 *   commands_without_cost: number}} Side a story in one batch
 * @typedef {{left: Batch, right: Batch,
 *   stories: {story_key: string, left: Side | null, right: Side | null}[]}} Comparison of `GET …/compare`
 */

/** A sum that is not known is not compared. @param {Batch} batch */
const knownCost = (batch) => (batch.commands_without_cost ? null : batch.cost_usd);
/** @param {Batch} batch */
const knownTokens = (batch) => (batch.commands_without_tokens ? null : batch.output_tokens);

/** @type {[words: string, show: (batch: Batch) => string, value: ((batch: Batch) => number | null) | null][]} */
const FACTS = [
  ["Outcome", outcome, null],
  ["Started", ({ started_at: at }) => `${day(at)}, ${shortClock(at)}`, null],
  ["Agent", ({ agent, agents }) => (agents ? JSON.parse(agents).join(", ") : agent), null],
  ["Cost", batchCost, knownCost],
  ["Took", ({ duration_ms: took }) => (took === null ? UNKNOWN : duration(took)), ({ duration_ms: took }) => took],
  [
    "Stories done",
    ({ stories, stories_done: done }) => `${count(done)} of ${count(stories)}`,
    ({ stories_done: done }) => done,
  ],
  ["Stories blocked", ({ stories_blocked: blocked }) => count(blocked), ({ stories_blocked: blocked }) => blocked],
  ["Review rounds", ({ review_rounds: rounds }) => count(rounds), ({ review_rounds: rounds }) => rounds],
  [
    "Commands",
    ({ commands, commands_failed: failed }) => `${count(commands)}${failed ? `, ${count(failed)} failed` : ""}`,
    ({ commands }) => commands,
  ],
  ["Output tokens", batchTokens, knownTokens],
];

/** A batch that was completed has a reason where it left stories blocked. @param {Batch} batch */
function outcome({ status, reason }) {
  return [outcomeText(status), reason].filter(Boolean).join(status === "completed" ? " · " : ": ");
}

export class BatchComparison {
  #root = byId("comparison");
  #onChange;
  /** The pair that is shown. */
  #shown = "";
  /** @type {unknown} */ #titles = null;
  /** @type {(key: string) => string} */ #titleOf = (key) => key;
  /** @type {Comparison | null} */ #comparison = null;

  /** @param {() => void} onChange is called when other batches are chosen */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** The batches that are chosen, at most two; the one that was chosen first is first. */
  get ids() {
    const names = (urlParams().get("compare") ?? "").split(".");
    return names.flatMap((name) => wholeNumber(name) ?? []).slice(0, 2);
  }

  /** Chooses a batch, or takes it out; a third one replaces the one that was chosen last. @param {number} id */
  toggle(id) {
    const ids = this.ids.includes(id) ? this.ids.filter((other) => other !== id) : [...this.ids.slice(0, 1), id];
    setUrlParams({ compare: ids.join(".") });
    this.#onChange();
  }

  /** Reads again: one of them may have changed. */
  changed() {
    if (this.ids.length === 2) this.#read();
  }

  /** @param {(key: string) => string} titleOf @param {unknown} titles the plan of these titles */
  update(titleOf, titles) {
    const isOtherPlan = titles !== this.#titles;
    [this.#titleOf, this.#titles] = [titleOf, titles];
    const pair = this.ids.join(".");
    if (pair === this.#shown) return isOtherPlan ? this.#draw() : undefined;
    this.#shown = pair;
    this.#comparison = null;
    this.#draw();
    if (this.ids.length === 2) this.#read();
  }

  async #read() {
    // The older one is on the left.
    const [left, right] = [...this.ids].sort((a, b) => a - b);
    const pair = this.#shown;
    const answer = await catchApiError(get(`/api/batches/${right}/compare?with=${left}`), (error) => error);
    if (pair !== this.#shown) return;
    if (answer instanceof Error) return fill(this.#root, this.#head(answer.message));
    this.#comparison = answer;
    this.#draw();
  }

  #draw() {
    show(this.#root, this.ids.length > 0);
    if (!this.#comparison) return fill(this.#root, this.#head(waitingText(this.ids)));
    const { left, right, stories } = this.#comparison;
    const title = `Batch ${left.id} beside batch ${right.id}`;
    fill(this.#root, this.#head(title), factTable(left, right), storyTable(left.id, right.id, stories, this.#titleOf));
  }

  /** @param {string} title */
  #head(title) {
    const on = {
      click: () => {
        setUrlParams({ compare: null });
        this.#onChange();
      },
    };
    const close = h(
      "button",
      { type: "button", class: "ghost", "aria-label": "End the comparison", on },
      icon("cross"),
    );
    return h("header", {}, h("h2", { id: "comparison-title", text: title }), close);
  }
}

/** @param {number[]} ids */
function waitingText([id, other]) {
  return other ? `Batch ${id} beside batch ${other}` : `Batch ${id}: choose another one to compare it with`;
}

/** @param {Batch} left @param {Batch} right */
function factTable(left, right) {
  const rows = FACTS.map(([words, shown, value]) => [
    words,
    shown(left),
    shown(right),
    value ? differenceText(value(left), value(right)) : "",
  ]);
  const heads = ["", `Batch ${left.id}`, `Batch ${right.id}`, "Change"];
  return tableOf("What they came to", heads, rows);
}

/** @param {number} left @param {number} right @param {Comparison["stories"]} stories @param {(key: string) => string} titleOf */
function storyTable(left, right, stories, titleOf) {
  const rows = stories.map((story) => [
    story.story_key ? storyName(story.story_key, titleOf(story.story_key)) : "The project itself",
    sideText(story.left),
    sideText(story.right),
    differenceText(sideCost(story.left), sideCost(story.right)),
  ]);
  return tableOf("Story by story", ["Story", `Batch ${left}`, `Batch ${right}`, "Cost"], rows);
}

/** @param {Side | null} side */
function sideCost(side) {
  return side && !side.commands_without_cost ? side.cost_usd : null;
}

/** @param {Side | null} side */
function sideText(side) {
  if (!side) return "not in it";
  const { status, cost_usd: cost, estimated_usd: estimated, commands_without_cost: unknown, commands } = side;
  const facts = [
    status && statusText(status),
    commands ? partialSum(money(cost ?? 0, estimated), cost ?? 0, unknown) : "no command",
    side.duration_ms === null ? "" : duration(side.duration_ms),
    side.review_rounds ? plural(side.review_rounds, "review") : "",
    status === "done" ? "" : side.reason,
  ];
  return facts.filter(Boolean).join(" · ");
}

/** As rows of blocks on small screens, which is why the roles are named. @param {string} caption @param {string[]} heads @param {string[][]} rows */
function tableOf(caption, heads, rows) {
  const row = (/** @type {Node[]} */ ...cells) => h("tr", { role: "row" }, ...cells);
  const group = { role: "rowgroup" };
  return h(
    "table",
    { role: "table" },
    h("caption", { text: caption }),
    h("thead", group, row(...heads.map(headCell))),
    h("tbody", group, ...rows.map(([name, ...cells]) => row(nameCell(name), ...cells.map(bodyCell)))),
  );
}

/** @param {string} words */
function headCell(words) {
  const content = words || h("span", { class: "unseen", text: "Figure" });
  return h("th", { role: "columnheader", scope: "col" }, content);
}

/** @param {string} name */
function nameCell(name) {
  return h("th", { role: "rowheader", scope: "row", dir: "auto", text: name });
}

/** @param {string} words */
function bodyCell(words) {
  return h("td", { role: "cell", text: words });
}
