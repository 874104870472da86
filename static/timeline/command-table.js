// @ts-check
/** The commands of the Timeline as a table and as CSV. */
import { download, toCsv } from "../kit/csv.js";
import { byId, fill, h, text } from "../kit/dom.js";
import { clock, count, day, duration, money, shortCommand, shortKey, stopwatch, UNKNOWN } from "../kit/format.js";
import { serverNow } from "../kit/server-clock.js";
import { setUrlParams, urlParams } from "../kit/url-params.js";
import { RUNNER } from "../shell/command-list.js";
import { outcomeWords, reasonOf } from "./outcome.js";

/** @typedef {import("../shell/command-list.js").Command} Command */

/** Most rows of the table; the CSV has all. */
const ROWS_MOST = 1_000;

/** @param {number | null} at */
const isoTime = (at) => (at === null ? "" : new Date(at).toISOString());

/** @type {[name: string, value: (command: Command) => string | number][]} */
const COLUMNS = [
  ["command_id", (command) => command.command_id],
  ["started_at", (command) => isoTime(command.started_at)],
  ["ended_at", (command) => isoTime(command.ended_at)],
  ["stories", (command) => command.story_keys.join(" ")],
  ["command", (command) => command.command],
  ["attempt", (command) => command.attempt],
  ["status", (command) => command.status],
  ["verdict", (command) => command.verdict],
  ["reason", (command) => reasonOf(command)],
  ["agent", (command) => command.agent],
  ["machine", (command) => command.machine ?? ""],
  ["model", (command) => command.model ?? ""],
  ["tokens", (command) => command.tokens ?? ""],
  ["cost_usd", (command) => command.cost_usd ?? ""],
];

export class CommandTable {
  #details = /** @type {HTMLDetailsElement} */ (byId("chart-table"));
  /** @type {Command[]} */ #commands = [];

  constructor() {
    this.#details.open = urlParams().get("table") === "1";
    this.#details.addEventListener("toggle", () => {
      setUrlParams({ table: this.#details.open ? "1" : null });
      this.#draw();
    });
    byId("chart-csv").addEventListener("click", () => download("timeline.csv", csvOf(this.#commands)));
  }

  /** @param {Iterable<Command>} commands */
  show(commands) {
    this.#commands = [...commands];
    this.#draw();
  }

  #draw() {
    if (!this.#details.open) return;
    const { length } = this.#commands;
    fill(byId("chart-table-rows"), ...this.#commands.slice(-ROWS_MOST).map(tableRow));
    const note = `The newest ${count(ROWS_MOST)} of ${count(length)}; the CSV has all.`;
    text(byId("chart-table-note"), length > ROWS_MOST ? note : "");
  }
}

/** @param {Command} command */
function tableRow(command) {
  const outcome = [outcomeWords(command), reasonOf(command)].filter(Boolean).join(" · ");
  const took = (command.ended_at || serverNow()) - command.started_at;
  /** @type {[cell: string, style: string][]} */
  const cells = [
    [`${day(command.started_at)} ${clock(command.started_at)}`, ""],
    [command.story_keys.map(shortKey).join(", ") || "The project itself", ""],
    [shortCommand(command.command), ""],
    [String(command.attempt), "number"],
    [outcome, "wide"],
    [command.ended_at ? duration(took) : stopwatch(took), "number"],
    [costText(command), "number"],
  ];
  return h("tr", {}, ...cells.map(([cell, style]) => h("td", { class: style, text: cell })));
}

/** The cost of a command that an agent has ended. @param {Command} command */
function costText({ agent, ended_at: end, cost_usd: cost, estimated_usd: estimated }) {
  return agent === RUNNER || (end === null && cost === null) ? UNKNOWN : money(cost, estimated);
}

/** @param {Command[]} commands */
function csvOf(commands) {
  const names = COLUMNS.map(([name]) => name);
  return toCsv(
    names,
    commands.map((command) => COLUMNS.map(([, value]) => value(command))),
  );
}
