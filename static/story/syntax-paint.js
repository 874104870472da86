// @ts-check
/** Colours of code by the browser's custom highlights, which leave the document as it is; without them there are none. */

/** @typedef {import("./syntax.js").Token} Token */

/** Ranges after which those of lines that are gone are let go. */
const SWEEP = 20_000;

/** @type {Map<string, any>} the highlight of each kind, named `code-KIND` in the style sheet */
const highlights = new Map();
let ranges = 0;

/** Whether this browser has them. */
export const canPaint = typeof Highlight === "function" && "highlights" in CSS;

/** @param {Element} el whose text holds the tokens @param {Token[]} tokens in order */
export function paint(el, tokens) {
  if (!canPaint || !tokens.length) return;
  const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  let begin = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const { length } = /** @type {Text} */ (node);
    for (const { kind, from, to } of tokens)
      if (from < begin + length && to > begin) add(kind, node, Math.max(0, from - begin), Math.min(length, to - begin));
    begin += length;
  }
  if (ranges > SWEEP) sweep();
}

/** @param {string} kind @param {Node} node @param {number} from @param {number} to */
function add(kind, node, from, to) {
  if (!highlights.has(kind)) {
    highlights.set(kind, new Highlight());
    CSS.highlights.set(`code-${kind}`, highlights.get(kind));
  }
  highlights
    .get(kind)
    .add(new StaticRange({ startContainer: node, startOffset: from, endContainer: node, endOffset: to }));
  ranges += 1;
}

function sweep() {
  ranges = 0;
  for (const highlight of highlights.values()) {
    for (const range of [...highlight]) if (!range.startContainer.isConnected) highlight.delete(range);
    ranges += highlight.size;
  }
}
