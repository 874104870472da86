// @ts-check
/** A command in the conversation: how it ended in a line or two, and its findings and its transcript when it is opened. */
import { resultOf } from "../kit/command-result.js";
import { attr, fill, h, icon, show, text } from "../kit/dom.js";
import { allTokens, clock, count, day, duration, money, plural, shortCommand, tokens } from "../kit/format.js";
import { StepRetry } from "../kit/retry-step.js";
import { setUrlParams } from "../kit/url-params.js";
import { copyText } from "../run/log-detail.js";
import { RUNNER } from "../shell/command-list.js";
import { createBranchForm } from "./branch-form.js";
import { createSize } from "./change-size.js";
import { countText, findingLists, toneOf } from "./findings.js";
import { inlineMarkdown } from "./inline-markdown.js";
import { createTranscript } from "./transcript.js";

/** @typedef {Record<string, any>} Command a row of the dossier's `commands` */
/** @typedef {import("./findings.js").Round} Round */
/**
 * @typedef {{command: Command, round: Round | null, commit: Record<string, any> | null, asked: boolean,
 *   retry: string}} CommandData `commit` is what it made, `asked` that its question is an item of its own, `retry`
 *   the story that can be tried again from it, else empty
 */

/** Agents of commands that cost nothing: the runner itself, and the operator. */
const FREE = new Set([RUNNER, "operator"]);

export class CommandItem {
  el;
  #mark = h("span", { class: "item-mark" });
  #verdict = h("span", { class: "verdict" });
  #outcome = h("span");
  #attempt = h("span", { class: "item-attempt" });
  #change = h("button", { type: "button", class: "plain change-link" });
  #when = h("span", { class: "item-when" });
  #brief = h("p", { class: "item-brief", dir: "auto" });
  #facts = h("p", { class: "command-facts" });
  #reason = h("p", { class: "command-reason", dir: "auto" });
  #findings = h("div");
  #button;
  #body;
  #transcript;
  #retry;
  #drawn = "";
  /** The name of its change. */
  #shown = "";

  /** @param {CommandData} data @param {(change: string) => void} openChange */
  constructor({ command: { id, command, agent, story_key: key, branch } }, openChange) {
    this.#transcript = createTranscript(id, command, agent === RUNNER ? "" : key);
    const title = h("b", { text: shortCommand(command), title: command });
    this.#button = h("button", { type: "button", class: "item-open", "aria-expanded": "false" }, title);
    const link = createLink(id, command);
    this.#retry = new StepRetry(command);
    const words = [this.#button, this.#attempt, this.#verdict, this.#outcome, this.#change, this.#retry.el];
    const head = h(
      "div",
      { class: "item-head" },
      this.#mark,
      h("p", { class: "item-words" }, ...words),
      this.#when,
      link,
    );
    const more = branch && createBranchForm({ id, branch });
    this.#body = h(
      "div",
      { class: "item-body", hidden: true },
      this.#reason,
      this.#findings,
      this.#facts,
      this.#transcript.el,
      more,
    );
    this.el = h("li", { class: "item command", "data-id": id }, head, this.#brief, this.#body);
    head.addEventListener("click", (event) => this.#clicked(/** @type {Element} */ (event.target)));
    this.#change.addEventListener("click", () => openChange(this.#shown));
  }

  /** @param {CommandData} data */
  update({ command, round, commit, asked, retry }) {
    const content = JSON.stringify([command, round, commit, asked, retry]);
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.#transcript.setLive(command.ended_at === null);
    this.#drawResult(command, round);
    this.#shown = commit ? commit.hash : `command-${command.id}`;
    this.#drawChange({ ...command, ...commit });
    this.#drawBrief(commit ? commit.subject : asked ? "" : briefOf(command, round));
    this.#drawBody(command, round);
    this.#retry.update(retry ? [retry] : []);
  }

  /** @param {Command} command @param {Round | null} round */
  #drawResult(command, round) {
    const { result, glyph, words } = resultOf(command.status, command.verdict);
    const tone = round ? toneOf(round) : "";
    const mark = tone === "bad" || tone === "warn" ? "review" : glyph;
    fill(this.#mark, glyph ? icon(mark) : h("span", { class: "spin" }));
    attr(this.el, "data-result", result);
    attr(this.el, "data-tone", tone || null);
    const verdict = round?.readable ? round.verdict : (command.verdict ?? "");
    text(this.#verdict, words.startsWith(verdict) ? "" : verdict);
    this.#verdict.classList.toggle("mono", command.command === "commit");
    text(this.#outcome, words);
    this.#outcome.className = result === "success" ? "unseen" : "command-result";
    text(this.#attempt, command.attempt > 1 ? `Attempt ${command.attempt}` : "");
    text(this.#when, whenText(command));
  }

  /** @param {string} brief one line of what it says, in Markdown */
  #drawBrief(brief) {
    fill(this.#brief, ...inlineMarkdown(brief.split("\n")[0]));
    show(this.#brief, Boolean(brief) && this.#body.hidden);
  }

  /** @param {Command} command */
  #drawChange({ files_changed: files, lines_added: added, lines_removed: removed, command }) {
    show(this.#change, Boolean(files));
    if (!files) return;
    fill(this.#change, plural(files, "file"), " ", createSize(added, removed));
    attr(
      this.#change,
      "aria-label",
      `Changes of ${shortCommand(command)}: ${plural(files, "file")}, ${count(added)} added, ${count(removed)} removed`,
    );
  }

  /** @param {Command} command @param {Round | null} round */
  #drawBody(command, round) {
    text(this.#facts, factsOf(command));
    attr(this.#facts, "title", tokenText(command));
    text(this.#reason, round?.readable || this.el.dataset.result === "success" ? "" : command.reason);
    show(this.#reason, Boolean(this.#reason.textContent));
    fill(this.#findings, ...(round?.readable ? findingLists(round) : []));
  }

  /** @param {Element} target */
  #clicked(target) {
    if (target.closest("button, a") && !target.closest(".item-open")) return;
    this.#toggle(this.#body.hidden);
  }

  /** @param {boolean} open */
  #toggle(open) {
    show(this.#body, open);
    show(this.#brief, !open && Boolean(this.#brief.textContent));
    attr(this.#button, "aria-expanded", String(open));
    if (open) /** @type {HTMLDetailsElement} */ (this.#transcript.el).open = true;
  }

  /** Opens it and brings it into sight. */
  open() {
    this.#toggle(true);
    this.el.scrollIntoView({ block: "start" });
    this.#transcript.el.querySelector("summary")?.focus({ preventScroll: true });
  }
}

/** @param {Command} command @param {Round | null} round @returns {string} */
function briefOf(command, round) {
  if (!round?.readable) return command.reason ?? "";
  return [countText(round), round.findings[0]?.text].filter(Boolean).join(": ");
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
function whenText(command) {
  const used = FREE.has(command.agent) ? "" : money(command.cost_usd, command.estimated_usd);
  const cost = command.ended_at === null || !used ? "" : used === "unknown" ? "cost unknown" : used;
  return [command.machine, command.ended_at && duration(command.duration_ms), cost, clock(command.started_at)]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Command} command */
function factsOf(command) {
  const hasTokens = command.output_tokens !== null;
  const isFree = FREE.has(command.agent);
  return [
    command.background && "in the background",
    `${day(command.started_at)} ${clock(command.started_at)}`,
    command.ended_at && duration(command.duration_ms),
    !isFree && (hasTokens ? `${tokens(allTokens(command))} tokens` : command.ended_at && "tokens unknown"),
    !isFree &&
      (command.cost_usd !== null ? money(command.cost_usd, command.estimated_usd) : command.ended_at && "cost unknown"),
    command.cost_doubted && "more than ten times what its tokens cost",
    [command.agent, command.model].filter(Boolean).join(" "),
    command.machine && `on ${command.machine}`,
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
  return kinds.map(([name, words]) => `${count(command[`${name}_tokens`])} ${words}`).join(", ");
}
