// @ts-check
/**
 * Markdown as nodes: headings, lists, task lists, tables, code, quotes, paragraphs. Built by `h` alone, so that no text
 * becomes markup; bounded in length and depth. HTML is shown as the text that it is.
 */
import { h, icon } from "../kit/dom.js";
import { inlineMarkdown } from "./inline-markdown.js";

/** Characters and lines of a document that are rendered, and lists and quotes within each other. */
const MOST = 200_000;
const MOST_LINES = 6_000;
const DEEPEST = 12;
/** A line that is shorter than this was ended on purpose: its end stays. */
const WRAPPED = 60;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const QUOTE = /^ {0,3}> ?/;
const TASK = /^\[([ xX])\]\s+/;
const DELIMITER = /^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$/;

/** @typedef {{nodes: Node[], next: number} | null} Found the nodes of a block, and the line after it */
/** @typedef {{heading: number, depth: number}} Context `heading` is the level of the last heading */

/**
 * @param {string} text
 * @param {number} [heading] the level of the heading above; no level is left out below it
 * @returns {HTMLElement}
 */
export function markdown(text, heading = 3) {
  const all = text.slice(0, MOST).replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
  const lines = all.slice(0, MOST_LINES);
  const { nodes, next } = frontmatter(lines);
  const cut =
    text.length > MOST || all.length > MOST_LINES
      ? [h("p", { class: "empty", text: "The rest is too long to be shown here." })]
      : [];
  const rest = blocks(lines.slice(next), { heading, depth: 0 });
  return h("div", { class: "md", dir: "auto" }, ...nodes, ...rest, ...cut);
}

/** What is between `---` at the very beginning. @param {string[]} lines */
function frontmatter(lines) {
  const end = lines[0]?.trimEnd() === "---" ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---") : -1;
  if (end < 2) return { nodes: [], next: end === 1 ? 2 : 0 };
  const body = h("pre", { tabindex: "0", text: lines.slice(1, end).join("\n") });
  return { nodes: [h("details", { class: "md-front" }, h("summary", { text: "Fields" }), body)], next: end + 1 };
}

/** @param {string[]} lines @param {Context} context @returns {Node[]} */
function blocks(lines, context) {
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const found = lines[at].trim() ? block(lines, at, context) : { nodes: [], next: at + 1 };
    nodes.push(...found.nodes);
    at = found.next;
  }
  return nodes;
}

/** @param {string[]} lines @param {number} at @param {Context} context */
function block(lines, at, context) {
  for (const read of [fenced, indented, heading, rule, quote, list, table]) {
    const found = read(lines, at, context);
    if (found) return found;
  }
  return paragraph(lines, at);
}

/** @param {string[]} lines @param {number} at @returns {Found} */
function fenced(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]) ?? [];
  if (!fence) return null;
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end], fence)) end += 1;
  return { nodes: [codeBlock(lines.slice(at + 1, end), language.trim())], next: end + 1 };
}

/** @param {string} line @param {string} fence */
function isEnd(line, fence) {
  const text = line.trim();
  return text.length >= fence.length && text === fence[0].repeat(text.length);
}

/** @param {string[]} lines @param {number} at @returns {Found} */
function indented(lines, at) {
  if (!lines[at].startsWith("    ")) return null;
  let end = at;
  while (end < lines.length && (lines[end].startsWith("    ") || !lines[end].trim())) end += 1;
  const code = lines.slice(at, end).map((line) => line.slice(4));
  return { nodes: [codeBlock(code.join("\n").trimEnd().split("\n"), "")], next: end };
}

/** @param {string[]} lines @param {string} language */
function codeBlock(lines, language) {
  const name = language ? `Code, ${language}` : "Code";
  return h("pre", {
    class: "md-code",
    dir: "ltr",
    tabindex: "0",
    role: "region",
    "aria-label": name,
    text: lines.join("\n"),
  });
}

/** @param {string[]} lines @param {number} at @param {Context} context @returns {Found} */
function heading(lines, at, context) {
  const [, marks, words = ""] = HEADING.exec(lines[at]) ?? [];
  if (!marks) return null;
  context.heading = Math.min(marks.length + 2, context.heading + 1, 6);
  const tag = /** @type {"h3" | "h4" | "h5" | "h6"} */ (`h${context.heading}`);
  return { nodes: [h(tag, { dir: "auto" }, ...inlineMarkdown(words))], next: at + 1 };
}

/** @param {string[]} lines @param {number} at @returns {Found} */
function rule(lines, at) {
  return RULE.test(lines[at]) ? { nodes: [h("hr")], next: at + 1 } : null;
}

/** @param {string[]} lines @param {number} at @param {Context} context @returns {Found} */
function quote(lines, at, context) {
  if (!QUOTE.test(lines[at])) return null;
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { nodes: [h("blockquote", { dir: "auto" }, ...nested(inner, context))], next: end };
}

/** @param {string[]} lines @param {Context} context @returns {(Node | string)[]} */
function nested(lines, context) {
  if (context.depth >= DEEPEST) return [lines.join("\n")];
  context.depth += 1;
  const nodes = blocks(lines, context);
  context.depth -= 1;
  return nodes;
}

/** @param {string[]} lines @param {number} at @param {Context} context @returns {Found} */
function list(lines, at, context) {
  const first = ITEM.exec(lines[at]);
  if (!first) return null;
  const isOrdered = /\d/.test(first[2]);
  const items = [];
  let next = at;
  for (let found = first; found && /\d/.test(found[2]) === isOrdered; ) {
    const end = endOfItem(lines, next, found[0].length);
    items.push(item(lines.slice(next, end), found[0].length, context));
    next = end;
    while (next < lines.length && !lines[next].trim()) next += 1;
    found = /** @type {RegExpExecArray} */ (
      next < lines.length && !RULE.test(lines[next]) ? ITEM.exec(lines[next]) : null
    );
  }
  const start = isOrdered && first[2].slice(0, -1) !== "1" ? Number.parseInt(first[2], 10) : null;
  const isTasks = items.some((one) => one.classList.contains("md-task"));
  return { nodes: [h(isOrdered ? "ol" : "ul", { start, class: isTasks ? "md-tasks" : "" }, ...items)], next };
}

/** The line after an item: what is indented belongs to it, and text that goes on without an indent. @param {string[]} lines @param {number} at @param {number} width of its marker */
function endOfItem(lines, at, width) {
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    if (!line.trim()) {
      while (end < lines.length - 1 && !lines[end + 1].trim()) end += 1;
      if (end === lines.length - 1 || indentOf(lines[end + 1]) < Math.min(width, 2)) break;
    } else if (indentOf(line) < Math.min(width, 2) && (isStart(line) || !lines[end - 1].trim())) break;
  }
  return end;
}

/** @param {string} line */
function indentOf(line) {
  return line.length - line.trimStart().length;
}

/** Whether a line begins a block, where it would go on with a paragraph otherwise. @param {string} line */
function isStart(line) {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
}

/** @param {string[]} lines @param {number} width of its marker @param {Context} context */
function item(lines, width, context) {
  const inner = lines.map((line, at) => line.slice(at ? Math.min(width, indentOf(line)) : width));
  const task = TASK.exec(inner[0]);
  if (task) inner[0] = inner[0].slice(task[0].length);
  const nodes = nested(inner, context);
  const isTight = !inner.slice(0, -1).some((line) => !line.trim());
  const content = isTight
    ? nodes.flatMap((node) => (node instanceof HTMLParagraphElement ? [...node.childNodes] : node))
    : nodes;
  if (!task) return h("li", { dir: "auto" }, ...content);
  const isDone = task[1] !== " ";
  const box = h("span", { class: "box", "aria-hidden": "true" }, isDone ? icon("check") : null);
  const state = h("span", { class: "unseen", text: isDone ? "done: " : "open: " });
  return h("li", { class: "md-task", dir: "auto", "data-done": isDone }, box, state, h("div", {}, ...content));
}

/** @param {string[]} lines @param {number} at @returns {Found} */
function table(lines, at) {
  if (!lines[at].includes("|") || !DELIMITER.test(lines[at + 1] ?? "") || !lines[at + 1].includes("-")) return null;
  const head = cells(lines[at]);
  const sides = cells(lines[at + 1]).map((cell) =>
    /-:$/.test(cell) ? (cell.startsWith(":") ? "center" : "end") : null,
  );
  if (sides.length !== head.length) return null;
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const row = (/** @type {"th" | "td"} */ tag, /** @type {string[]} */ of) =>
    h("tr", {}, ...head.map((_, n) => h(tag, { "data-side": sides[n], dir: "auto" }, ...inlineMarkdown(of[n] ?? ""))));
  const body = lines.slice(at + 2, end).map((line) => row("td", cells(line)));
  const el = h("table", {}, h("thead", {}, row("th", head)), h("tbody", {}, ...body));
  return {
    nodes: [h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table" }, el)],
    next: end,
  };
}

/** @param {string} line @returns {string[]} */
function cells(line) {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.replaceAll("\\|", "|").trim());
}

/** @param {string[]} lines @param {number} at */
function paragraph(lines, at) {
  if (lines[at].startsWith("<!--")) return comment(lines, at);
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !isStart(lines[end])) end += 1;
  const level = /^ {0,3}(=+|-+)\s*$/.exec(lines[end] ?? "");
  /** @type {(Node | string)[]} */
  const words = [];
  for (const [index, line] of lines.slice(at, end).entries()) {
    const before = lines[at + index - 1] ?? "";
    if (index) words.push(before.trimEnd().length < WRAPPED || /( {2}|\\)$/.test(before) ? h("br") : " ");
    words.push(line.trim().replace(/\\$/, ""));
  }
  const nodes = inParagraph(words);
  return { nodes: [h("p", { dir: "auto" }, ...nodes)], next: level && /=/.test(level[1]) ? end + 1 : end };
}

/** A comment is shown too: what an agent reads is not kept from the operator. @param {string[]} lines @param {number} at */
function comment(lines, at) {
  let end = at;
  while (end < lines.length - 1 && !lines[end].includes("-->")) end += 1;
  return { nodes: [h("p", { class: "md-html", text: lines.slice(at, end + 1).join("\n") })], next: end + 1 };
}

/** Emphasis may go over the end of a line that was wrapped. @param {(Node | string)[]} words @returns {(Node | string)[]} */
function inParagraph(words) {
  const nodes = [];
  let line = "";
  for (const word of words) {
    if (typeof word === "string") line += word;
    else {
      nodes.push(...inlineMarkdown(line), word);
      line = "";
    }
  }
  return [...nodes, ...inlineMarkdown(line)];
}
