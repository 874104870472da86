// @ts-check
/**
 * Comments, strings, keywords and numbers in lines of common languages: a small scanner, not a parser. Pure. What it does
 * not know stays plain.
 */

/** @typedef {{kind: "comment" | "string" | "keyword" | "number", from: number, to: number}} Token */
/**
 * @typedef {{line: string[], block: [string, string][], quotes: string[], words: Set<string>}} Language
 *   how a comment of one line begins, how one of several begins and ends, and so for strings of several lines
 */

/** Characters of a line that are scanned. */
const MOST = 2_000;

const C =
  "break case catch class const continue default delete do else enum export extends false finally for from function if implements import in instanceof interface let new null package private protected public return static struct super switch this throw true try type typeof undefined var void while yield async await abstract final override readonly int long float double bool boolean char string unsigned fn impl match mod mut pub self trait use where crate func go defer chan map range nil namespace using val when object fun is as virtual operator template typename auto sizeof def unless";
const PYTHON =
  "and as assert async await break case class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield";
const SHELL =
  "if then else elif fi for in do done case esac while until function return local export end begin def class module require true false null yes no on off";
const SQL =
  "select from where and or not insert into values update set delete create table index view join left right inner outer on group by order having limit as distinct union all null primary key references default unique begin commit rollback alter add column drop with case when then else end exists in is like between";

/** @param {string} words */
const set = (words) => new Set(words.split(" "));
/** @type {Language} */
const LIKE_C = {
  line: ["//"],
  block: [
    ["/*", "*/"],
    ["`", "`"],
  ],
  quotes: ['"', "'"],
  words: set(C),
};
/** @type {Language} */
const LIKE_PYTHON = {
  line: ["#"],
  block: [
    ['"""', '"""'],
    ["'''", "'''"],
  ],
  quotes: ['"', "'"],
  words: set(PYTHON),
};
/** @type {Language} */
const LIKE_SHELL = { line: ["#"], block: [], quotes: ['"', "'"], words: set(SHELL) };
/** @type {Language} */
const LIKE_SQL = { line: ["--"], block: [["/*", "*/"]], quotes: ["'", '"'], words: set(`${SQL} ${SQL.toUpperCase()}`) };
/** @type {Language} */
const MARKUP = { line: [], block: [["<!--", "-->"]], quotes: ['"', "'"], words: new Set() };
/** @type {Language} */
const STYLE = { line: [], block: [["/*", "*/"]], quotes: ['"', "'"], words: new Set() };

/** @type {[Language, string][]} */
const ENDINGS = [
  [
    LIKE_C,
    "js mjs cjs jsx ts mts tsx json jsonc java c h cc cpp hpp cs go rs swift kt kts scala php dart zig proto groovy gradle",
  ],
  [LIKE_PYTHON, "py pyi pyx"],
  [LIKE_SHELL, "sh bash zsh fish rb yaml yml toml ini cfg conf env tf mk r pl ex exs nix dockerfile makefile"],
  [LIKE_SQL, "sql"],
  [MARKUP, "html htm xml svg vue svelte"],
  [STYLE, "css scss less"],
];
const LANGUAGES = new Map(ENDINGS.flatMap(([language, names]) => names.split(" ").map((name) => [name, language])));

/** The language of a file by its name, null for one that is not known. @param {string} path @returns {Language | null} */
export function languageOf(path) {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return LANGUAGES.get(name.slice(name.lastIndexOf(".") + 1)) ?? null;
}

/**
 * The tokens of a line. `open` is what the line before has left open, "" for nothing: the end that closes it.
 * @param {string} line @param {Language} language @param {string} [open]
 * @returns {{tokens: Token[], open: string}}
 */
export function tokensOf(line, language, open = "") {
  /** @type {Token[]} */
  const tokens = [];
  const text = line.slice(0, MOST);
  let at = 0;
  while (at < text.length) {
    /** @type {Found} */
    const found = open ? closing(text, at, open) : tokenAt(text, at, language);
    if (found.kind) tokens.push({ kind: found.kind, from: at, to: found.to });
    open = found.open;
    at = found.to;
  }
  return { tokens, open };
}

/** @typedef {{kind: Token["kind"] | null, to: number, open: string}} Found */

/** @param {string} text @param {number} at @param {string} end @returns {Found} */
function closing(text, at, end) {
  const to = text.indexOf(end, at);
  const kind = end === "*/" || end === "-->" ? "comment" : "string";
  return to < 0 ? { kind, to: text.length, open: end } : { kind, to: to + end.length, open: "" };
}

/** @param {string} text @param {number} at @param {Language} language @returns {Found} */
function tokenAt(text, at, { line, block, quotes, words }) {
  if (line.some((mark) => text.startsWith(mark, at) && (mark !== "#" || at === 0 || /\s/.test(text[at - 1]))))
    return { kind: "comment", to: text.length, open: "" };
  const opened = block.find(([mark]) => text.startsWith(mark, at));
  if (opened) {
    return closing(text, at + opened[0].length, opened[1]);
  }
  if (quotes.includes(text[at])) return { kind: "string", to: endOfString(text, at), open: "" };
  const [word] = /^[\p{L}_$][\p{L}\p{N}_$]*|^\d[\w.]*/u.exec(text.slice(at, at + 200)) ?? [];
  if (!word) return { kind: null, to: at + 1, open: "" };
  const kind = /^\d/.test(word) ? "number" : words.has(word) ? "keyword" : null;
  return { kind, to: at + word.length, open: "" };
}

/** @param {string} text @param {number} at */
function endOfString(text, at) {
  for (let to = at + 1; to < text.length; to += 1) {
    if (text[to] === "\\") to += 1;
    else if (text[to] === text[at]) return to + 1;
  }
  return text.length;
}
