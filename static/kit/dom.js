// @ts-check
/**
 * Building and touching the document: elements from data, never from markup, and only what changed. Text of projects
 * and agents reaches the document through here alone, so that none of it is shown without `visible`.
 */
import { address } from "./base-path.js";
import { visible } from "./visible.js";

/** @typedef {string | number | boolean | null | undefined} Value */

/** Attributes that are read by people. */
const READ = new Set(["title", "aria-label", "placeholder"]);

/**
 * An element. `props`: `class`, `text`, `on` (listeners by event), everything else is an attribute; null and false
 * leave an attribute out, true writes it empty.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{class?: string, text?: Value, on?: Record<string, (event: any) => void>} & Record<string, any>} [props]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") el.className = value;
    else if (name === "text") el.textContent = visible(String(value ?? ""));
    else if (name === "on") for (const [type, listener] of Object.entries(value)) el.addEventListener(type, listener);
    else attr(el, name, value);
  }
  el.append(...shown(children));
  return el;
}

/** Replaces the content of an element. @param {Element} el @param {...(Node | string | null | undefined | false)} children */
export function fill(el, ...children) {
  el.replaceChildren(...shown(children));
}

/** @param {(Node | string | null | undefined | false)[]} children @returns {(Node | string)[]} */
export function shown(children) {
  return children.flatMap((child) => (typeof child === "string" ? visible(child) : child || []));
}

/**
 * The element with this id, which the page promises to have.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const el = document.getElementById(id);
  if (!el) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (el);
}

/** Sets text only where it differs. @param {Node} node @param {Value} value */
export function text(node, value) {
  const next = visible(String(value ?? ""));
  if (node.textContent !== next) node.textContent = next;
}

/** Sets or removes an attribute only where it differs. @param {Element} el @param {string} name @param {Value} value */
export function attr(el, name, value) {
  if (value === null || value === undefined || value === false) {
    if (el.hasAttribute(name)) el.removeAttribute(name);
    return;
  }
  const plain = value === true ? "" : READ.has(name) ? visible(String(value)) : String(value);
  const next = name === "href" ? address(plain) : plain;
  if (el.getAttribute(name) !== next) el.setAttribute(name, next);
}

/** Sets a custom property only where it differs. @param {HTMLElement} el @param {string} name @param {string} value */
export function style(el, name, value) {
  if (el.style.getPropertyValue(name) !== value) el.style.setProperty(name, value);
}

/** @param {HTMLElement} el @param {boolean} shown */
export function show(el, shown) {
  if (el.hidden === shown) el.hidden = !shown;
}

/** An icon of the page's own set (`<symbol id="i-…">`), hidden from screen readers. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Changes which icon an `icon()` shows. @param {Element} svg @param {string} name */
export function setIcon(svg, name) {
  if (svg.firstElementChild) attr(svg.firstElementChild, "href", `#i-${name}`);
}

/**
 * Keeps a parent's children equal to a list: one child per key, made once, updated in place, moved only when the order
 * changed, removed when its item is gone.
 * @template T
 * @template {{el: HTMLElement, update: (item: T) => void}} V
 * @param {HTMLElement} parent
 * @param {(item: T) => string | number} keyOf
 * @param {(item: T) => V} create
 * @returns {{render: (items: readonly T[]) => void, views: () => Iterable<V>}}
 */
export function list(parent, keyOf, create) {
  /** @type {Map<string | number, V>} */
  let views = new Map();
  return {
    views: () => views.values(),
    render(items) {
      const next = new Map();
      for (const item of items) next.set(keyOf(item), views.get(keyOf(item)) ?? create(item));
      for (const [key, view] of views) if (!next.has(key)) view.el.remove();
      views = next;
      for (const item of items) views.get(keyOf(item))?.update(item);
      order(
        parent,
        [...views.values()].map((view) => view.el),
      );
    },
  };
}

/** @param {HTMLElement} parent @param {HTMLElement[]} wanted */
function order(parent, wanted) {
  let here = parent.firstElementChild;
  for (const el of wanted) {
    if (el === here) here = here.nextElementSibling;
    else parent.insertBefore(el, here);
  }
}
