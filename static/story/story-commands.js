// @ts-check
/** The commands that worked for a story: outcome, attempt, agent, time, tokens, cost, reason, transcript. */

import { attr, h, icon, list, show, text } from "../kit/dom.js";
import { allTokens, clock, count, day, duration, money, plural, shortCommand, tokens } from "../kit/format.js";
import { amend } from "../kit/url-params.js";
import { copyText } from "../run/log-detail.js";
import { resultOf } from "../shell/command-list.js";
import { createSize } from "./diff.js";
import { createTranscript } from "./transcript.js";

/** @typedef {Record<string, any>} Command a row of the dossier's `commands` */

export function createWork() {
  const sum = h("p", { class: "soft" });
  const rows = h("ol", { class: "commands" });
  const el = h("div", {}, sum, rows);
  const commands = list(rows, (/** @type {Command} */ command) => command.id, createCommand);
  return {
    el,
    /** @param {Command[]} all */
    update(all) {
      text(sum, sumWords(all));
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
function sumWords(all) {
  const failed = all.filter((command) => resultOf(command.status).result === "failed").length;
  const sum = (/** @type {(command: Command) => number} */ of) =>
    all.reduce((total, command) => total + of(command), 0);
  const parts = [
    failed > 0 && `${count(failed)} failed`,
    duration(sum((command) => command.duration_ms ?? 0)),
    `${tokens(sum(allTokens))} tokens`,
    money(
      sum((command) => command.cost_usd ?? 0),
      sum((command) => command.estimated_usd ?? 0),
    ),
  ];
  return [plural(all.length, "command"), ...parts.filter(Boolean)].join(" · ");
}

/** @param {Command} first */
function createCommand(first) {
  const mark = h("span", { class: "step-mark" });
  const verdict = h("span", { class: "verdict" });
  const words = h("span");
  const facts = h("p", { class: "command-facts" });
  const change = h("span");
  const reason = h("p", { class: "command-reason" });
  const transcript = createTranscript(first.id, first.command);
  const link = h(
    "button",
    {
      type: "button",
      class: "ghost",
      "aria-label": `Copy a link to ${shortCommand(first.command)}`,
      title: "Copy a link to this command",
      on: { click: () => copyLink(first.id) },
    },
    icon("link"),
  );
  const name = h(
    "p",
    { class: "command-name" },
    mark,
    h("b", { text: shortCommand(first.command), title: first.command }),
    verdict,
    words,
    change,
    link,
  );
  const el = h("li", { class: "command", "data-id": first.id }, name, facts, reason, transcript.el);
  let drawn = "";
  return {
    el,
    /** @param {Command} command */
    update(command) {
      const now = JSON.stringify(command);
      if (now === drawn) return;
      drawn = now;
      transcript.setLive(command.ended_at === null);
      const { result, glyph, words: how } = resultOf(command.status);
      mark.replaceChildren(glyph ? icon(glyph) : h("span", { class: "spin" }));
      attr(el, "data-result", result);
      text(verdict, command.verdict);
      text(words, how);
      words.className = result === "success" ? "unseen" : "command-result";
      text(facts, factsOf(command));
      attr(facts, "title", tokenWords(command));
      change.replaceChildren(
        ...(command.files_changed
          ? [plural(command.files_changed, "file"), " ", createSize(command.lines_added, command.lines_removed)]
          : []),
      );
      text(reason, command.status === "success" ? "" : command.reason);
      show(reason, Boolean(reason.textContent));
    },
  };
}

/** The address of this page with this command in it. @param {number} id */
function copyLink(id) {
  amend({ transcript: String(id) });
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
    [command.agent, command.model].filter(Boolean).join(" "),
    `batch ${command.batch_id}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Command} command */
function tokenWords(command) {
  const kinds = [
    ["input", "input"],
    ["output", "output"],
    ["cache_read", "read from the cache"],
    ["cache_write", "written to the cache"],
  ];
  return kinds.map(([name, words]) => `${count(command[`${name}_tokens`] ?? 0)} ${words}`).join(", ");
}
