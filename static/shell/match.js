// @ts-check
/** Finding by a few letters: every word that was typed must begin a word of what is found, in any order. Pure. */

/** @param {string} query @returns {string[]} */
export function queryWords(query) {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * How well something matches: 0 not at all, more is better. Whole beginnings beat words inside, words beat pieces, and
 * all of them beat what is found beyond the name.
 * @param {string} name with the other words for it behind
 * @param {readonly string[]} wanted words in lower case
 * @param {number} [length] of the name alone
 */
export function score(name, wanted, length = name.length) {
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
    sum += at < length ? 2 * begins : begins;
  }
  return sum;
}

/**
 * The best matches, best first; those that match alike keep their order.
 * @template T
 * @param {readonly T[]} items @param {(item: T) => string} nameOf @param {string} query @param {number} most
 * @param {(item: T) => string} [alsoOf] the other words under which an item is found
 * @returns {T[]}
 */
export function best(items, nameOf, query, most, alsoOf = () => "") {
  const wanted = queryWords(query);
  if (!wanted.length) return items.slice(0, most);
  const scored = items
    .map((item, index) => {
      const name = nameOf(item);
      return { item, index, points: score(`${name} ${alsoOf(item)}`, wanted, name.length) };
    })
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
