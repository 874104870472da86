// The service worker: it shows the messages that the server pushes, and opens the page when one is pressed. It keeps
// no data and answers no request, so that nothing of a project stays in the browser.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title = "Sprint Runner", body = "", tag } = read(event.data);
  const options = { body, tag, icon: "/app/icon-192.png", badge: "/app/icon-192.png" };
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage());
});

/** A browser ends the subscription of a worker that shows nothing, so even a damaged message is shown. */
function read(data) {
  try {
    const message = data?.json();
    return message && typeof message === "object" ? message : {};
  } catch {
    return {};
  }
}

async function openPage() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => new URL(one.url).pathname === "/");
  return page ? page.focus() : self.clients.openWindow("/#run");
}
