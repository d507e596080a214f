// Makes the pictures of the documents, of a store in the middle of its day on a real node: docs/images/pages.png for the README, and a
// small one of each page for docs/staff.md.
// Usage: node picture.mjs PATH-OF-QUCAN

import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { Node } from "./node.mjs";

const STORE = "sh-001";
const OUT = (name) => fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));
/** How much smaller than the page its picture in a document is. */
const SMALL = 0.7;
const pick = (option, choice) => ({ option, choice });
const MEALS = [
  ["ready", [{ sku: "rice-pork", quantity: 1, options: [pick("size", "large"), pick("extra", "egg")] }]],
  ["ready", [{ sku: "snack-buns", quantity: 2, options: [pick("dip", "vinegar")] }, { sku: "drink-plum", quantity: 1 }]],
  ["accept", [{ sku: "noodle-beef", quantity: 1, options: [pick("size", "large"), pick("spice", "medium"), pick("extra", "greens")] }], "No coriander, please"],
  ["accept", [{ sku: "set-1", quantity: 1, options: [pick("drink", "plum"), pick("spice", "mild")] }, { sku: "dessert-mango", quantity: 2 }]],
  ["accept", [{ sku: "rice-curry", quantity: 1, options: [pick("size", "regular"), pick("spice", "none")] }]],
  ["paid", [{ sku: "noodle-dandan", quantity: 1, options: [pick("spice", "hot")] }, { sku: "drink-soymilk", quantity: 1, options: [pick("sugar", "half")] }]],
  ["paid", [{ sku: "snack-dumplings", quantity: 3, options: [pick("dip", "chili"), pick("dip", "garlic")] }]],
];

const node = await Node.start(process.argv[2]);
const browser = await launch();
try {
  const call = async (method, path, token, body, key) => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body ? { "content-type": "application/json" } : {}), ...(key ? { "idempotency-key": key } : {}) };
    const answer = await fetch(node.url + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
  };
  const till = (await call("POST", "/v1/sandbox/tokens", null, { role: "store", subject: "till", store: STORE })).token;
  const guest = (await call("POST", "/v1/sandbox/tokens", null, { role: "customer", subject: "guest" })).token;
  const orders = [];
  for (const [status, lines, note] of MEALS) {
    const { id } = await call("POST", "/v1/orders", guest, { store: STORE, lines, ...(note ? { note } : {}) }, `meal-${orders.length}`);
    orders.push(id);
    await call("POST", `/v1/orders/${id}/pay`, guest, { provider: "sandbox" });
    await call("POST", `/v1/sandbox/payments/${id}/succeed`);
    if (status !== "paid") await call("POST", `/v1/orders/${id}/accept`, till);
    if (status === "ready") await call("POST", `/v1/orders/${id}/ready`, till);
  }
  const shot = async (path, width, height, ready, { token, file, scale = 1 } = {}) => {
    const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: scale, locale: "en-GB", reducedMotion: "reduce" });
    if (token) await context.addInitScript((kept) => sessionStorage.setItem("qucan.session.customer", kept), JSON.stringify({ token, subject: "guest", store: null, sandbox: true }));
    const page = await context.newPage();
    await page.goto(node.url + path);
    await page.locator(ready).first().waitFor();
    const bytes = await page.screenshot(file ? { path: OUT(file) } : {});
    await context.close();
    return bytes.toString("base64");
  };
  const picture = (data, height) => `<img style="height:${height}px;border-radius:12px;box-shadow:0 2px 10px #0003" src="data:image/png;base64,${data}">`;
  const first = [
    picture(await shot(`/#/store/${STORE}`, 360, 700, ".offer button", { token: guest }), 420),
    picture(await shot(`/#/order/${orders[1]}`, 360, 700, ".code-card", { token: guest }), 420),
    picture(await shot(`/pos?store=${STORE}`, 1060, 700, ".ticket"), 420),
  ];
  const second = [
    picture(await shot(`/kitchen?store=${STORE}`, 1060, 560, ".ticket"), 280),
    picture(await shot(`/screen?store=${STORE}`, 1060, 560, ".codes li"), 280),
  ];
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const row = (images) => `<div style="display:flex;gap:18px">${images.join("")}</div>`;
  await page.setContent(`<body style="margin:0;padding:18px;display:inline-flex;flex-direction:column;gap:18px;background:#e9e2d6">${row(first)}${row(second)}</body>`);
  await page.locator("body").screenshot({ path: OUT("pages") });
  for (const [file, path, ready] of [["pos", "/pos", ".ticket"], ["kitchen", "/kitchen", ".ticket"], ["screen", "/screen", ".codes li"]]) {
    await shot(`${path}?store=${STORE}`, 1000, 600, ready, { file: `staff-${file}`, scale: SMALL });
  }
  await shot(`/#/order/${orders[1]}`, 360, 640, ".code-card", { token: guest, file: "customer", scale: SMALL });
} finally {
  await browser.close();
  await node.end();
}
