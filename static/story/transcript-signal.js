// @ts-check
/** Who shows a running command is told that it has said something, so that nothing has to ask again and again. */

/** @type {Map<number, Set<() => boolean>>} what to call, by command */
const listeners = new Map();

/** @param {number} id of a command @param {() => boolean} listener answers false when nobody looks any more */
export function onTranscriptChange(id, listener) {
  listeners.set(id, (listeners.get(id) ?? new Set()).add(listener));
}

/** @param {Iterable<number>} ids of commands that said something or ended */
export function transcriptChanged(ids) {
  for (const id of new Set(ids)) {
    const all = listeners.get(id);
    for (const listener of all ?? []) if (!listener()) all?.delete(listener);
    if (all && !all.size) listeners.delete(id);
  }
}
