// @ts-check
/** Text that others wrote, as it may be shown: what controls a terminal or reverses a line becomes a symbol. */

/** ECMA-48: CSI and OSC sequences, then short escapes; each of bounded length. */
const SEQUENCE =
  "\\u001b(?:\\[[0-?]{0,40}[ -/]{0,4}[@-~]|\\][^\\u0007\\u001b]{0,2048}(?:\\u0007|\\u001b\\\\)|[ -/]{1,4}[0-~]|[@-Z\\\\^_])";
const CONTROL =
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\u{e0000}-\\u{e007f}]";
const ANY = new RegExp(`\\r\\n|${SEQUENCE}|${CONTROL}`, "gu");

/** The text with symbols in the place of control codes; line ends and tabs stay. @param {string} text */
export function visible(text) {
  return text.replace(ANY, symbol);
}

/** @param {string} found */
function symbol(found) {
  if (found === "\r\n") return "\n";
  const code = found.codePointAt(0) ?? 0;
  if (found.length > String.fromCodePoint(code).length) return "";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
}
