// The dashboard's service worker: what is installed keeps opening, at every
// address, without the server. What the pages show comes from the server alone.

const cacheName = "eventflow-{{.Version}}";
const files = new Set({{.ResourcesToCache}});
const shell = "/";

// Whatever a file was asked for with, it is the same.
const anyForm = { ignoreVary: true };

// Without these nothing opens. Everything else may be missing.
const needed = new Set([shell, "/app.js", "/wasm_exec.js", "/web/compile.js", "/web/app.wasm"]);

// The server's own addresses; no page is at any of them.
const others = /^\/(api|metrics|livez|readyz|\.well-known)(\/|$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(install());
});

async function install() {
  const cache = await caches.open(cacheName);
  const results = await Promise.all([...files].map(async (file) => ({ file, kept: await keep(cache, file) })));
  const missing = results.filter((result) => !result.kept).map((result) => result.file);
  if (missing.length > 0) {
    console.warn("not kept for offline use:", missing.join(" "));
  }
  if (missing.some((file) => needed.has(file))) {
    // The version before stays in charge, and the browser tries again.
    throw new Error("the dashboard is not complete");
  }
  await self.skipWaiting();
}

async function keep(cache, file) {
  try {
    const headers = file === shell ? { Accept: "text/html" } : {};
    const response = await fetch(file, { cache: "no-cache", headers });
    if (!response.ok) {
      return false;
    }
    await cache.put(file, response);
    return true;
  } catch {
    return false;
  }
}

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers());
});

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== cacheName).map((name) => caches.delete(name)));
}

// Pages that opened without a worker get this one, so that they hear of the next.
// Earlier than now they would take it for an update of what they have.
self.serviceWorker?.addEventListener("statechange", () => {
  if (self.serviceWorker.state === "activated") {
    self.clients.claim();
  }
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || others.test(url.pathname)) {
    return;
  }
  if ((request.headers.get("Accept") || "").includes("text/event-stream")) {
    return;
  }
  if (url.pathname !== shell && files.has(url.pathname)) {
    event.respondWith(kept(url.pathname, request));
  } else if (request.mode === "navigate") {
    event.respondWith(page(request));
  }
});

async function kept(file, request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(file, anyForm)) || fetch(request);
}

// page asks the server first, which may have a newer one. A proxy that answers
// for a server which is gone is as good as no answer.
async function page(request) {
  let response;
  try {
    response = await fetch(request);
    if (response.status < 502 || response.status > 504) {
      return response;
    }
  } catch (error) {
    response = undefined;
  }
  const cache = await caches.open(cacheName);
  return (await cache.match(shell, anyForm)) || response || Response.error();
}
