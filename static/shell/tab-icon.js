// @ts-check
/**
 * The page's icon shows the state in the browser's tab, by colour and by a mark that needs no colour.
 */
import { attr, byId } from "../kit/dom.js";

/** @typedef {"info" | "live" | "warn" | "good" | "bad" | "offline" | "need"} Sign */

const CROSS = '<path d="M11.5 8.5l7 7M18.5 8.5l-7 7"/>';
/**
 * Marks are drawn in a box of 24, in the place of the second chevron of the page's own mark.
 * @type {Record<Sign, {ground: string, mark: string}>}
 */
const SIGNS = {
  info: { ground: "#00545f", mark: "" },
  live: { ground: "#00545f", mark: '<path d="M11.5 7v10l7.5-5z" fill="#fff"/>' },
  warn: { ground: "#7a4f00", mark: '<path d="M12.5 7.5v9M18 7.5v9"/>' },
  good: { ground: "#2c6a1d", mark: '<path d="M10.5 12.5l3.2 3.2 6-7.2"/>' },
  bad: { ground: "#a62a1a", mark: CROSS },
  need: { ground: "#a62a1a", mark: '<path d="M15.5 6v7M15.5 18v.1"/>' },
  offline: { ground: "#63666b", mark: CROSS },
};

let shown = "";

/** @param {Sign} sign */
export function showIcon(sign) {
  if (sign === shown) return;
  shown = sign;
  const { ground, mark } = SIGNS[sign];
  const chevron = '<path d="M4 7l4.5 5L4 17" opacity=".5"/>';
  const stroke = 'fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"';
  const content = `<rect width="24" height="24" rx="5.5" fill="${ground}"/><g ${stroke}>${chevron}${mark}</g>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${content}</svg>`;
  attr(
    byId("favicon"),
    "href",
    sign === "info" ? "/static/shell/favicon.svg" : `data:image/svg+xml,${encodeURIComponent(svg)}`,
  );
  attr(byId("favicon"), "data-sign", sign);
}
