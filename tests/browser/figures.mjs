// The figures of the pages, one JSON line each: what a page weighs, how soon a throttled phone shows a menu (cold and warm), how long
// from the event on the node to the code painted. See `figures`, which calls this.

import { request } from "node:http";
import { Centre } from "./centre.mjs";
import { Api, asGuest, kept, live, MEALS, stage, STORE, status } from "./kit.mjs";
import { Node } from "./node.mjs";

const PHONE = { cpu: 4, downMbit: 1.6, upMbit: 0.75, roundTripMs: 150 };
const RUNS = 10;
const EVENTS = 200;
const print = (figure) => console.log(JSON.stringify(figure));
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * part) - 1)];

function bytes(url, encoding) {
  return new Promise((resolve, reject) => {
    request(url, { headers: { "accept-encoding": encoding } }, (answer) => {
      let length = 0;
      const parts = [];
      answer.on("data", (part) => {
        length += part.length;
        parts.push(part);
      });
      answer.on("end", () => resolve({ length, text: Buffer.concat(parts).toString("utf8") }));
    }).on("error", reject).end();
  });
}

/** What each page weighs with all that it needs, in each encoding. */
async function weights(base, pages) {
  for (const [name, page] of Object.entries(pages)) {
    const { text } = await bytes(base + page, "identity");
    const paths = [...new Set([...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path))];
    for (const encoding of ["br", "gzip", "identity"]) {
      const sizes = await Promise.all([page, ...paths].map(async (path) => (await bytes(base + path, encoding)).length));
      print({ figure: "compressed size", page: name, encoding, files: sizes.length, bytes: sizes.reduce((a, b) => a + b), of: 60 * 1024 });
    }
  }
}

/** What a menu weighs, in each encoding. */
async function menuWeights(node) {
  for (const encoding of ["br", "gzip", "identity"]) print({ figure: "menu", encoding, bytes: (await bytes(`${node.url}/v1/stores/${STORE.id}/menu`, encoding)).length });
}

/** Notes when the first dish stands on the page. */
function watchMenu() {
  const look = new MutationObserver(() => {
    if (!document.querySelector(".item .price")) return;
    look.disconnect();
    window.menuThere = performance.now();
    requestAnimationFrame(() => setTimeout(() => (window.menuAt = performance.now()), 0));
  });
  look.observe(document, { childList: true, subtree: true });
}

async function throttled(page) {
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: PHONE.roundTripMs, downloadThroughput: (PHONE.downMbit * 1e6) / 8, uploadThroughput: (PHONE.upMbit * 1e6) / 8 });
  await line.send("Emulation.setCPUThrottlingRate", { rate: PHONE.cpu });
}

/** Paints, menu and how deep requests depend on each other, as the page itself saw them. */
const seen = (page) => page.evaluate(async () => {
  while (window.menuAt === undefined || performance.getEntriesByName("first-contentful-paint").length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const document_ = performance.getEntriesByType("navigation")[0];
  // A request that begins after another has ended may have waited for it; what the menu needs is page, script and style, menu and store.
  const needed = performance.getEntriesByType("resource").filter((entry) => entry.responseEnd <= window.menuThere && /\.js$|\.css$|\/menu$|\/v1\/stores\?/.test(entry.name) && entry.transferSize > 0);
  const depth = (/** @type {any} */ entry) => 1 + Math.max(document_.transferSize > 0 ? 1 : 0, ...needed.filter((other) => other.responseEnd <= entry.startTime + 1).map(depth));
  const round = Math.max(document_.transferSize > 0 ? 1 : 0, ...needed.map(depth));
  return { fcp: paint?.startTime ?? null, menu: window.menuAt, rounds: round };
});

async function menus(kit, node) {
  const cold = [];
  const warm = [];
  for (let run = 0; run < RUNS; run += 1) {
    const page = await kit.open("about:blank", { name: "figures", width: 390, height: 844, scripts: [watchMenu] });
    await throttled(page);
    await page.goto(`${node.url}/#/store/${STORE.id}`);
    cold.push(await seen(page));
    await kept(page);
    await page.reload();
    warm.push(await seen(page));
    await page.context().close();
  }
  for (const [name, runs] of [["cold", cold], ["warm", warm]]) {
    const middle = (key) => Math.round(quantile(runs.map((run) => run[key]).filter((value) => value !== null), 0.5));
    print({ figure: `phone, ${name}`, profile: PHONE, runs: RUNS, first_contentful_paint_ms: middle("fcp"), menu_ms: middle("menu"), worst_menu_ms: Math.round(Math.max(...runs.map(({ menu }) => menu))), round_trips: middle("rounds"), of: 1500 });
  }
}

/** Notes when a code was painted, by the clock that the node uses too. */
function watchCode() {
  window.paintedAt = {};
  new MutationObserver(() => {
    const code = document.querySelector('[data-testid="pickup-code"]');
    const order = location.hash.split("/").pop();
    if (!code || window.paintedAt[order]) return;
    window.paintedAt[order] = -1;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (window.paintedAt[order] = Date.now());
      port2.postMessage(null);
    });
  }).observe(document, { childList: true, subtree: true });
}

async function codes(kit, node, api) {
  const page = await kit.open(`${node.url}/#/orders`, { name: "codes", width: 390, height: 844, scripts: [asGuest(api.guest), watchCode] });
  const took = [];
  for (let index = 0; index < EVENTS; index += 1) {
    const { id } = await api.order("paid", MEALS[index % MEALS.length]);
    await page.evaluate((order) => (location.hash = `#/order/${order}`), id);
    await status(page, "paid");
    await page.waitForFunction((order) => location.hash.endsWith(order), id);
    await live(page);
    const accepted = await api.step(id, "accept");
    const painted = await page.waitForFunction((order) => window.paintedAt[order] > 0 && window.paintedAt[order], id);
    took.push((await painted.jsonValue()) - Date.parse(accepted.accepted_at));
    await api.step(id, "ready");
    await api.step(id, "collected");
  }
  print({ figure: "event to painted code", events: EVENTS, p50_ms: quantile(took, 0.5), p99_ms: quantile(took, 0.99), worst_ms: Math.max(...took), of: 100 });
  await page.context().close();
}

await stage(() => Node.start(process.env.QUCAN_BINARY), async (kit, node) => {
  const api = await new Api(node.url).begin();
  await weights(node.url, { customer: "/", pos: "/pos", kitchen: "/kitchen", screen: "/screen" });
  const centre = await Centre.start(process.env.QUCAN_BINARY);
  await weights(centre.url, { dashboard: "/" }).finally(() => centre.end());
  await menuWeights(node);
  await menus(kit, node);
  await codes(kit, node, api);
});
