// @ts-check
/** Who shows a running command is told that it has said something, so that nothing has to ask again and again. */

/** @type {Map<number, Set<() => boolean>>} what to call, by command */
const followers = new Map();

/** @param {number} id of a command @param {() => boolean} hear answers false when nobody looks any more */
export function follow(id, hear) {
  followers.set(id, (followers.get(id) ?? new Set()).add(hear));
}

/** @param {Iterable<number>} ids of commands that said something or ended */
export function heard(ids) {
  for (const id of new Set(ids)) {
    const all = followers.get(id);
    for (const hear of all ?? []) if (!hear()) all?.delete(hear);
    if (all && !all.size) followers.delete(id);
  }
}
