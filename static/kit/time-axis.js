// @ts-check
/**
 * The geometry of the Timeline: rows of commands, an axis that cuts idle times short, marks at round times, and bars
 * that are too narrow to tell apart, joined. Pure; times in ms.
 */

/** @typedef {import("../shell/command-list.js").Command} Command */
/** @typedef {{command: Command, slot: number}} Bar `slot` separates commands that ran at the same time */
/** @typedef {{key: string, bars: Bar[], slots: number}} Row a story and its commands */
/** @typedef {{from: number, to: number, start: number, length: number}} Gap an idle time, and its place on the axis */
/**
 * @typedef {{bars: Bar[], from: number, to: number, slot: number}} Piece one bar, or several that touch; places in px
 * @typedef {{left: number, right: number, least: number}} View the visible range and the least width of a bar, in px
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances between marks. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
];
/** An idle time is cut when it is longer than this, and than this share of all work. */
const IDLE_MS = 5 * SECOND;
const IDLE_SHARE = 0.1;
/** The length of a cut idle time on the axis: a share of all work, for one and for all together. */
const CUT_SHARE = 0.04;
const CUTS_SHARE = 0.4;
/** How far after now the axis ends while a command runs, as a share of its length: so it rarely changes. */
const AHEAD = 0.12;

/**
 * The marks of an axis, at most `most`.
 * @param {number} from
 * @param {number} to
 * @param {number} most
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
 * One row for each story, in the order of their first command; "" is the project itself.
 * @param {Iterable<Command>} commands in order of start
 * @returns {Row[]}
 */
export function rowsOf(commands) {
  /** @type {Map<string, {row: Row, free: number[]}>} */
  const rows = new Map();
  for (const command of commands) {
    for (const key of command.story_keys.length ? command.story_keys : [""]) {
      const entry = rows.get(key) ?? { row: { key, bars: [], slots: 0 }, free: [] };
      rows.set(key, entry);
      addBar(entry, command);
    }
  }
  return [...rows.values()].map((entry) => entry.row);
}

/** @param {{row: Row, free: number[]}} entry `free`: when each slot is free again @param {Command} command */
function addBar({ row, free }, command) {
  const index = free.findIndex((until) => until <= command.started_at);
  const slot = index < 0 ? free.length : index;
  free[slot] = command.ended_at ?? Infinity;
  row.bars.push({ command, slot });
  row.slots = free.length;
}

/**
 * The range from the first start to the last end; a running command ends now.
 * @param {Iterable<Command>} commands
 * @param {number} now
 */
export function extent(commands, now) {
  let [from, to] = [Infinity, -Infinity];
  for (const command of commands) {
    from = Math.min(from, command.started_at);
    to = Math.max(to, command.ended_at ?? now);
  }
  return from < to ? { from, to } : { from: now - MINUTE, to: now };
}

/** Maps instants to places on an axis without idle times, and back. */
export class Axis {
  /** @type {Gap[]} */ gaps = [];

  /** @param {Command[]} commands @param {number} now @param {boolean} cut whether idle times are cut short */
  constructor(commands, now, cut) {
    const { from, to } = extent(commands, now);
    const live = commands.some((command) => command.ended_at === null);
    this.from = from;
    this.to = live ? to + Math.max(SECOND, (to - from) * AHEAD) : to;
    if (cut) this.#cut(commands, now);
    this.length = this.place(this.to);
  }

  /** The distance of an instant from the start of the axis, in ms of the axis. @param {number} at */
  place(at) {
    let lost = 0;
    for (const { from, to, length } of this.gaps) {
      if (at <= from) break;
      lost += at >= to ? to - from - length : (at - from) * (1 - length / (to - from));
    }
    return at - this.from - lost;
  }

  /** The instant at a distance from the start of the axis. @param {number} place */
  instant(place) {
    let lost = 0;
    for (const { from, to, start, length } of this.gaps) {
      if (place <= start) break;
      lost += place >= start + length ? to - from - length : (place - start) * ((to - from) / length - 1);
    }
    return place + this.from + lost;
  }

  /** @param {Command[]} commands @param {number} now */
  #cut(commands, now) {
    const idle = idleTimes(commands, now);
    const work = this.to - this.from - total(idle);
    const long = idle.filter((gap) => gap.to - gap.from > Math.max(IDLE_MS, work * IDLE_SHARE));
    if (!long.length) return;
    const rest = this.to - this.from - total(long);
    const wanted = Math.max(1, Math.min(rest * CUT_SHARE, (rest * CUTS_SHARE) / long.length));
    // A power of two: during a run the length rarely changes, so that bars do not move.
    this.gaps = this.#placed(long, 2 ** Math.round(Math.log2(wanted)));
  }

  /** @param {{from: number, to: number}[]} idle @param {number} length of each on the axis @returns {Gap[]} */
  #placed(idle, length) {
    let lost = 0;
    return idle
      .filter((gap) => gap.to - gap.from > length)
      .map(({ from, to }) => {
        const start = from - this.from - lost;
        lost += to - from - length;
        return { from, to, start, length };
      });
  }
}

/** @param {{from: number, to: number}[]} times */
function total(times) {
  return times.reduce((sum, time) => sum + time.to - time.from, 0);
}

/** The times in which no command ran. @param {Command[]} commands @param {number} now */
function idleTimes(commands, now) {
  const idle = [];
  let busy = -Infinity;
  for (const command of [...commands].sort((a, b) => a.started_at - b.started_at)) {
    if (busy !== -Infinity && command.started_at > busy) idle.push({ from: busy, to: command.started_at });
    busy = Math.max(busy, command.ended_at ?? now);
  }
  return idle;
}

/**
 * The marks of an axis that are not inside a gap, between two instants.
 * @param {Axis} axis
 * @param {number} from
 * @param {number} to
 * @param {number} apart least distance in ms of the axis
 */
export function axisMarks(axis, from, to, apart) {
  const step = STEPS.find((size) => size >= apart) ?? STEPS[STEPS.length - 1];
  const clamp = (/** @type {number} */ at) => Math.min(to, Math.max(from, at));
  const gaps = axis.gaps.filter((gap) => gap.to > from && gap.from < to);
  const edges = [from, ...gaps.flatMap((gap) => [clamp(gap.from), clamp(gap.to)]), to];
  const at = [];
  for (let index = 0; index + 1 < edges.length; index += 2) {
    const [start, end] = [edges[index], edges[index + 1]];
    if (end > start) at.push(...marks(start, end, (end - start) / step).at);
  }
  return { at, step };
}

/**
 * The visible bars of a row; those too narrow to tell apart are joined into one piece.
 * @param {Row} row
 * @param {(at: number) => number} x px of an instant
 * @param {number} now
 * @param {View} view
 * @param {number | null} apart the command that is always drawn, and never joined with others
 * @returns {Piece[]}
 */
export function pieces(row, x, now, view, apart) {
  /** @type {(Piece | undefined)[]} */
  const last = [];
  const drawn = [];
  for (const bar of row.bars) {
    const [from, to] = [x(bar.command.started_at), x(bar.command.ended_at ?? now)];
    if (from > view.right && bar.command.command_id !== apart) continue;
    const before = last[bar.slot];
    if (before && isJoined(before, bar, { from, to, least: view.least, apart })) {
      before.bars.push(bar);
      before.to = Math.max(before.to, to);
    } else {
      const piece = { bars: [bar], from, to, slot: bar.slot };
      last[bar.slot] = piece;
      drawn.push(piece);
    }
  }
  return drawn.filter((piece) => isVisible(piece, view) || piece.bars[0].command.command_id === apart);
}

/**
 * Whether a bar is drawn in one piece with those before it.
 * @param {Piece} before
 * @param {Bar} bar
 * @param {{from: number, to: number, least: number, apart: number | null}} place
 */
function isJoined(before, { command }, { from, to, least, apart }) {
  const alone = to - from >= least || command.command_id === apart || command.ended_at === null;
  if (alone || before.bars[0].command.command_id === apart) return false;
  const width = before.to - before.from;
  return width < 3 * least && from - before.to < least && (before.bars.length > 1 || width < least);
}

/** @param {Piece} piece @param {View} view */
function isVisible(piece, { left, right }) {
  return piece.to >= left && piece.from <= right;
}
