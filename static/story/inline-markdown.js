// @ts-check
/** The little Markdown that sentences of story files use, `**strong**` and `` `code` ``, as nodes. Text stays text. */
import { h } from "../kit/dom.js";

const MARKED = /\*\*(.+?)\*\*|`([^`]+)`/g;

/** @param {string} sentence @returns {(Node | string)[]} */
export function inlineMarkdown(sentence) {
  const nodes = [];
  let from = 0;
  for (const found of sentence.matchAll(MARKED)) {
    nodes.push(sentence.slice(from, found.index));
    nodes.push(found[1] === undefined ? h("code", { text: found[2] }) : h("strong", { text: found[1] }));
    from = found.index + found[0].length;
  }
  nodes.push(sentence.slice(from));
  return nodes;
}
