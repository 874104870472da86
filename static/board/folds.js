// @ts-check
/** Which epics are folded: by default those that are done and, on a large board, those with nothing under way. */
import { readStoredList, writeStored } from "../kit/storage.js";

/** @typedef {{id: string, done: boolean, busy: boolean, count: number}} Group `busy`: something of it is under way */

const STORED = "board.folds";
/** Stories up to which every epic that is not done is open. */
export const SMALL = 60;
/** Epics that are open at first on a larger board, of those in which something is under way. */
const OPEN_MOST = 4;

export class Folds {
  /** What the operator has chosen, by the id of the epic. @type {Map<string, boolean>} */
  #chosen = new Map(readStoredList(STORED).map((entry) => [entry.slice(1), entry.startsWith("-")]));

  /** Which epics were done when they were first seen: one that becomes done stays where it is. @type {Map<string, boolean>} */
  #done = new Map();

  /** The epics in their order: those that are done come last. @template {Group} T @param {T[]} groups @returns {T[]} */
  settled(groups) {
    for (const { id, done } of groups) if (!this.#done.has(id) || !done) this.#done.set(id, done);
    const kept = groups.map((group) => ({ ...group, done: this.#done.get(group.id) ?? false }));
    return kept.toSorted((a, b) => Number(a.done) - Number(b.done));
  }

  /**
   * The ids of the epics that are folded.
   * @param {Group[]} groups in the order in which they are shown
   * @param {boolean} filtered whether only some stories are shown: then none is folded by default
   */
  folded(groups, filtered) {
    const byDefault = filtered ? new Set() : defaultFolds(groups);
    return new Set(groups.map(({ id }) => id).filter((id) => this.#chosen.get(id) ?? byDefault.has(id)));
  }

  /** @param {string[]} ids @param {boolean} folded */
  set(ids, folded) {
    for (const id of ids) this.#chosen.set(id, folded);
    writeStored(STORED, JSON.stringify([...this.#chosen].map(([id, is]) => (is ? "-" : "+") + id)));
  }
}

/** @param {Group[]} groups @returns {Set<string>} */
export function defaultFolds(groups) {
  const isSmall = groups.reduce((sum, { count }) => sum + count, 0) <= SMALL;
  const unfinished = groups.filter((group) => !group.done);
  const busy = unfinished.filter((group) => group.busy);
  const open = new Set(isSmall ? unfinished : busy.length ? busy.slice(0, OPEN_MOST) : unfinished.slice(0, 1));
  return new Set(groups.filter((group) => !open.has(group)).map(({ id }) => id));
}
