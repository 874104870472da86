// @ts-check
/** How much a figure differs from an earlier one, in words. Pure. */

/** Differences from this share on are shown as a multiple. */
const MANY = 10;

/**
 * "+12 %", "−8 %", "the same", "12 times"; "" where one of them is unknown or there is nothing to compare with.
 * @param {number | null} before
 * @param {number | null} now
 */
export function differenceText(before, now) {
  if (before === null || now === null || before <= 0) return "";
  const share = now / before - 1;
  if (share + 1 >= MANY) return `${Math.round(share + 1)} times`;
  // Never rounded down to nothing.
  const percent = now > 0 ? Math.max(-99, Math.round(share * 100)) : -100;
  if (percent === 0) return now === before ? "the same" : share > 0 ? "<+1 %" : "<−1 %";
  return percent > 0 ? `+${percent} %` : `−${-percent} %`;
}
