// What the browser tests share: the browser, a page that is watched for errors, promises that are counted, and the store's day made
// over the API where no click is under test.

import assert from "node:assert/strict";
import { broken, button, launch, open, openIn, promise, run } from "./browser.mjs";

export { button, findings, sidewaysScroll, smallTargets, visible } from "./browser.mjs";
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
export class Kit {
  #began = Date.now();
  errors = run.errors;
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

  async open(url, { scripts = [], ...options }) {
    return this.#withLine(await open(this.browser, url, { scripts: [deaf, ...scripts], ...options }));
  }

  /** A second tab beside a page. */
  async tab(beside, url, name) {
    return this.#withLine(await openIn(beside.context(), url, { name }));
  }

  // The line of one page, to be cut.
  #withLine(page) {
    page.offline = async (cut) => {
      if (cut) run.restarting = true;
      await page.context().setOffline(cut);
    };
    return page;
  }

  fine() {
    console.log(`${run.passed} promises kept in ${((Date.now() - this.#began) / 1000).toFixed(1)} s`);
  }

  async broken(error, node) {
    await broken(error, this.browser);
    if (node) console.error(node.log.split("\n").slice(-20).join("\n"));
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

export const ticket = (page, id) => page.getByTestId(`ticket-${id}`);
export const status = (page, wanted) => page.locator(`.order[data-status="${wanted}"]`).waitFor();
export const live = (page) => page.locator('.connection[data-state="live"]').waitFor();
export const lost = (page) => page.locator('.connection[data-state="lost"]').waitFor({ timeout: 45_000 });
export const orderId = (page) => decodeURIComponent(page.url().split("#/order/")[1] ?? "");
/** Makes a page a guest's who has a token already. */
export const asGuest = (token) => ({ content: `sessionStorage.setItem("qucan.session.customer", ${JSON.stringify(JSON.stringify({ token, subject: "guest-api", store: null, sandbox: true }))})` });

/** Fills the cart with one item that has options, taking what is proposed. */
export async function addItem(customer, item) {
  await button(customer, `选规格：${item}`).click();
  await customer.getByRole("dialog").getByRole("button", { name: /加入购物车/ }).click();
}

/** Waits until `check` gives true, asking again a few times a second; says `what` was never so. */
export async function until(what, check, ms = 15_000) {
  const end = Date.now() + ms;
  while (!(await check())) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
