// @ts-check
/**
 * The terms of a search, as the server reads them: words that all have to be found, also within words, "phrases", and
 * words with a `*` at their end, which are found where a word begins. Pure.
 */

/** @typedef {{text: string, begins: boolean}} Term `text` in lower case */

/** @type {{query: string, terms: readonly Term[]}} */
let last = { query: "", terms: [] };

/** The terms of a query; those of the last one are kept, since many lines are compared with it. @param {string} query */
export function termsOf(query) {
  if (query !== last.query) last = { query, terms: parse(query.toLowerCase()) };
  return last.terms;
}

/** @param {string} query in lower case @returns {Term[]} */
function parse(query) {
  const found = [...query.matchAll(/"([^"]*)"?|(\S+)/g)].map(([, phrase, word]) => {
    const begins = (word?.length ?? 0) > 1 && word.endsWith("*");
    const text = word === undefined ? phrase.trim() : begins ? word.slice(0, -1) : word.replace(/"+$/, "") || word;
    return { text, begins };
  });
  return found.filter(({ text }) => text);
}

/** Whether a text has all terms. @param {string} low in lower case @param {readonly Term[]} terms */
export function hasTerms(low, terms) {
  return terms.every((term) => placeOf(low, term, 0) >= 0);
}

/**
 * Where terms are in a text, joined where they overlap.
 * @param {string} low in lower case
 * @param {readonly Term[]} terms
 * @returns {[from: number, to: number][]}
 */
export function placesOf(low, terms) {
  /** @type {[number, number][]} */
  const found = [];
  for (const term of terms)
    for (let at = placeOf(low, term, 0); at >= 0; at = placeOf(low, term, at + term.text.length))
      found.push([at, at + term.text.length]);
  found.sort((a, b) => a[0] - b[0]);
  return found.reduce(
    (joined, place) => {
      const before = joined.at(-1);
      if (before && place[0] <= before[1]) before[1] = Math.max(before[1], place[1]);
      else joined.push(place);
      return joined;
    },
    /** @type {[number, number][]} */ ([]),
  );
}

/** The next place of a term, -1 for none. @param {string} low @param {Term} term @param {number} from */
function placeOf(low, { text, begins }, from) {
  let at = low.indexOf(text, from);
  while (begins && at > 0 && /[\p{L}\p{N}_]/u.test(low[at - 1])) at = low.indexOf(text, at + 1);
  return at;
}
