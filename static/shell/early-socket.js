// @ts-check
/** The connection that was opened before the modules were read (`boot.js`), for the first one that is opened. */

/** @typedef {{url: string, socket: WebSocket, messages: MessageEvent[]}} EarlySocket */

/** @param {string} url @returns {WebSocket} the early connection where it fits, otherwise a new one */
export function openSocket(url) {
  const page = /** @type {{earlySocket?: EarlySocket}} */ (window);
  const early = page.earlySocket;
  delete page.earlySocket;
  if (early?.url !== url || early.socket.readyState > WebSocket.OPEN) return new WebSocket(url);
  const { socket, messages } = early;
  // What has come so far goes to the listener before anything that is still to come, which needs another task.
  queueMicrotask(() => {
    for (const message of messages) socket.onmessage?.(message);
  });
  return socket;
}
