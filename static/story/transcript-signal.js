// @ts-check
/** Listeners for new output of running commands, so that no view has to poll. */

/** @type {Map<number, Set<() => boolean>>} what to call, by command */
const listeners = new Map();

/** @param {number} id of a command @param {() => boolean} listener returns false when its view is gone */
export function onTranscriptChange(id, listener) {
  listeners.set(id, (listeners.get(id) ?? new Set()).add(listener));
}

/** @param {Iterable<number>} ids of commands with new output or an end */
export function transcriptChanged(ids) {
  for (const id of new Set(ids)) {
    const all = listeners.get(id);
    for (const listener of all ?? []) if (!listener()) all?.delete(listener);
    if (all && !all.size) listeners.delete(id);
  }
}
