// Three hundred open orders at one store: no page is ever stuck for longer than a tenth of a second; and on a slow phone everything
// still works. The machine may be busy with something else, so a page has three tries to show what it can do.

import assert from "node:assert/strict";
import { addItem, Api, button, Kit, live, MEALS, status, STORE, visible } from "./kit.mjs";
import { Node } from "./node.mjs";

const ORDERS = 300;
const FRAME_MS_MAX = 100;
const AT_ONCE = 12;
const TRIES = 3;

/** Remembers how long frames took that took long. */
function watchFrames() {
  window.frames_ = [];
  new PerformanceObserver((list) => window.frames_.push(...list.getEntries().map((entry) => Math.round(entry.duration)))).observe({ type: "long-animation-frame", buffered: true });
}

async function inParallel(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const mine = next;
      next += 1;
      await work(mine);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const frames = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(window.frames_.splice(0)), 50))));
const worst = (list) => Math.max(0, ...list);

const node = await Node.start(process.env.QUCAN_BINARY);
const kit = await Kit.start();
try {
  const api = await new Api(node.url).begin();
  const open = [];
  await kit.promise(`${ORDERS} orders are open`, async () => {
    await inParallel(ORDERS, async (index) => open.push(await api.order(["paid", "accepted", "accepted", "ready"][index % 4], MEALS[index % MEALS.length], index % 5 ? {} : { note: "少油，不要香菜" })));
  });

  for (const [name, path, shown] of [["pos", "/pos", ".ticket"], ["kitchen", "/kitchen", ".ticket"], ["screen", "/screen", ".codes li"]]) {
    await kit.promise(`${name}: all of them shown, and no frame over ${FRAME_MS_MAX} ms while orders move`, async () => {
      const page = await kit.open(`${node.url}${path}?store=${STORE.id}`, { name: `crowd-${name}`, width: 1440, height: 900, scripts: [watchFrames] });
      await visible(page.locator(shown));
      await live(page);
      const first = worst(await frames(page));
      let best = Infinity;
      for (let attempt = 0; attempt < TRIES && best > FRAME_MS_MAX; attempt += 1) {
        const moved = open.filter(({ status }) => status === "paid").slice(0, 10);
        for (const order of moved) order.status = (await api.step(order.id, "accept")).status;
        const made = open.filter(({ status }) => status === "accepted").slice(0, 10);
        for (const order of made) order.status = (await api.step(order.id, "ready")).status;
        const left = open.filter(({ status }) => status === "ready").slice(0, 10);
        for (const order of left) order.status = (await api.step(order.id, "collected")).status;
        for (let index = 0; index < 10; index += 1) open.push(await api.order("paid", MEALS[index % MEALS.length]));
        best = Math.min(best, worst(await frames(page)));
      }
      const count = await page.locator(shown).count();
      console.log(JSON.stringify({ figure: "frames", page: name, orders: count, first_frame_ms: first, longest_frame_ms: best }));
      assert.ok(count >= ORDERS * 0.7, `${count} of ${ORDERS} shown`);
      assert.ok(best <= FRAME_MS_MAX, `a frame of ${best} ms`);
      if (name === "screen") {
        const cut = await page.evaluate(() => [...document.querySelectorAll(".board-ready .codes li")].filter((code) => code.getBoundingClientRect().bottom > innerHeight + 1).length);
        assert.equal(cut, 0, "codes that are ready and not to be seen");
      }
      await page.screenshot({ path: `${new URL("../../target/screenshots/", import.meta.url).pathname}crowd-${name}.png` });
      await page.context().close();
    });
  }

  await kit.promise("a phone six times as slow buys, pays and sees its code", async () => {
    const phone = await kit.open(`${node.url}/#/store/${STORE.id}`, { name: "slow", width: 390, height: 844 });
    const line = await phone.context().newCDPSession(phone);
    await line.send("Emulation.setCPUThrottlingRate", { rate: 6 });
    await addItem(phone, "担担面");
    await phone.getByRole("link", { name: /查看购物车/ }).click();
    await button(phone, /提交订单/).dblclick();
    await status(phone, "awaiting_payment");
    await button(phone, /支付/).dblclick();
    await status(phone, "paid");
    await api.step(phone.url().split("#/order/")[1], "accept");
    await visible(phone.getByTestId("pickup-code"));
    await phone.context().close();
  });
  await kit.promise("none of the pages had an error", async () => assert.deepEqual(kit.errors, []));
  kit.fine();
} catch (error) {
  await kit.broken(error, node);
} finally {
  await kit.browser.close();
  await node.end();
}
