// @ts-check
/** The commands that worked for a story: outcome, attempt, agent, time, tokens, cost, reason, transcript. */

import { attr, fill, h, icon, list, show, text } from "../kit/dom.js";
import {
  allTokens,
  clock,
  count,
  day,
  duration,
  money,
  partialSum,
  plural,
  shortCommand,
  tokens,
} from "../kit/format.js";
import { setUrlParams } from "../kit/url-params.js";
import { copyText } from "../run/log-detail.js";
import { countUnreported, resultOf } from "../shell/command-list.js";
import { createBranchForm } from "./branch-form.js";
import { createSize } from "./diff.js";
import { createTranscript } from "./transcript.js";

/** @typedef {Record<string, any>} Command a row of the dossier's `commands` */

export function createStoryCommands() {
  const sum = h("p", { class: "soft" });
  const rows = h("ol", { class: "commands" });
  const el = h("div", {}, sum, rows);
  const commands = list(
    rows,
    (/** @type {Command} */ command) => command.id,
    (command) => new CommandRow(command),
  );
  return {
    el,
    /** @param {Command[]} all */
    update(all) {
      text(sum, sumText(all));
      commands.render(all);
    },
    /**
     * Brings a command into sight with its transcript unfolded.
     * @param {number} id
     * @returns {boolean} whether it is there
     */
    open(id) {
      const row = rows.querySelector(`[data-id="${id}"]`);
      const fold = row?.querySelector("details");
      if (!row || !fold) return false;
      fold.open = true;
      row.scrollIntoView({ block: "start" });
      fold.querySelector("summary")?.focus({ preventScroll: true });
      return true;
    },
  };
}

/** @param {Command[]} all */
function sumText(all) {
  const failed = all.filter((command) => resultOf(command.status).result === "failed").length;
  const sum = (/** @type {(command: Command) => number} */ of) =>
    all.reduce((total, command) => total + of(command), 0);
  const [used, cost] = [sum(allTokens), sum((command) => command.cost_usd ?? 0)];
  const estimated = sum((command) => command.estimated_usd ?? 0);
  const parts = [
    failed > 0 && `${count(failed)} failed`,
    duration(sum((command) => command.duration_ms ?? 0)),
    `${partialSum(tokens(used), used, countUnreported(all, "output_tokens"))} tokens`,
    partialSum(money(cost, estimated), cost, countUnreported(all, "cost_usd")),
  ];
  return [plural(all.length, "command"), ...parts.filter(Boolean)].join(" · ");
}

class CommandRow {
  el;
  #mark = h("span", { class: "command-mark" });
  #verdict = h("span", { class: "verdict" });
  #outcome = h("span");
  #facts = h("p", { class: "command-facts" });
  #change = h("span");
  #reason = h("p", { class: "command-reason" });
  #transcript;
  #drawn = "";

  /** @param {Command} command */
  constructor({ id, command, story_key: key, branch }) {
    this.#transcript = createTranscript(id, command, key);
    const title = h("b", { text: shortCommand(command), title: command });
    const parts = [this.#mark, title, this.#verdict, this.#outcome, this.#change, createLink(id, command)];
    const name = h("p", { class: "command-name" }, ...parts);
    const rest = [this.#facts, this.#reason, this.#transcript.el, branch && createBranchForm({ id, branch })];
    this.el = h("li", { class: "command", "data-id": id }, name, ...rest);
  }

  /** @param {Command} command */
  update(command) {
    const content = JSON.stringify(command);
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.#transcript.setLive(command.ended_at === null);
    this.#drawResult(command);
    text(this.#facts, factsOf(command));
    attr(this.#facts, "title", tokenText(command));
    fill(this.#change, ...changeOf(command));
    text(this.#reason, command.status === "success" ? "" : command.reason);
    show(this.#reason, Boolean(this.#reason.textContent));
  }

  /** @param {Command} command */
  #drawResult({ status, verdict }) {
    const { result, glyph, words } = resultOf(status);
    fill(this.#mark, glyph ? icon(glyph) : h("span", { class: "spin" }));
    attr(this.el, "data-result", result);
    text(this.#verdict, verdict);
    text(this.#outcome, words);
    this.#outcome.className = result === "success" ? "unseen" : "command-result";
  }
}

/** @param {Command} command @returns {(Node | string)[]} */
function changeOf({ files_changed: files, lines_added: added, lines_removed: removed }) {
  return files ? [plural(files, "file"), " ", createSize(added, removed)] : [];
}

/** @param {number} id @param {string} command */
function createLink(id, command) {
  const label = { "aria-label": `Copy a link to ${shortCommand(command)}`, title: "Copy a link to this command" };
  return h("button", { type: "button", class: "ghost", ...label, on: { click: () => copyLink(id) } }, icon("link"));
}

/** Copies the address of this command. @param {number} id */
function copyLink(id) {
  setUrlParams({ transcript: String(id) });
  copyText(location.href, "Link copied: it opens the story at this command");
}

/** @param {Command} command */
function factsOf(command) {
  const used = allTokens(command);
  return [
    command.attempt > 1 && `attempt ${command.attempt}`,
    command.background && "in the background",
    command.started_at && `${day(command.started_at)} ${clock(command.started_at)}`,
    command.ended_at && duration(command.duration_ms),
    used > 0 && `${tokens(used)} tokens`,
    command.cost_usd !== null && money(command.cost_usd, command.estimated_usd),
    command.cost_doubted && "more than ten times what its tokens cost",
    [command.agent, command.model].filter(Boolean).join(" "),
    `batch ${command.batch_id}`,
    command.agent_change,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Command} command */
function tokenText(command) {
  const kinds = [
    ["input", "input"],
    ["output", "output"],
    ["cache_read", "read from the cache"],
    ["cache_write", "written to the cache"],
  ];
  return kinds.map(([name, words]) => `${count(command[`${name}_tokens`] ?? 0)} ${words}`).join(", ");
}
