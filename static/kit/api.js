// @ts-check
/** The server's HTTP interface: JSON in, JSON out; every failure is an `ApiError` with words to show. */

import { address } from "./base-path.js";

/** The timeout of a request, in ms. A start runs the preflight, which starts the agent. */
const TIMEOUT_MS = 30_000;

/** A request that did not succeed. `status` is 0 when the server could not be reached. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/**
 * The result of a request, or what `onError` makes of its failure. Any other error is a fault and is thrown again.
 * @template T
 * @template [E=null]
 * @param {Promise<T>} work
 * @param {(error: ApiError) => E | Promise<E>} [onError]
 * @returns {Promise<T | E>}
 */
export async function catchApiError(work, onError = () => /** @type {E} */ (null)) {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return onError(error);
  }
}

/** @param {string} path @returns {Promise<any>} */
export function get(path) {
  return request(path, { headers: { Accept: "application/json" } });
}

/** @param {string} path @param {Record<string, unknown>} [body] @returns {Promise<any>} */
export function post(path, body = {}) {
  return request(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: "application/json" },
  });
}

/** @param {string} path @param {Record<string, unknown>} body @returns {Promise<any>} */
export function put(path, body) {
  return request(path, {
    method: "PUT",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: "application/json" },
  });
}

/**
 * Stored events, oldest first.
 * @param {Record<string, string | number>} query since, limit, batch, type, story, q
 * @returns {Promise<import("../state.js").Envelope[]>}
 */
export async function events(query) {
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const answer = await get(`/api/events?${params}`);
  return Array.isArray(answer) ? answer : answer.events;
}

/** The dossier of one story. @param {string} key */
export function story(key) {
  return get(`/api/stories/${encodeURIComponent(key)}`);
}

/** @param {string} path @param {RequestInit} init @returns {Promise<any>} */
export async function request(path, init) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address(path), { ...init, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new ApiError(
      0,
      late ? "timeout" : "unreachable",
      late ? "The server did not answer in time." : "The server cannot be reached.",
    );
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  const { code = "http", message = `The server answered ${response.status}.` } = body?.error ?? {};
  throw new ApiError(response.status, code, message);
}
