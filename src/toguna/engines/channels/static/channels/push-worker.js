// Shows what the town sends while its page is closed; a press opens it.
"use strict";
self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    return;
  }
  event.waitUntil(
    self.registration.showNotification(said.title || said.body, { body: said.title ? said.body : "", data: { url: said.url }, tag: said.url || undefined }),
  );
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = event.notification.data && event.notification.data.url;
  if (url && new URL(url).origin === self.location.origin) event.waitUntil(self.clients.openWindow(url));
});
