// @ts-check
/** How one moves through the chart of the Timeline: wheel, pinch, drag, keys, and what a pointer over a bar shows. */
import { byId, show, text } from "../kit/dom.js";
import { clock, duration, money, shortCommand } from "../kit/format.js";
import { resultOf } from "../shell/command-list.js";

/** A pointer that moved less than this has clicked, in px. */
const CLICK_PX = 4;

/** @type {Record<string, "left" | "right" | "up" | "down" | "first" | "last">} */
const WAYS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Home: "first", End: "last" };

/** @param {import("./gantt.js").Gantt} gantt @param {HTMLElement} chart */
export function createGestures(gantt, chart) {
  const fromLeft = (/** @type {number} */ clientX) => clientX - chart.getBoundingClientRect().left;
  wheel(gantt, chart, fromLeft);
  keys(gantt, chart);
  drag(gantt, chart, fromLeft);
  hover(gantt, chart);
  focus(gantt, chart);
}

/** @param {import("./gantt.js").Gantt} gantt @param {HTMLElement} chart @param {(x: number) => number} fromLeft */
function wheel(gantt, chart, fromLeft) {
  // A pinch on a touchpad is a wheel with Ctrl; a plain wheel scrolls, as everywhere.
  chart.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      gantt.rescale(gantt.zoom * Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) * 0.006), fromLeft(event.clientX));
    },
    { passive: false },
  );
}

/** @param {import("./gantt.js").Gantt} gantt @param {HTMLElement} chart */
function keys(gantt, chart) {
  chart.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!act(gantt, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** @param {import("./gantt.js").Gantt} gantt @param {KeyboardEvent} event */
function act(gantt, { key, shiftKey }) {
  if (key === "+" || key === "=") gantt.rescale(gantt.zoom * 2);
  else if (key === "-" || key === "_") gantt.rescale(gantt.zoom / 2);
  else if (key === "0") gantt.rescale(1);
  else if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) gantt.pan(key === "ArrowLeft" ? -0.5 : 0.5);
  else if (key in WAYS) {
    const id = gantt.neighbour(WAYS[key]);
    if (id !== null) gantt.select(id, true);
  } else return false;
  return true;
}

/** @param {import("./gantt.js").Gantt} gantt @param {HTMLElement} chart @param {(x: number) => number} fromLeft */
function drag(gantt, chart, fromLeft) {
  /** @type {Map<number, PointerEvent>} */
  const down = new Map();
  let dragged = false;
  let spread = 0;

  chart.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    down.set(event.pointerId, event);
    dragged = false;
    spread = distance(down);
  });
  chart.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    if (down.size === 2) {
      down.set(event.pointerId, event);
      const next = distance(down);
      const middle = [...down.values()].reduce((sum, pointer) => sum + pointer.clientX, 0) / 2;
      if (spread > 0 && next > 0) gantt.rescale((gantt.zoom * next) / spread, fromLeft(middle));
      [spread, dragged] = [next, true];
    } else if (event.pointerType === "mouse" && (dragged || Math.abs(event.clientX - before.clientX) > CLICK_PX)) {
      if (!dragged) chart.setPointerCapture(event.pointerId);
      dragged = true;
      chart.scrollLeft += before.clientX - event.clientX;
      down.set(event.pointerId, event);
    }
  });
  for (const type of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"]))
    chart.addEventListener(type, (event) => down.delete(event.pointerId));
  chart.addEventListener("click", (event) => {
    const bar = event.target instanceof Element ? event.target.closest(".bar") : null;
    if (!(bar instanceof HTMLElement) || dragged) return;
    if (bar.dataset.many)
      gantt.rescale(gantt.zoom * 4, fromLeft(bar.getBoundingClientRect().left + bar.offsetWidth / 2));
    gantt.select(Number(bar.dataset.id), true);
  });
}

/** Where the keyboard is, there is the choice. @param {import("./gantt.js").Gantt} gantt @param {HTMLElement} chart */
function focus(gantt, chart) {
  chart.addEventListener("focusin", ({ target }) => {
    if (!(target instanceof HTMLElement) || !target.matches(".bar")) return;
    const id = Number(target.dataset.id);
    // Several commands in one bar stay so until one goes on from there: a click looks into them.
    if (target.dataset.many) gantt.current = id;
    else if (id !== gantt.current) gantt.select(id, false);
  });
}

/** How far two fingers are apart. @param {Map<number, PointerEvent>} down */
function distance(down) {
  const [one, two] = [...down.values()];
  return two ? Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) : 0;
}

/**
 * A note beside the bar under the pointer; what has the keyboard is told in the detail below.
 * @param {import("./gantt.js").Gantt} gantt
 * @param {HTMLElement} chart
 */
function hover(gantt, chart) {
  const tip = byId("chart-tip");
  chart.addEventListener("pointerover", (event) => {
    const bar = event.target instanceof Element ? event.target.closest(".bar") : null;
    const step =
      bar instanceof HTMLElement && event.pointerType === "mouse" ? gantt.step(Number(bar.dataset.id)) : null;
    show(tip, step !== null);
    if (!step || !(bar instanceof HTMLElement)) return;
    text(tip, bar.dataset.many ? bar.getAttribute("aria-label") : tipWords(step));
    const [box, frame] = [bar.getBoundingClientRect(), byId("chart-frame").getBoundingClientRect()];
    const middle = Math.max(box.left, frame.left) / 2 + Math.min(box.right, frame.right) / 2 - frame.left;
    tip.style.left = `${Math.min(Math.max(8, middle - tip.offsetWidth / 2), frame.width - tip.offsetWidth - 8)}px`;
    tip.style.top = `${box.bottom - frame.top + 6}px`;
  });
  chart.addEventListener("pointerleave", () => show(tip, false));
  chart.addEventListener("scroll", () => show(tip, false), { passive: true });
}

/** @param {import("../shell/command-list.js").Step} step */
function tipWords(step) {
  const took = step.ended_at ? duration(step.ended_at - step.started_at) : "running";
  const facts = [
    resultOf(step.status).words,
    step.verdict,
    took,
    step.cost_usd === null ? "" : money(step.cost_usd, step.estimated_usd),
    step.reason,
  ];
  return `${shortCommand(step.command)}, ${clock(step.started_at)}: ${facts.filter(Boolean).join(" · ")}`;
}
