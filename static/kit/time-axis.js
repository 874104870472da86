// @ts-check
/**
 * The arithmetic of the Timeline: rows and lanes of commands, an axis on which idle times are cut short, marks at round
 * times, bars that are too small to tell apart joined. Pure; times in ms.
 */

/** @typedef {import("../shell/command-list.js").Step} Step */
/** @typedef {{step: Step, lane: number}} Bar */
/**
 * @typedef {{key: string, bars: Bar[], lanes: number}} Row a story and its commands; those at the same time in lanes
 */
/** @typedef {{from: number, to: number, start: number, length: number}} Gap an idle time, and its place on the axis */
/**
 * @typedef {{bars: Bar[], from: number, to: number, lane: number}} Piece one bar, or several that touch; places in px
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances between marks that people count in. */
const STEPS = [1, 2, 5, 10, 15, 30]
  .map((n) => n * SECOND)
  .concat(
    [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
    [1, 2, 3, 6, 12].map((n) => n * HOUR),
    [1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
  );
/** An idle time is cut when it is longer than this, and than this share of all work. */
const IDLE_MS = 5 * SECOND;
const IDLE_SHARE = 0.1;
/** What is left of it on the axis: a share of all work, for one and for all together. */
const CUT_SHARE = 0.04;
const CUTS_SHARE = 0.4;
/** How far ahead of now the axis ends while something runs, as a share of its length: so it rarely changes. */
const AHEAD = 0.12;

/**
 * The marks of an axis, at most so many.
 * @param {number} from @param {number} to @param {number} most
 * @returns {{at: number[], step: number}}
 */
export function marks(from, to, most) {
  const step = STEPS.find((size) => (to - from) / size <= most) ?? STEPS[STEPS.length - 1];
  const shift = step >= HOUR ? new Date(from).getTimezoneOffset() * MINUTE : 0;
  const at = [];
  for (let mark = Math.ceil((from - shift) / step) * step + shift; mark <= to; mark += step) at.push(mark);
  return { at, step };
}

/**
 * One row for each story, in the order in which they were begun; "" is the project itself.
 * @param {Iterable<Step>} steps in order of start
 * @returns {Row[]}
 */
export function rowsOf(steps) {
  /** @type {Map<string, {row: Row, free: number[]}>} */
  const rows = new Map();
  for (const step of steps) {
    for (const key of step.story_keys.length ? step.story_keys : [""]) {
      const place = rows.get(key) ?? { row: { key, bars: [], lanes: 0 }, free: [] };
      rows.set(key, place);
      const lane = freeLane(place.free, step.started_at);
      place.free[lane] = step.ended_at ?? Infinity;
      place.row.bars.push({ step, lane });
      place.row.lanes = place.free.length;
    }
  }
  return [...rows.values()].map((place) => place.row);
}

/** @param {number[]} free when each lane is free again @param {number} at */
function freeLane(free, at) {
  const lane = free.findIndex((until) => until <= at);
  return lane < 0 ? free.length : lane;
}

/** From the first start to the last end; what still runs ends now. @param {Iterable<Step>} steps @param {number} now */
export function extent(steps, now) {
  let [from, to] = [Infinity, -Infinity];
  for (const step of steps) {
    from = Math.min(from, step.started_at);
    to = Math.max(to, step.ended_at ?? now);
  }
  return from < to ? { from, to } : { from: now - MINUTE, to: now };
}

/** Where instants stand on an axis from which idle times are cut, and back. */
export class Axis {
  /** @type {Gap[]} */ gaps = [];

  /** @param {Step[]} steps @param {number} now @param {boolean} cut whether idle times are cut short */
  constructor(steps, now, cut) {
    const { from, to } = extent(steps, now);
    const live = steps.some((step) => step.ended_at === null);
    this.from = from;
    this.to = live ? to + Math.max(SECOND, (to - from) * AHEAD) : to;
    if (cut) this.#cut(steps, now);
    this.length = this.place(this.to);
  }

  /** How far from the beginning an instant stands, in ms of the axis. @param {number} at */
  place(at) {
    let lost = 0;
    for (const { from, to, length } of this.gaps) {
      if (at <= from) break;
      lost += at >= to ? to - from - length : (at - from) * (1 - length / (to - from));
    }
    return at - this.from - lost;
  }

  /** The instant that stands so far from the beginning. @param {number} place */
  instant(place) {
    let lost = 0;
    for (const { from, to, start, length } of this.gaps) {
      if (place <= start) break;
      lost += place >= start + length ? to - from - length : (place - start) * ((to - from) / length - 1);
    }
    return place + this.from + lost;
  }

  /** @param {Step[]} steps @param {number} now */
  #cut(steps, now) {
    const idle = idleTimes(steps, now);
    const work = this.to - this.from - idle.reduce((sum, gap) => sum + gap.to - gap.from, 0);
    const long = idle.filter((gap) => gap.to - gap.from > Math.max(IDLE_MS, work * IDLE_SHARE));
    if (!long.length) return;
    const rest = this.to - this.from - long.reduce((sum, gap) => sum + gap.to - gap.from, 0);
    const length =
      2 ** Math.round(Math.log2(Math.max(1, Math.min(rest * CUT_SHARE, (rest * CUTS_SHARE) / long.length))));
    let lost = 0;
    this.gaps = long
      .filter((gap) => gap.to - gap.from > length)
      .map(({ from, to }) => {
        const start = from - this.from - lost;
        lost += to - from - length;
        return { from, to, start, length };
      });
  }
}

/** The times in which nothing ran. @param {Step[]} steps @param {number} now */
function idleTimes(steps, now) {
  const idle = [];
  let busy = -Infinity;
  for (const step of [...steps].sort((a, b) => a.started_at - b.started_at)) {
    if (busy !== -Infinity && step.started_at > busy) idle.push({ from: busy, to: step.started_at });
    busy = Math.max(busy, step.ended_at ?? now);
  }
  return idle;
}

/**
 * The marks of an axis that are not inside a gap, between two instants.
 * @param {Axis} axis @param {number} from @param {number} to @param {number} apart least distance in ms of the axis
 */
export function axisMarks(axis, from, to, apart) {
  const step = STEPS.find((size) => size >= apart) ?? STEPS[STEPS.length - 1];
  const within = (/** @type {number} */ at) => Math.min(to, Math.max(from, at));
  const edges = [
    from,
    ...axis.gaps.filter((gap) => gap.to > from && gap.from < to).flatMap((gap) => [within(gap.from), within(gap.to)]),
    to,
  ];
  const at = [];
  for (let index = 0; index + 1 < edges.length; index += 2) {
    if (edges[index + 1] <= edges[index]) continue;
    const room = marks(edges[index], edges[index + 1], (edges[index + 1] - edges[index]) / step);
    at.push(...room.at);
  }
  return { at, step };
}

/**
 * What is drawn of a row: bars in sight, those too small to tell apart joined into one piece.
 * @param {Row} row @param {(at: number) => number} x px of an instant @param {number} now
 * @param {{left: number, right: number, least: number}} view px: what is in sight, and the width from which bars stand
 *   alone
 * @param {number | null} apart the command that is always drawn, and never joined with others
 * @returns {Piece[]}
 */
export function pieces(row, x, now, { left, right, least }, apart) {
  /** @type {(Piece | undefined)[]} */
  const last = [];
  const drawn = [];
  for (const bar of row.bars) {
    const { step, lane } = bar;
    const from = x(step.started_at);
    if (from > right && step.command_id !== apart) continue;
    const to = x(step.ended_at ?? now);
    const before = last[lane];
    const alone = to - from >= least || step.command_id === apart || step.ended_at === null;
    if (
      before &&
      !alone &&
      before.to - before.from < 3 * least &&
      from - before.to < least &&
      before.bars[0].step.command_id !== apart &&
      small(before, least)
    ) {
      before.bars.push(bar);
      before.to = Math.max(before.to, to);
      continue;
    }
    const piece = { bars: [bar], from, to, lane };
    last[lane] = piece;
    drawn.push(piece);
  }
  return drawn.filter((piece) => (piece.to >= left && piece.from <= right) || piece.bars[0].step.command_id === apart);
}

/** @param {Piece} piece @param {number} least */
function small(piece, least) {
  return piece.bars.length > 1 || piece.to - piece.from < least;
}
