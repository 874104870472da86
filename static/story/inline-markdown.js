// @ts-check
/**
 * Markdown within a line as nodes: emphasis, code, links and images as text with their target. Text stays text: nothing
 * is parsed as HTML, and nothing is fetched.
 */
import { h } from "../kit/dom.js";

/** Characters that are parsed; a longer text is shown as it is, since a search for an end is quadratic. */
const MOST = 4_000;
/** Emphasis within emphasis, and so on. */
const DEEPEST = 6;
/** Where something may begin. */
const SPECIAL = /[\\`!*_~[<]/g;

/** @typedef {(found: string[], depth: number) => (Node | string)[]} Draw */
/** What may begin at a special character, tried in this order. @type {[RegExp, Draw][]} */
const RULES = [
  [/\\([!-/:-@[-`{-~])/y, ([, sign]) => [sign]],
  [/(`{1,8})(?!`)([\s\S]+?)(?<!`)\1(?!`)/y, ([, , code]) => [h("code", { text: code.trim() || code })]],
  [/!\[([^\]]*)\]\(([^()\s]*)[^()]*\)/y, ([, name, target]) => [withTarget([name || "image"], target)]],
  [
    /\[((?:[^[\]]|\[[^[\]]*\])+)\]\(([^()\s]+)(?:\s+"[^"]*")?\)/y,
    ([, words, target], depth) => [withTarget(parse(words, depth + 1), words === target ? "" : target)],
  ],
  [/<((?:https?:|mailto:)[^<>\s]+)>/y, ([, target]) => [withTarget([target], "")]],
  [/(\*\*|__)(?=\S)([\s\S]*?\S)\1/y, ([, , words], depth) => [h("strong", {}, ...parse(words, depth + 1))]],
  [/~~(?=\S)([\s\S]*?\S)~~/y, ([, words], depth) => [h("s", {}, ...parse(words, depth + 1))]],
  [/\*(?=[^\s*])([^*]*[^\s*])\*(?!\*)/y, ([, words], depth) => [h("em", {}, ...parse(words, depth + 1))]],
  [/(?<!\w)_(?=[^\s_])([^_]*[^\s_])_(?!\w)/y, ([, words], depth) => [h("em", {}, ...parse(words, depth + 1))]],
];

/** @param {string} text @returns {(Node | string)[]} */
export function inlineMarkdown(text) {
  return text.length > MOST ? [text] : parse(text, 0);
}

/** @param {string} text @param {number} depth @returns {(Node | string)[]} */
function parse(text, depth) {
  if (depth > DEEPEST) return [text];
  /** @type {(Node | string)[]} */
  const nodes = [];
  let from = 0;
  SPECIAL.lastIndex = 0;
  for (let at = next(text, 0); at >= 0; ) {
    const found = match(text, at);
    if (found) {
      nodes.push(text.slice(from, at), ...found.draw(found.parts, depth));
      from = at + found.parts[0].length;
    }
    at = next(text, found ? from : at + 1);
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

/** The next place at which something may begin. @param {string} text @param {number} from */
function next(text, from) {
  SPECIAL.lastIndex = from;
  return SPECIAL.exec(text)?.index ?? -1;
}

/** @param {string} text @param {number} at */
function match(text, at) {
  for (const [rule, draw] of RULES) {
    rule.lastIndex = at;
    const parts = rule.exec(text);
    if (parts) return { parts, draw };
  }
  return null;
}

/** A link is no link here: a story's text may lead anywhere. @param {(Node | string)[]} words @param {string} target */
function withTarget(words, target) {
  const shown = target ? h("span", { class: "md-target", text: ` (${target})` }) : "";
  return h("span", { class: "md-link" }, ...words, shown);
}
