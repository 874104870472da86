// @ts-check
/**
 * Runs before the first paint and before the modules are read (a classic script, on purpose): a chosen theme must not
 * flash the other one first, and the connection to the server is open by the time the modules want it.
 */
{
  let theme = null;
  try {
    theme = localStorage.getItem("sprint-runner.theme");
  } catch {
    // Storage is refused in some privacy modes; the system's theme is right then.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

  /** @type {MessageEvent[]} */
  const messages = [];
  // As `kit/base-path.js` reads it, which is a module and comes later.
  const base = /^\/r\/[A-Za-z0-9.-]+(?=\/)/.exec(location.pathname)?.[0] ?? "";
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${base}/ws?since=0&epoch=none`;
  const socket = new WebSocket(url);
  socket.onmessage = (message) => messages.push(message);
  Object.assign(window, { earlySocket: { url, socket, messages } });
}
