// @ts-check
/** The Run tab without its log: what needs the operator, the figures, what runs now, the stories, how much longer. */
import { createNeeds } from "./attention.js";
import { createPace } from "./remaining.js";
import { createOperations } from "./running-commands.js";
import { createStories } from "./story-lists.js";
import { createTiles } from "./tiles.js";

/** @typedef {import("../shell/app.js").Model} Model */
/** @typedef {{render: (model: Model, now: number) => void, tick?: (model: Model, now: number) => void}} Part */

/**
 * @param {{resume: () => unknown}} actions
 * @returns {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}}
 */
export function createRun(actions) {
  /** @type {Part[]} */
  const parts = [createNeeds(actions), createTiles(), createOperations(), createStories(), createPace()];
  return {
    render: (model, now) => parts.forEach((part) => part.render(model, now)),
    tick: (model, now) => parts.forEach((part) => part.tick?.(model, now)),
  };
}
