// @ts-check
/** The Run tab without its log: what needs the operator, the figures, what runs now, the stories, the forecast. */
import { byId } from "../kit/dom.js";
import { createAttention } from "./attention.js";
import { createForecast } from "./forecast.js";
import { createGauges } from "./quota.js";
import { createRunningCommands } from "./running-commands.js";
import { createStoryLists } from "./story-lists.js";
import { createTiles } from "./tiles.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {{render: (model: Model, now: number) => void, tick?: (model: Model, now: number) => void}} Part */

/**
 * @param {import("./attention.js").RunActions} actions
 * @returns {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void}}
 */
export function createRunTab(actions) {
  /** @type {Part[]} */
  const parts = [
    createAttention(actions),
    createTiles(),
    createRunningCommands(),
    createStoryLists(),
    createForecast(),
    createGauges(byId("quota-all"), false),
  ];
  return {
    render(model, now) {
      for (const part of parts) part.render(model, now);
    },
    tick(model, now) {
      for (const part of parts) part.tick?.(model, now);
    },
  };
}
