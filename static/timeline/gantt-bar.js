// @ts-check
/**
 * A bar of the Timeline: a command, or several that are too small to tell apart. Its kind is a colour and a pattern.
 */
import { attr, h, text } from "../kit/dom.js";
import { clock, duration, shortCommand } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";

/** Height of a lane and what a row has around its lanes, in px. */
export const [LANE, ROOM] = [26, 12];

/** @param {number} id */
export function createBar(id) {
  return h("button", { type: "button", class: "bar", "data-id": id }, h("span"));
}

/** @param {HTMLElement} el @param {import("../kit/time-axis.js").Piece} piece */
export function fill(el, { bars, from, to, lane }) {
  const [{ step }] = bars;
  const { result, words } = resultOf(step.status);
  const many = bars.length > 1;
  el.style.left = `${from}px`;
  el.style.width = `${Math.max(3, to - from)}px`;
  el.style.top = `${lane * LANE + ROOM / 2}px`;
  attr(el, "data-many", many ? bars.length : null);
  attr(el, "data-kind", kindOf(step.command));
  attr(el, "data-result", many ? worst(bars.map((bar) => resultOf(bar.step.status).result)) : result);
  attr(el, "data-background", step.background && !many);
  const mark = result === "failed" ? "✕ " : result === "held" ? "‖ " : "";
  text(el.firstElementChild ?? el, many ? `×${bars.length}` : mark + shortCommand(step.command));
  attr(
    el,
    "aria-label",
    many
      ? `${bars.length} commands from ${clock(step.started_at)}; zoom in to see each`
      : `${shortCommand(step.command)}, ${words}, ${clock(step.started_at)}, ${step.ended_at === null ? "running" : duration(step.ended_at - step.started_at)}`,
  );
}

/** @param {string[]} results */
function worst(results) {
  return ["failed", "held", "running", "success"].find((result) => results.includes(result)) ?? "success";
}

/** The kind of a command, which names its colour and pattern. @param {string} command */
export function kindOf(command) {
  const base = command.replace(/-\d+$/, "");
  return KINDS.find((kind) => kind.commands.includes(base))?.kind ?? "other";
}

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
