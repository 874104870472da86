// @ts-check
/** The Run tab: what needs the operator, the steps of what runs with their output, what comes next, the last batch. */
import { byId } from "../kit/dom.js";
import { createAttention } from "./attention.js";
import { createBatchStories } from "./batch-stories.js";
import { createForecast } from "./forecast.js";
import { createLanes } from "./lanes.js";
import { createLead } from "./lead.js";
import { NextList } from "./next-list.js";
import { Output } from "./output.js";
import { PaneTabs } from "./pane-tabs.js";
import { createGauges } from "./quota.js";

/** @typedef {import("../shell/model.js").Model} Model */
/** @typedef {{render: (model: Model, now: number) => void, tick?: (model: Model, now: number) => void}} Part */

/**
 * @param {import("./attention.js").RunActions & {replay: (batch: number) => unknown}} actions
 * @returns {{render: (model: Model, now: number) => void, tick: (model: Model, now: number) => void, panes: PaneTabs,
 *   route: (params: URLSearchParams) => void}}
 */
export function createRunTab(actions) {
  const panes = new PaneTabs();
  const output = new Output(panes);
  /** @type {Part[]} */
  const parts = [
    createAttention(actions),
    createLead(),
    output,
    createLanes(output),
    createBatchStories(output, actions.replay),
    new NextList(),
    createForecast(),
    createGauges(byId("quota-all"), false),
  ];
  return {
    panes,
    route(params) {
      panes.route(params);
      output.route(params);
    },
    render(model, now) {
      for (const part of parts) part.render(model, now);
    },
    tick(model, now) {
      for (const part of parts) part.tick?.(model, now);
    },
  };
}
