// @ts-check
/** The bar of an epic: how many of its stories have which status. The words beside it say the same. */
import { h, list, style } from "../kit/dom.js";
import { STATUSES } from "../shell/plan.js";

/** @typedef {{status: string, count: number}} Part */

/** What is finished comes first, as in the bar of the run. */
const ORDER = ["done", "review", "in-progress", "blocked", ...STATUSES].filter(
  (name, at, all) => all.indexOf(name) === at,
);

export function createProgress() {
  const el = h("span", { class: "epic-progress", "aria-hidden": "true" });
  const parts = list(
    el,
    (/** @type {Part} */ part) => part.status,
    ({ status }) => {
      const segment = h("span", { "data-status": status });
      return { el: segment, update: (/** @type {Part} */ { count }) => style(segment, "flex-grow", String(count)) };
    },
  );
  return {
    el,
    /** @param {string[]} statuses one for each story */
    update(statuses) {
      const counted = ORDER.map((status) => ({ status, count: statuses.filter((each) => each === status).length }));
      parts.render(counted.filter(({ count }) => count > 0));
    },
  };
}
