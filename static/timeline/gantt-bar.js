// @ts-check
/** A bar of the Timeline: one command, or several that are too narrow. Its kind is a colour and a pattern. */
import { attr, h, text } from "../kit/dom.js";
import { clock, duration, shortCommand } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";

/** Height of a slot, and the padding of a row around its slots, in px. */
export const SLOT_PX = 26;
export const ROW_PADDING = 12;

/** @type {{kind: string, words: string, commands: string[]}[]} */
export const KINDS = [
  { kind: "context", words: "project context", commands: ["create-project-context", "refresh-project-context"] },
  { kind: "create", words: "create", commands: ["create-story"] },
  { kind: "discover", words: "discovery", commands: ["story-discovery"] },
  { kind: "spec", words: "tech spec", commands: ["create-tech-spec"] },
  { kind: "check", words: "story and spec review", commands: ["story-review", "tech-spec-review"] },
  { kind: "dev", words: "dev", commands: ["dev-story", "build-auto"] },
  { kind: "review", words: "code review", commands: ["code-review"] },
  { kind: "commit", words: "commit", commands: ["commit"] },
];

/** The marks of results that are not a success. @type {Record<string, string>} */
const MARKS = { failed: "✕ ", stopped: "‖ " };

/** @param {number} id of the first command */
export function createBar(id) {
  return h("button", { type: "button", class: "bar", "data-id": id }, h("span"));
}

/** @param {HTMLElement} el @param {import("../kit/time-axis.js").Piece} piece */
export function updateBar(el, { bars, from, to, slot }) {
  const [{ command }] = bars;
  const { result } = resultOf(command.status);
  const many = bars.length > 1;
  el.style.left = `${from}px`;
  el.style.width = `${Math.max(3, to - from)}px`;
  el.style.top = `${slot * SLOT_PX + ROW_PADDING / 2}px`;
  attr(el, "data-many", many ? bars.length : null);
  attr(el, "data-kind", kindOf(command.command));
  attr(el, "data-result", many ? worst(bars.map((bar) => resultOf(bar.command.status).result)) : result);
  attr(el, "data-background", command.background && !many);
  text(el.firstElementChild ?? el, many ? `×${bars.length}` : (MARKS[result] ?? "") + shortCommand(command.command));
  attr(el, "aria-label", many ? manyLabel(bars.length, command) : label(command));
}

/** @param {import("../shell/command-list.js").Command} command */
function label(command) {
  const took = command.ended_at === null ? "running" : duration(command.ended_at - command.started_at);
  const start = clock(command.started_at);
  return `${shortCommand(command.command)}, ${resultOf(command.status).words}, ${start}, ${took}`;
}

/** @param {number} number @param {import("../shell/command-list.js").Command} first */
function manyLabel(number, first) {
  return `${number} commands from ${clock(first.started_at)}; zoom in to see each`;
}

/** @param {string[]} results */
function worst(results) {
  return ["failed", "stopped", "running", "success"].find((result) => results.includes(result)) ?? "success";
}

/** The kind of a command, which names its colour and pattern. @param {string} command */
export function kindOf(command) {
  const base = command.replace(/-\d+$/, "");
  return KINDS.find((kind) => kind.commands.includes(base))?.kind ?? "other";
}
