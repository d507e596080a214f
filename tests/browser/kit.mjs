// What the browser tests share: how a test is played from beginning to end, pages that hear and remember, and the store's day made over
// the API where no click is under test.

import assert from "node:assert/strict";
import { broken, button, HANG_MS, launch, LINE_MS, open, openIn, promise, run, until, visible } from "./browser.mjs";
import { Node } from "./node.mjs";

export { button, findings, HANG_MS, kept, keyOn, LINE_MS, motions, sidewaysScroll, smallTargets, until, visible } from "./browser.mjs";
export const STORE = { id: "sh-001", name: "人民广场店" };

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

/** A run of promises in one browser. */
class Kit {
  promise = promise;

  static async start() {
    const kit = new Kit();
    kit.browser = await launch();
    return kit;
  }

  /** While true, what a cut line makes a browser complain about is no error. */
  set lineDown(down) {
    run.restarting = down;
  }

  /** What a browser may complain about for now, or null. */
  set tolerated(words) {
    run.tolerated = words;
  }

  open(url, { scripts = [], ...options }) {
    return open(this.browser, url, { scripts: [deaf, ...scripts], ...options });
  }

  /** A second tab beside a page. */
  tab(beside, url, name) {
    return openIn(beside.context(), url, { name });
  }
}

/**
 * Begins a world (a node, a centre) and a browser, and acts. Whatever comes of it, what went wrong is told, and browser and world
 * are ended.
 */
export async function stage(begin, act) {
  const stopped = new Promise((_, reject) => {
    const stop = (signal) => reject(new Error(`stopped by ${signal}: it took too long, or is not wanted any more`));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, stop);
  });
  let world = null;
  let kit = null;
  const all = async () => {
    world = await begin();
    kit = await Kit.start();
    await act(kit, world);
  };
  try {
    await Promise.race([all(), stopped]);
  } catch (error) {
    await broken(error, kit?.browser);
  } finally {
    await kit?.browser.close().catch((error) => console.error(`the browser does not close: ${error.message}`));
    await world?.end();
  }
  process.exit(); // what was stopped in its middle would go on
}

/** The last promise of every test, but for errors that are `forgiven`; and how many there were. */
export async function conclude(forgiven = /^$/) {
  const errors = () => run.errors.filter((line) => !forgiven.test(line));
  await promise("no page had an error or broke its policy", async () => assert.deepEqual(errors(), []));
  console.log(`${run.passed} promises kept in ${(performance.now() / 1000).toFixed(1)} s`);
}

/** Plays parts one after the other at a node of their own; each is given the kit, the node and its API. */
export const play = (parts, { node: options, forgiven } = {}) =>
  stage(() => Node.start(process.env.QUCAN_BINARY, options), async (kit, node) => {
    const api = await new Api(node.url).begin();
    for (const part of parts) await part(kit, node, api);
    await conclude(forgiven);
  });

/** The node's API, as a POS or a customer program would use it. */
export class Api {
  #keys = 0;

  constructor(base) {
    this.base = base;
  }

  async call(method, path, token, body, key) {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }), ...(key ? { "idempotency-key": key } : {}) };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(this.base + path, { method, headers, body: text, signal: AbortSignal.timeout(HANG_MS) });
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

export const ticket = (page, id) => page.getByTestId(`ticket-${id}`);
export const status = (page, wanted) => page.locator(`.order[data-status="${wanted}"]`).waitFor();
export const live = (page) => page.locator('.connection[data-state="live"]').waitFor({ timeout: LINE_MS });
export const lost = (page) => page.locator('.connection[data-state="lost"]').waitFor({ timeout: LINE_MS });
export const orderId = (page) => decodeURIComponent(page.url().split("#/order/")[1] ?? "");
/** Makes a page a guest's who has a token already. */
export const asGuest = (token) => ({ content: `sessionStorage.setItem("qucan.session.customer", ${JSON.stringify(JSON.stringify({ token, subject: "guest-api", store: null, sandbox: true }))})` });

/** Fills the cart with one item that has options, taking what is proposed. */
export async function addItem(customer, item) {
  await button(customer, `选规格：${item}`).click();
  await customer.getByRole("dialog").getByRole("button", { name: /加入购物车/ }).click();
}

/** After so many tries a page gives up a call. */
const ATTEMPTS = 3;

/**
 * Does something for which there is no line: the page tries to tell the node, gives up and says so. A reading that gives up says the
 * same words: only calls that change something are counted, from now on.
 */
export async function inVain(page, act) {
  let lost = 0;
  const count = (request) => (lost += request.method() === "GET" ? 0 : 1);
  page.on("requestfailed", count);
  await page.evaluate(() => document.getElementById("notices").replaceChildren()); // what was said before is not about this
  await act();
  await until(`${page.named} never gives up`, () => lost >= ATTEMPTS);
  page.off("requestfailed", count);
  await visible(page.getByText("连不上服务器"));
}

/** Bumps a kitchen's first ticket, and gives what stands on it then. Within the page: it can be taken back for seconds only. */
export const bumpFirst = (kitchen) => kitchen.evaluate(async () => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "1", bubbles: true }));
  for (let frame = 0; frame < 100; frame += 1) {
    const bump = document.querySelector(".bump");
    if (bump) return bump.textContent;
    await new Promise(requestAnimationFrame);
  }
  throw new Error("no ticket is bumped");
});

/** Remembers every text that ever stands in an element for which `selector` holds: some are there for seconds only. */
export const remember = (page, selector) => page.evaluate((wanted) => {
  window.remembered = new Set();
  const look = () => document.querySelectorAll(wanted).forEach((node) => window.remembered.add(node.textContent.trim()));
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
  look();
}, selector);
export const remembered = (page) => page.evaluate(() => [...window.remembered]);
