// @ts-check
/**
 * Input on the chart of the Timeline: wheel, pinch, click and keys, and the tooltip of a bar. A drag of the mouse chooses
 * a part to zoom to, with Shift it moves the chart.
 */
import { byId, show, text } from "../kit/dom.js";
import { clock, duration, money, shortCommand } from "../kit/format.js";
import { RUNNER } from "../shell/command-list.js";
import { outcomeWords, reasonOf } from "./outcome.js";

/** @typedef {import("./gantt.js").Gantt} Gantt */

/** A pointer that moved less than this has clicked, in px. */
const CLICK_PX = 4;

/** @type {Record<string, import("./gantt.js").Direction>} */
const DIRECTIONS = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "first",
  End: "last",
};

/** @param {Gantt} gantt @param {HTMLElement} chart */
export function addGestures(gantt, chart) {
  addWheel(gantt, chart);
  addKeys(gantt, chart);
  new PointerGestures(gantt, chart);
  addTooltip(gantt, chart);
  addFocus(gantt, chart);
}

/** @param {HTMLElement} chart @param {number} clientX @returns {number} px from the chart's left edge */
function fromLeft(chart, clientX) {
  return clientX - chart.getBoundingClientRect().left;
}

/** @param {EventTarget | null} target */
function barOf(target) {
  const bar = target instanceof Element ? target.closest(".bar") : null;
  return bar instanceof HTMLElement ? bar : null;
}

/** @param {Gantt} gantt @param {HTMLElement} chart */
function addWheel(gantt, chart) {
  /** @param {WheelEvent} event */
  function zoom(event) {
    // A pinch on a touchpad is a wheel with Ctrl; a plain wheel scrolls, as everywhere.
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const amount = Math.max(-60, Math.min(60, event.deltaY));
    gantt.zoomBy(Math.exp(-amount * 0.006), fromLeft(chart, event.clientX));
  }
  chart.addEventListener("wheel", zoom, { passive: false });
}

/** @param {Gantt} gantt @param {HTMLElement} chart */
function addKeys(gantt, chart) {
  chart.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!handleKey(gantt, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** @param {Gantt} gantt @param {KeyboardEvent} event @returns {boolean} whether the key does something here */
function handleKey(gantt, { key, shiftKey }) {
  if (key === "+" || key === "=") gantt.zoomBy(2);
  else if (key === "-" || key === "_") gantt.zoomBy(1 / 2);
  else if (key === "0") gantt.fit();
  else if (key === "z") gantt.zoomToCurrent("command");
  else if (key === "Z") gantt.zoomToCurrent("story");
  else if (key === "n" || key === "N") selectProblem(gantt, key === "n" ? 1 : -1);
  else if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) gantt.pan(key === "ArrowLeft" ? -0.5 : 0.5);
  else if (key in DIRECTIONS) {
    const id = gantt.neighbour(DIRECTIONS[key]);
    if (id !== null) gantt.select(id, { focus: true });
  } else return false;
  return true;
}

/** @param {Gantt} gantt @param {1 | -1} direction */
function selectProblem(gantt, direction) {
  const id = gantt.problem(direction);
  if (id !== null) gantt.select(id, { focus: true });
}

/** Dragging with a mouse, pinching with two fingers, and clicks that are neither. */
class PointerGestures {
  /** @type {Map<number, PointerEvent>} */ #down = new Map();
  #dragged = false;
  #distance = 0;
  /** Where the drag began that chooses a part, in px from the chart's left edge. @type {number | null} */
  #start = null;
  #brush = byId("chart-brush");

  /** @param {Gantt} gantt @param {HTMLElement} chart */
  constructor(gantt, chart) {
    this.gantt = gantt;
    this.chart = chart;
    chart.addEventListener("pointerdown", (event) => this.#press(event));
    chart.addEventListener("pointermove", (event) => this.#move(event));
    chart.addEventListener("pointerup", (event) => this.#release(event));
    for (const type of /** @type {const} */ (["pointercancel", "pointerleave"]))
      chart.addEventListener(type, (event) => this.#end(event.pointerId));
    chart.addEventListener("click", (event) => this.#click(barOf(event.target)));
    addEventListener("keydown", ({ key }) => {
      if (key === "Escape") for (const id of this.#down.keys()) this.#end(id);
    });
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    this.#down.set(event.pointerId, event);
    this.#dragged = false;
    this.#distance = distance(this.#down);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#down.get(event.pointerId);
    if (!before) return;
    if (this.#down.size === 2) this.#pinch(event);
    else if (event.pointerType === "mouse") this.#drag(event, before);
  }

  /** @param {PointerEvent} event */
  #pinch(event) {
    this.#down.set(event.pointerId, event);
    const next = distance(this.#down);
    const middle = [...this.#down.values()].reduce((sum, pointer) => sum + pointer.clientX, 0) / 2;
    if (this.#distance > 0 && next > 0) this.gantt.zoomBy(next / this.#distance, fromLeft(this.chart, middle));
    this.#distance = next;
    this.#dragged = true;
  }

  /** @param {PointerEvent} event @param {PointerEvent} before */
  #drag(event, before) {
    if (!this.#dragged && Math.abs(event.clientX - before.clientX) <= CLICK_PX) return;
    if (!this.#dragged) {
      this.chart.setPointerCapture(event.pointerId);
      this.#start = event.shiftKey ? null : fromLeft(this.chart, before.clientX);
    }
    this.#dragged = true;
    if (this.#start === null) this.chart.scrollLeft += before.clientX - event.clientX;
    else placeBrush(this.#brush, this.#start, fromLeft(this.chart, event.clientX), this.chart);
    this.#down.set(event.pointerId, event);
  }

  /** Zooms to the part that was chosen. @param {PointerEvent} event */
  #release(event) {
    const start = this.#down.has(event.pointerId) ? this.#start : null;
    this.#end(event.pointerId);
    if (start !== null) this.gantt.zoomToPart(start, fromLeft(this.chart, event.clientX));
  }

  /** @param {number} pointer */
  #end(pointer) {
    this.#down.delete(pointer);
    this.#start = null;
    show(this.#brush, false);
  }

  /** @param {HTMLElement | null} bar */
  #click(bar) {
    if (!bar || this.#dragged) return;
    const middle = bar.getBoundingClientRect().left + bar.offsetWidth / 2;
    if (bar.dataset.many) this.gantt.zoomBy(4, fromLeft(this.chart, middle));
    this.gantt.select(Number(bar.dataset.id), { focus: true });
  }
}

/** @param {HTMLElement} brush @param {number} from px @param {number} to @param {HTMLElement} chart */
function placeBrush(brush, from, to, chart) {
  const [left, right] = [Math.max(0, Math.min(from, to)), Math.min(chart.clientWidth, Math.max(from, to))];
  brush.style.left = `${left}px`;
  brush.style.width = `${right - left}px`;
  show(brush, true);
}

/** The distance of two fingers. @param {Map<number, PointerEvent>} down */
function distance(down) {
  const [one, two] = [...down.values()];
  return two ? Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) : 0;
}

/** Selects the bar that gets the focus. @param {Gantt} gantt @param {HTMLElement} chart */
function addFocus(gantt, chart) {
  chart.addEventListener("focusin", ({ target }) => {
    if (!(target instanceof HTMLElement) || !target.matches(".bar")) return;
    const id = Number(target.dataset.id);
    // Several commands in one bar stay joined until one of them is selected: a click zooms in on them.
    if (target.dataset.many) gantt.setCurrent(id);
    else if (id !== gantt.current?.command_id) gantt.select(id, { focus: false });
  });
}

/**
 * Shows a tooltip for the bar under the mouse; a focused bar has the detail beside the chart.
 * @param {Gantt} gantt
 * @param {HTMLElement} chart
 */
function addTooltip(gantt, chart) {
  const tip = byId("chart-tip");
  chart.addEventListener("pointerover", (event) => {
    const bar = event.pointerType === "mouse" ? barOf(event.target) : null;
    const command = bar && gantt.command(Number(bar.dataset.id));
    show(tip, Boolean(command));
    if (!bar || !command) return;
    text(tip, bar.dataset.many ? bar.getAttribute("aria-label") : tooltipText(command));
    placeTooltip(tip, bar.getBoundingClientRect(), byId("chart-frame").getBoundingClientRect());
  });
  chart.addEventListener("pointerleave", () => show(tip, false));
  chart.addEventListener("scroll", () => show(tip, false), { passive: true });
}

/** @param {HTMLElement} tip @param {DOMRect} bar @param {DOMRect} frame */
function placeTooltip(tip, bar, frame) {
  const middle = (Math.max(bar.left, frame.left) + Math.min(bar.right, frame.right)) / 2 - frame.left;
  const left = Math.min(Math.max(8, middle - tip.offsetWidth / 2), frame.width - tip.offsetWidth - 8);
  tip.style.left = `${left}px`;
  tip.style.top = `${bar.bottom - frame.top + 6}px`;
}

/** @param {import("../shell/command-list.js").Command} command */
function tooltipText(command) {
  const { agent, cost_usd: cost, ended_at: end } = command;
  const isKnown = cost !== null || (end !== null && agent !== RUNNER);
  const facts = [
    outcomeWords(command),
    end ? duration(end - command.started_at) : "running",
    isKnown ? costText(cost, command.estimated_usd) : "",
    reasonOf(command),
  ];
  return `${shortCommand(command.command)}, ${clock(command.started_at)}: ${facts.filter(Boolean).join(" · ")}`;
}

/** @param {number | null} cost @param {number | null} estimated */
function costText(cost, estimated) {
  return cost === null ? "cost unknown" : money(cost, estimated);
}
