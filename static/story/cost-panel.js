// @ts-check
/** The Cost tab: what the money went for, and each command with its agent, time, tokens and cost. */
import { createCostLines } from "../kit/cost-lines.js";
import { fill, h } from "../kit/dom.js";
import { allTokens, duration, money, partialSum, plural, shortCommand, tokens, UNKNOWN } from "../kit/format.js";
import { countUnreported, RUNNER } from "../shell/command-list.js";

/** @typedef {import("./dossier.js").Dossier} Dossier */
/** @typedef {Record<string, any>} Command */

const HEADS = ["Command", "Agent", "Time", "Tokens", "Cost"];

export class CostPanel {
  el;
  #lines;
  #table = h("div");
  #drawn = "";

  /** @param {string} key */
  constructor(key) {
    this.#lines = createCostLines(() => `/api/stories/${encodeURIComponent(key)}/cost`, "stories");
    this.el = h("div", { class: "cost-panel" }, this.#lines.el, this.#table);
  }

  /** @param {Dossier} dossier @returns {string} what the tab says beside its name */
  update({ commands }) {
    const now = JSON.stringify(commands);
    if (now !== this.#drawn) {
      this.#lines.reload();
      fill(this.#table, ...(commands.length ? [createTable(commands)] : []));
    }
    this.#drawn = now;
    return commands.length ? costOf(commands) : "";
  }

  show() {
    this.#lines.el.open = true;
  }
}

/** The cost of commands; where some have reported none it is at least that. @param {Command[]} commands */
export function costOf(commands) {
  const cost = sum(commands, (one) => one.cost_usd);
  return partialSum(
    money(
      cost,
      sum(commands, (one) => one.estimated_usd),
    ),
    cost,
    countUnreported(commands, "cost_usd"),
  );
}

/** @param {Command[]} commands */
export function tokensOf(commands) {
  const used = sum(commands, allTokens);
  return partialSum(tokens(used), used, countUnreported(commands, "output_tokens"));
}

/** @param {Command[]} commands @param {(command: Command) => number | null} of */
export function sum(commands, of) {
  return commands.reduce((total, command) => total + (of(command) ?? 0), 0);
}

/** @param {Command[]} commands */
function createTable(commands) {
  const head = h("tr", {}, ...HEADS.map((text) => h("th", { scope: "col", text })));
  const rows = commands.map((command) => {
    const isFree = command.agent === RUNNER || command.agent === "operator";
    const reported = (/** @type {string} */ words) => (isFree || command.ended_at === null ? UNKNOWN : words);
    const used = command.output_tokens === null ? null : allTokens(command);
    const cells = [
      [command.agent, command.model].filter(Boolean).join(" "),
      command.ended_at === null ? "running" : duration(command.duration_ms),
      reported(tokens(used)),
      reported(money(command.cost_usd, command.estimated_usd)),
    ];
    const name = [shortCommand(command.command), command.attempt > 1 && `attempt ${command.attempt}`];
    const first = h("th", { scope: "row", "data-head": HEADS[0], text: name.filter(Boolean).join(" · ") });
    return h("tr", {}, first, ...cells.map((text, at) => h("td", { "data-head": HEADS[at + 1], text })));
  });
  const caption = h("caption", { text: plural(commands.length, "command") });
  const table = h("table", { class: "cost-commands" }, caption, h("thead", {}, head), h("tbody", {}, ...rows));
  return h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Cost of each command" }, table);
}
