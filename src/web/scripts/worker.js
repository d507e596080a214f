// The service worker: keeps the page that was opened, so that it opens in a cellar too. Pages are asked for at the node first, and
// only where it can't be reached within a moment the kept one is shown; scripts and styles carry their hash and are never asked
// for twice. Calls of the API and the socket never pass through here: what is true is only ever the node's to say.

const CACHE = "qucan-{{version}}";
const ANSWER_WITHIN_MS = 3_000;
const PAGES = ["/", "/pos", "/kitchen", "/screen"];

const worker = /** @type {any} */ (self);

/** @param {string} path */
async function keep(path) {
  const cache = await caches.open(CACHE);
  if (await cache.match(path)) return;
  const answer = await fetch(path);
  if (answer.ok) await cache.put(path, answer);
}

/** @param {Request} request @param {string} path */
async function page(request, path) {
  const cache = await caches.open(CACHE);
  const fresh = fetch(request).then((answer) => {
    if (answer.ok) cache.put(path, answer.clone()).catch(() => {});
    return answer;
  });
  const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS));
  try {
    const answer = await Promise.race([fresh, late]);
    if (answer?.ok) return answer;
  } catch {
    // no line: what was kept
  }
  return (await cache.match(path)) ?? fresh;
}

/** @param {Request} request @param {string} path */
async function asset(request, path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) cache.put(path, answer.clone()).catch(() => {});
  return answer;
}

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("activate", (/** @type {any} */ event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(tidy());
});

// The page that started the worker was loaded before it: it says what it consists of.
worker.addEventListener("message", (/** @type {any} */ event) => {
  event.waitUntil(Promise.allSettled(event.data.map(keep)));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && PAGES.includes(url.pathname)) event.respondWith(page(request, url.pathname));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request, url.pathname));
});
