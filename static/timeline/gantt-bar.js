// @ts-check
/** A bar of the Timeline: one command, or several that are too narrow. Its outcome is a colour and a mark. */
import { resultWith } from "../kit/command-result.js";
import { attr, h, text } from "../kit/dom.js";
import { clock, duration, shortCommand } from "../kit/format.js";
import { OUTCOMES, worstOf } from "./outcome.js";

/** Height of a slot, and the padding of a row around its slots, in px. */
export const SLOT_PX = 26;
export const ROW_PADDING = 12;

/** What a pattern says of the work: the rest has none. @type {[kind: string, words: string, commands: string[]][]} */
export const KINDS = [
  ["dev", "development", ["dev-story", "build-auto"]],
  ["review", "review", ["code-review", "story-review", "tech-spec-review"]],
];

/** @param {number} id of the first command */
export function createBar(id) {
  return h(
    "button",
    { type: "button", class: "bar", "data-id": id },
    h("span", { class: "bar-mark" }),
    h("span", { class: "bar-name" }),
  );
}

/** The mark of each outcome. @type {Map<string, string>} */
const MARKS = new Map(OUTCOMES.map(([name, mark]) => [name, mark]));

/** @param {HTMLElement} el @param {import("../kit/time-axis.js").Piece} piece @param {boolean} chosen */
export function updateBar(el, { bars, from, to, slot }, chosen) {
  const [{ command }] = bars;
  const many = bars.length > 1;
  const outcome = worstOf(bars.map((bar) => bar.command));
  el.style.left = `${from}px`;
  el.style.width = `${Math.max(3, to - from)}px`;
  el.style.top = `${slot * SLOT_PX + ROW_PADDING / 2}px`;
  attr(el, "data-many", many ? bars.length : null);
  attr(el, "data-kind", many ? null : kindOf(command.command));
  attr(el, "data-result", outcome);
  attr(el, "data-background", command.background && !many);
  attr(el, "data-chosen", chosen);
  const [mark, name] = /** @type {NodeListOf<HTMLElement>} */ (el.querySelectorAll("span"));
  text(mark, many ? "" : (MARKS.get(outcome) ?? ""));
  text(name, many ? `×${bars.length}` : shortCommand(command.command));
  attr(el, "aria-label", many ? manyLabel(bars.length, command) : label(command));
}

/** @param {import("../shell/command-list.js").Command} command */
function label(command) {
  const took = command.ended_at === null ? "running" : duration(command.ended_at - command.started_at);
  const { words } = resultWith(command);
  return `${shortCommand(command.command)}, ${words}, ${clock(command.started_at)}, ${took}`;
}

/** @param {number} number @param {import("../shell/command-list.js").Command} first */
function manyLabel(number, first) {
  return `${number} commands from ${clock(first.started_at)}; zoom in to see each`;
}

/** The kind of work of a command, which names its pattern. @param {string} command */
export function kindOf(command) {
  const base = command.replace(/-\d+$/, "");
  return KINDS.find(([, , commands]) => commands.includes(base))?.[0] ?? null;
}
