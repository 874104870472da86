// @ts-check
/** Finding by a few letters: every word that was typed must begin a word of what is found, in any order. Pure. */

/** @param {string} query @returns {string[]} */
export function queryWords(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * How well something matches: 0 not at all, more is better. Whole beginnings beat words inside, words beat pieces.
 * @param {string} name
 * @param {readonly string[]} wanted words in lower case
 */
export function score(name, wanted) {
  const low = name.toLowerCase();
  let sum = 1;
  for (const word of wanted) {
    const at = low.indexOf(word);
    if (at < 0) return 0;
    const begins =
      at === 0
        ? 3
        : /[\s\-_/(]/.test(low[at - 1]) || low.search(new RegExp(`[\\s\\-_/(]${escaped(word)}`)) >= 0
          ? 2
          : 1;
    sum += begins;
  }
  return sum;
}

/**
 * The best matches, best first; those that match alike keep their order.
 * @template T
 * @param {readonly T[]} items @param {(item: T) => string} nameOf @param {string} query @param {number} most
 * @returns {T[]}
 */
export function best(items, nameOf, query, most) {
  const wanted = queryWords(query);
  if (!wanted.length) return items.slice(0, most);
  const scored = items
    .map((item, index) => ({ item, index, points: score(nameOf(item), wanted) }))
    .filter(({ points }) => points > 0);
  return scored
    .sort((a, b) => b.points - a.points || a.index - b.index)
    .slice(0, most)
    .map(({ item }) => item);
}

/** @param {string} word */
function escaped(word) {
  return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
