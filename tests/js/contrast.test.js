// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/kit/tokens.css", import.meta.url), "utf8");
const colours = Object.fromEntries(
  [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [
    name,
    { light, dark },
  ]),
);

/** The share of a colour in a ground that is tinted by it. */
const TINT = Number(/--tint: (\d+)%/.exec(css)?.[1]) / 100;

test("the colours are those of the page", () => assert.ok(Object.keys(colours).length >= 14 && TINT > 0));

/** Relative luminance, WCAG 2.2. @param {string} hex */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} a @param {string} b */
function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/**
 * `share` of a colour over another one, as `color-mix(in srgb, …)` does.
 * @param {string} top
 * @param {string} under
 * @param {number} share
 */
function mix(top, under, share) {
  const part = (/** @type {string} */ hex, /** @type {number} */ at) => parseInt(hex.slice(at, at + 2), 16);
  return `#${[1, 3, 5]
    .map((at) =>
      Math.round(part(top, at) * share + part(under, at) * (1 - share))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

for (const theme of /** @type {const} */ (["light", "dark"])) {
  const colour = (/** @type {string} */ name) => colours[name][theme];
  for (const ground of ["paper", "card", "sunk"]) {
    for (const words of ["ink", "soft", "faint", "accent", "done", "review", "warn", "bad"]) {
      test(`${theme}: ${words} on ${ground} can be read`, () =>
        assert.ok(contrast(colour(words), colour(ground)) >= 4.5));
    }
    test(`${theme}: the edge of a control stands out from ${ground}`, () =>
      assert.ok(contrast(colour("edge"), colour(ground)) >= 3));
  }
  for (const tone of ["accent", "done", "review", "warn", "bad"]) {
    for (const ground of ["paper", "card"]) {
      test(`${theme}: ${tone} can be read on its own tint of ${ground}`, () =>
        assert.ok(contrast(colour(tone), mix(colour(tone), colour(ground), TINT)) >= 4.5));
    }
    test(`${theme}: soft words can be read on the tint of ${tone}`, () =>
      assert.ok(contrast(colour("soft"), mix(colour(tone), colour("card"), 0.14)) >= 4.5));
  }
  test(`${theme}: a button's words can be read`, () =>
    assert.ok(contrast(colour("on-accent"), colour("accent")) >= 4.5));
}
