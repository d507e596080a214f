// What the browser tests share: the browser, a page that is watched for errors, promises that are counted, and the store's day made
// over the API where no click is under test.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const STORE = { id: "sh-001", name: "人民广场店" };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];
const TIMEOUT_MS = 10_000;
const LINE_DOWN = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INTERNET_DISCONNECTED|WebSocket connection|status of 503/;

/** Counts what oscillators sound and remembers what is said and vibrated, in place of making it. */
function deaf() {
  window.heard = { notes: 0, said: [], vibrated: 0 };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...parts) {
    window.heard.notes += 1;
    return start.apply(this, parts);
  };
  if ("speechSynthesis" in window) speechSynthesis.speak = ({ text }) => window.heard.said.push(text);
  navigator.vibrate = () => (window.heard.vibrated += 1);
}

export class Kit {
  #began = Date.now();
  #passed = 0;
  errors = [];
  /** While true, what a cut line makes a browser complain about is no error. */
  lineDown = false;

  static async start(name) {
    const kit = new Kit();
    kit.shots = fileURLToPath(new URL(`../../target/screenshots/${name}/`, import.meta.url));
    mkdirSync(kit.shots, { recursive: true });
    kit.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
    return kit;
  }

  async promise(text, check) {
    const start = Date.now();
    await check();
    this.#passed += 1;
    console.log(`ok ${String(this.#passed).padStart(2)}  ${text} (${Date.now() - start} ms)`);
  }

  /** A page of its own, watched: every error in it fails the run, but for what a cut line causes. */
  async open(url, { name, width = 1280, height = 800, locale = "zh-CN", colorScheme = "light", sockets = true, scripts = [], permissions, geolocation } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, locale, colorScheme, reducedMotion: "reduce", permissions, geolocation });
    context.setDefaultTimeout(TIMEOUT_MS);
    await context.addInitScript(deaf);
    for (const script of scripts) await context.addInitScript(script);
    const page = await this.watch(await context.newPage(), name);
    if (!sockets) await page.routeWebSocket("**/v1/push", (socket) => socket.close());
    await page.goto(url);
    await page.evaluate(() => (window.neverLoadedAgain = true));
    return page;
  }

  async watch(page, name) {
    page.on("console", (message) => {
      if (message.type() === "error" && !(this.lineDown && LINE_DOWN.test(message.text()))) this.errors.push(`${name}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.errors.push(`${name}: ${error.stack}`));
    page.named = name;
    page.shot = (label) => page.screenshot({ path: `${this.shots}${name}-${label}.png` });
    page.offline = async (on) => {
      this.lineDown ||= on;
      page.cdp ??= await page.context().newCDPSession(page);
      await page.cdp.send("Network.enable");
      await page.cdp.send("Network.emulateNetworkConditions", { offline: on, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    };
    return page;
  }

  fine() {
    console.log(`${this.#passed} promises kept in ${((Date.now() - this.#began) / 1000).toFixed(1)} s`);
  }

  async broken(error, node) {
    console.error(`BROKEN after ${this.#passed} promises: ${error.stack}`);
    for (const line of this.errors) console.error(`  ${line}`);
    for (const context of this.browser?.contexts() ?? []) for (const page of context.pages()) await page.shot?.("broken").catch(() => {});
    if (node) console.error(node.log.split("\n").slice(-20).join("\n"));
    process.exitCode = 1;
  }
}

/** The node's API, as a POS or a customer program would use it. */
export class Api {
  #keys = 0;

  constructor(base) {
    this.base = base;
  }

  async call(method, path, token, body, key) {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }), ...(key ? { "idempotency-key": key } : {}) };
    const answer = await fetch(this.base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
  }

  async token(role, subject, store) {
    return (await this.call("POST", "/v1/sandbox/tokens", null, { role, subject, ...(store ? { store } : {}) })).token;
  }

  /** Begins as a guest and a till of one store. */
  async begin(store = STORE.id) {
    this.store = store;
    this.guest = await this.token("customer", "guest-api");
    this.till = await this.token("store", "till-api", store);
    return this;
  }

  async place(lines, { note, token = this.guest } = {}) {
    this.#keys += 1;
    return this.call("POST", "/v1/orders", token, { store: this.store, lines, ...(note ? { note } : {}) }, `api-${process.pid}-${this.#keys}`);
  }

  async pay(id, token = this.guest) {
    await this.call("POST", `/v1/orders/${id}/pay`, token, { provider: "sandbox" });
    return this.call("POST", `/v1/sandbox/payments/${id}/succeed`);
  }

  step(id, step, body) {
    return this.call("POST", `/v1/orders/${id}/${step}`, this.till, body);
  }

  /** An order brought to a status. */
  async order(status, lines, options = {}) {
    const order = await this.place(lines, options);
    if (status === "awaiting_payment") return order;
    let now = await this.pay(order.id, options.token);
    if (status === "paid") return now;
    now = await this.step(order.id, "accept");
    if (status === "accepted") return now;
    now = await this.step(order.id, "ready");
    return status === "ready" ? now : this.step(order.id, "collected");
  }
}

export const pick = (option, choice) => ({ option, choice });
/** Meals as people order them. */
export const MEALS = [
  [{ sku: "rice-pork", quantity: 1, options: [pick("size", "large"), pick("extra", "egg")] }],
  [{ sku: "snack-buns", quantity: 2, options: [pick("dip", "vinegar")] }, { sku: "drink-plum", quantity: 1 }],
  [{ sku: "noodle-beef", quantity: 1, options: [pick("size", "large"), pick("spice", "medium"), pick("extra", "greens")] }],
  [{ sku: "set-1", quantity: 1, options: [pick("drink", "plum"), pick("spice", "mild")] }, { sku: "dessert-mango", quantity: 2 }],
  [{ sku: "rice-curry", quantity: 1, options: [pick("size", "regular"), pick("spice", "none")] }],
  [{ sku: "noodle-dandan", quantity: 1, options: [pick("spice", "hot")] }, { sku: "drink-soymilk", quantity: 1, options: [pick("sugar", "half")] }],
  [{ sku: "snack-dumplings", quantity: 3, options: [pick("dip", "chili"), pick("dip", "garlic")] }],
];

export const button = (page, name, options = {}) => page.getByRole("button", { name, ...options });
export const visible = (locator) => locator.first().waitFor({ state: "visible" });
export const ticket = (page, id) => page.getByTestId(`ticket-${id}`);
export const status = (page, wanted) => page.locator(`.order[data-status="${wanted}"]`).waitFor();
export const live = (page) => page.locator('.connection[data-state="live"]').waitFor();
export const lost = (page) => page.locator('.connection[data-state="lost"]').waitFor({ timeout: 45_000 });
export const orderId = (page) => decodeURIComponent(page.url().split("#/order/")[1] ?? "");
/** Makes a page a guest's who has a token already. */
export const asGuest = (token) => ({ content: `sessionStorage.setItem("qucan.session.customer", ${JSON.stringify(JSON.stringify({ token, subject: "guest-api", store: null, sandbox: true }))})` });

/** Fills the cart with one item that has options, taking what is proposed. */
export async function addItem(customer, item) {
  await button(customer, `选择 ${item} 的规格`).click();
  await customer.getByRole("dialog").getByRole("button", { name: /加入购物车/ }).click();
}

/** Waits until `check` gives true, asking again a few times a second; says `what` was never so. */
export async function until(what, check, ms = 8_000) {
  const end = Date.now() + ms;
  while (!(await check())) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
