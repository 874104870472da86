// @ts-check
/** Envelopes for tests: numbered in order, a second apart. */

export const START = 1_700_000_000_000;

/** @returns {(type: string, payload?: Record<string, any>) => import("../../static/state.js").Envelope} */
export function sequence() {
  let seq = 0;
  return (type, payload = {}) => {
    seq += 1;
    return { type, payload, timestamp: START + seq * 1000, seq, batch_id: 1 };
  };
}

/** @param {number} id @param {string} key @param {Record<string, any>} [more] */
export function command(id, key, more = {}) {
  return { command_id: id, story_key: key, command: "dev-story", task_id: "setup", attempt: 1, agent: "demo", ...more };
}
