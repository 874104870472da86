// @ts-check
/** Which words of a changed line are others than before. Pure; bounded, since the comparison is quadratic. */

/** @typedef {[number, number]} Span from a character to the one after the last */
/** @typedef {{old: Span[], new: Span[]}} WordDiff */

const WORD = /[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu;
/** Pairs of words that are compared; beyond that all between the common ends counts as changed. */
const MOST = 20_000;
/** The part of the shorter line that has to be the same: of other lines nothing is marked. */
const LEAST_SAME = 0.35;

/** @type {WordDiff} */
const NONE = { old: [], new: [] };

/** @param {string} before @param {string} after @returns {WordDiff} */
export function wordDiff(before, after) {
  const [old, now] = [before.match(WORD) ?? [], after.match(WORD) ?? []];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const kept = common(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const isOld = old.map((_, at) => at >= start && at < old.length - end && !kept.old.has(at - start));
  const isNew = now.map((_, at) => at >= start && at < now.length - end && !kept.new.has(at - start));
  const same = old.filter((word, at) => !isOld[at] && word.trim()).join("").length;
  if (same < LEAST_SAME * Math.min(before.trim().length, after.trim().length)) return NONE;
  return { old: spans(old, isOld), new: spans(now, isNew) };
}

/** The longest common subsequence of two lists of words, as places in each. @param {string[]} old @param {string[]} now */
function common(old, now) {
  const kept = { old: new Set(), new: new Set() };
  if (old.length * now.length > MOST) return kept;
  const width = now.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = now.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] =
        old[i] === now[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) {
      kept.old.add(i++);
      kept.new.add(j++);
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return kept;
}

/** @param {string[]} words @param {boolean[]} isChanged @returns {Span[]} joined where only a blank is between them */
function spans(words, isChanged) {
  /** @type {Span[]} */
  const found = [];
  let at = 0;
  for (const [index, word] of words.entries()) {
    const isJoint = !word.trim() && isChanged[index - 1] && isChanged[index + 1];
    if (isChanged[index] || isJoint) {
      const last = found.at(-1);
      if (last && last[1] === at) last[1] = at + word.length;
      else found.push([at, at + word.length]);
    }
    at += word.length;
  }
  return found;
}
