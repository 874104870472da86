// @ts-check
/**
 * The page's icon shows the state in the browser's tab, by colour and by a mark that needs no colour.
 */
import { attr, byId } from "../kit/dom.js";

/** @typedef {"info" | "live" | "warn" | "good" | "bad" | "offline" | "need"} Sign */

/** @type {Record<Sign, {ground: string, mark: string}>} Marks are drawn in a box of 24. */
const SIGNS = {
  info: { ground: "#00545f", mark: "" },
  live: { ground: "#00545f", mark: '<path d="M13 11.5v9l7.5-4.5z" fill="#fff" stroke="#00545f" stroke-width="2"/>' },
  warn: { ground: "#7a4f00", mark: '<path d="M14.5 13v7M19 13v7" stroke="#fff" stroke-width="2.6"/>' },
  good: { ground: "#2c6a1d", mark: '<path d="M12.5 16.5l3 3 5.5-6.5" stroke="#fff" stroke-width="2.6"/>' },
  bad: { ground: "#a62a1a", mark: '<path d="M13.5 13.5l6 6M19.5 13.5l-6 6" stroke="#fff" stroke-width="2.6"/>' },
  need: { ground: "#a62a1a", mark: '<path d="M17 11v5.5M17 20v.2" stroke="#fff" stroke-width="3.2"/>' },
  offline: { ground: "#63666b", mark: '<path d="M13.5 13.5l6 6M19.5 13.5l-6 6" stroke="#fff" stroke-width="2.6"/>' },
};

let shown = "";

/** @param {Sign} sign */
export function showIcon(sign) {
  if (sign === shown) return;
  shown = sign;
  const { ground, mark } = SIGNS[sign];
  const lines = `<path d="M5 7h8" opacity=".7"/><path d="M5 12h${mark ? 5 : 13}"/><path d="M5 17h4.5" opacity=".7"/>`;
  const stroke = 'fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"';
  const content = `<rect width="24" height="24" rx="5.5" fill="${ground}"/><g ${stroke}>${lines}${mark}</g>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${content}</svg>`;
  attr(
    byId("favicon"),
    "href",
    sign === "info" ? "/static/shell/favicon.svg" : `data:image/svg+xml,${encodeURIComponent(svg)}`,
  );
  attr(byId("favicon"), "data-sign", sign);
}
