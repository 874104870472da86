// @ts-check
/** What is in the conversation beside commands: questions, hints, messages, comments, checks, commits, deliveries. */
import { fill, h, icon } from "../kit/dom.js";
import { clock, day } from "../kit/format.js";

/**
 * @typedef {{glyph: string, tone: string, title: (Node | string)[], at: number, text?: string, parts?: Node[],
 *   fold?: string}} Note `text` in full, `fold` what a fold of its own holds, such as the end of an output
 */

/** Characters of a text that are shown without unfolding it. */
const SHORT = 220;

export class NoteItem {
  el;
  #draw;
  #drawn = "";

  /** @param {(data: any) => Note} draw */
  constructor(draw) {
    this.#draw = draw;
    this.el = h("li", { class: "item note" });
  }

  /** @param {any} data */
  update(data) {
    const content = JSON.stringify(data);
    if (content === this.#drawn) return;
    this.#drawn = content;
    const { glyph, tone, title, at, text = "", parts = [], fold = "" } = this.#draw(data);
    const when = h("span", { class: "item-when", text: clock(at), title: `${day(at)} ${clock(at)}` });
    const head = h(
      "div",
      { class: "item-head" },
      h("span", { class: "item-mark" }, icon(glyph)),
      titleOf(title, fold),
      when,
    );
    this.el.dataset.tone = tone;
    fill(this.el, head, text ? words(text) : null, ...parts);
  }
}

/** @param {string} text */
function words(text) {
  if (text.length <= SHORT && text.split("\n").length <= 3)
    return h("p", { class: "item-text hint-text", dir: "auto", text });
  const first = h("summary", { dir: "auto", text: `${text.slice(0, SHORT).split("\n")[0]}…` });
  return h("details", { class: "item-text" }, first, h("p", { class: "hint-text", dir: "auto", text }));
}

/** @param {(Node | string)[]} title @param {string} fold */
function titleOf(title, fold) {
  if (!fold) return h("p", { class: "item-words" }, ...title);
  return h("details", { class: "item-words" }, h("summary", {}, ...title), h("pre", { tabindex: "0", text: fold }));
}
