// What is kept on this device for the next time: the last menu and the last list of stores, so that a page has something to show at
// once, and (through the worker) the page itself. What is kept is shown, never believed: the node is asked every time.

const PREFIX = "qucan.kept.";
const OLDEST_MS = 7 * 24 * 3_600_000;

/** Keeps a JSON value under a name; without room for it, everything kept before goes. @param {string} name @param {unknown} value */
export function keep(name, value) {
  const text = JSON.stringify({ at: Date.now(), value });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      localStorage.setItem(PREFIX + name, text);
      return;
    } catch {
      forgetAll();
    }
  }
}

/** A setting of this device, such as whether it may make noise. @param {string} name @param {string} text */
export function set(name, text) {
  try {
    localStorage.setItem(`qucan.${name}`, text);
  } catch {
    // until the page is left, then
  }
}

/** A setting of this device, or null. @param {string} name */
export function setting(name) {
  try {
    return localStorage.getItem(`qucan.${name}`);
  } catch {
    return null;
  }
}

/** What was kept under a name within the last week, or null. @param {string} name @returns {any} */
export function recall(name) {
  try {
    const { at, value } = JSON.parse(localStorage.getItem(PREFIX + name) ?? "{}");
    return Math.abs(Date.now() - at) < OLDEST_MS ? value : null;
  } catch {
    return null;
  }
}

function forgetAll() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    // storage is switched off: nothing is kept at all
  }
}

/** Starts the worker that keeps this page. Browsers have it over https and on this machine. */
export async function keepPage() {
  try {
    const types = /** @type {any} */ (window).trustedTypes;
    const address = types ? types.createPolicy("qucan-worker", { createScriptURL: () => "/worker.js" }).createScriptURL("") : "/worker.js";
    await navigator.serviceWorker?.register(address);
    const { active } = (await navigator.serviceWorker?.ready) ?? {};
    const parts = [...document.querySelectorAll("script[src], link[href]")].map((node) => node.getAttribute("src") ?? node.getAttribute("href"));
    active?.postMessage([location.pathname, ...parts]);
  } catch {
    // kept by nobody: the page needs the line to open, as any other
  }
}
