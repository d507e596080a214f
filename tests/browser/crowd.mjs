// Three hundred open orders at one store: no page is ever stuck for longer than a tenth of a second; and on a slow phone everything
// still works. The machine may be busy with something else, so a page has a few tries to show what it can do.

import assert from "node:assert/strict";
import { addItem, button, live, MEALS, orderId, play, status, STORE, until, visible } from "./kit.mjs";

const ORDERS = 300;
/** No frame is longer than a tenth of a second, also on a machine that is only 0.6 times as quick as this one. */
const FRAME_MS_MAX = 60;
/** What part of the open orders a page shows: the kitchen not those that are ready, the screen not those that are new. */
const SHARE = { pos: 1, kitchen: 0.7, screen: 0.7 };
const AT_ONCE = 12;
const TRIES = 5;

/** Remembers how long frames took that took long, from the first one that shows something: until then nothing can be stuck. */
function watchFrames() {
  window.frames_ = [];
  const late = (list) => {
    const [paint] = performance.getEntriesByName("first-paint");
    const begun = list.getEntries().filter((entry) => paint && entry.startTime >= paint.startTime);
    window.frames_.push(...begun.map(({ startTime, duration }) => ({ startTime, duration })));
  };
  new PerformanceObserver(late).observe({ type: "long-animation-frame", buffered: true });
}

/** Whether a page shows what is open now. */
async function agrees(page, name, open) {
  const count = (...wanted) => open.filter(({ status }) => wanted.includes(status)).length;
  if (name === "screen") return (await page.locator(".board-ready .codes li").count()) === count("ready");
  return (await page.locator(".ticket").count()) === (name === "pos" ? count("paid", "accepted", "ready") : count("paid", "accepted"));
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
const CATEGORIES = ["disabled-by-default-devtools.timeline", "blink.user_timing"];

/**
 * The longest frame while `act` opens or uses a page, which it gives: `wall` as the clock says, `work` what the page's thread did in
 * it. On a machine that does nothing else they are equal; on one that is busy the clock tells of the machine.
 */
async function longestFrame(browser, act) {
  await browser.startTracing(undefined, { categories: CATEGORIES });
  const page = await act();
  const list = await frames(page);
  await page.evaluate(() => performance.mark("clock"));
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const clock = traceEvents.findLast(({ name }) => name === "clock");
  const zero = clock.ts - clock.args.data.startTime * 1000;
  const tasks = traceEvents.filter(({ name, pid, tid }) => name === "RunTask" && pid === clock.pid && tid === clock.tid);
  assert.ok(tasks.length > 0, "the trace is empty");
  const work = ({ startTime, duration }) => {
    const [from, to] = [zero + startTime * 1000, zero + (startTime + duration) * 1000];
    return tasks.filter((task) => task.ts < to && task.ts + task.dur > from).reduce((all, { tdur }) => all + tdur, 0) / 1000;
  };
  const most = (values) => Math.round(Math.max(0, ...values));
  return { page, wall: most(list.map(({ duration }) => duration)), work: most(list.map(work)) };
}

/** The best of a few tries, which ends with the first that is good enough; with the longest frame of `all` of them. */
async function bestOf(attempt) {
  let best = { work: Infinity };
  const all = [];
  for (let tries = 0; tries < TRIES && best.work > FRAME_MS_MAX; tries += 1) {
    const one = await attempt();
    all.push(one.work);
    if (one.work < best.work) best = one;
  }
  return { ...best, all };
}

const figures = ({ work, wall, all }) => ({ longest_frame_ms: work, by_the_clock_ms: wall, tries_ms: all });

async function crowd(kit, node, api) {
  const open = [];
  await kit.promise(`${ORDERS} orders are open`, async () => {
    await inParallel(ORDERS, async (index) => open.push(await api.order(["paid", "accepted", "accepted", "ready"][index % 4], MEALS[index % MEALS.length], index % 5 ? {} : { note: "少油，不要香菜" })));
  });

  for (const [name, path, shown] of [["pos", "/pos", ".ticket"], ["kitchen", "/kitchen", ".ticket"], ["screen", "/screen", ".codes li"]]) {
    let page;
    await kit.promise(`${name}: opened while they wait, it shows all of them, and no frame takes more than ${FRAME_MS_MAX} ms`, async () => {
      const best = await bestOf(() => longestFrame(kit.browser, async () => {
        await page?.context().close();
        page = await kit.open(`${node.url}${path}?store=${STORE.id}`, { name: `crowd-${name}`, width: 1440, height: 900, scripts: [watchFrames] });
        await live(page);
        await until(`${name} never shows all of them`, async () => (await page.locator(shown).count()) >= ORDERS * SHARE[name]);
        return page;
      }));
      console.log(JSON.stringify({ figure: "frames at load", page: name, orders: await page.locator(shown).count(), ...figures(best) }));
      assert.ok(best.work <= FRAME_MS_MAX, `a frame of ${best.work} ms`);
    });
    await kit.promise(`${name}: no frame takes more than ${FRAME_MS_MAX} ms while orders move`, async () => {
      const best = await bestOf(() => longestFrame(kit.browser, async () => {
        const moved = open.filter(({ status }) => status === "paid").slice(0, 10);
        for (const order of moved) order.status = (await api.step(order.id, "accept")).status;
        const made = open.filter(({ status }) => status === "accepted").slice(0, 10);
        for (const order of made) order.status = (await api.step(order.id, "ready")).status;
        const left = open.filter(({ status }) => status === "ready").slice(0, 10);
        for (const order of left) order.status = (await api.step(order.id, "collected")).status;
        for (let index = 0; index < 10; index += 1) open.push(await api.order("paid", MEALS[index % MEALS.length]));
        await until(`${name} never shows what moved`, () => agrees(page, name, open));
        return page;
      }));
      console.log(JSON.stringify({ figure: "frames", page: name, orders: await page.locator(shown).count(), ...figures(best) }));
      assert.ok(best.work <= FRAME_MS_MAX, `a frame of ${best.work} ms`);
      if (name === "screen") {
        const cut = () => page.evaluate(() => [...document.querySelectorAll(".board-ready .codes li")].filter((code) => code.getBoundingClientRect().bottom > innerHeight + 1).length);
        await until("codes that are ready are not to be seen", async () => (await cut()) === 0);
      }
      await page.shot("open");
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
    await api.step(orderId(phone), "accept");
    await visible(phone.getByTestId("pickup-code"));
    await phone.context().close();
  });
}

await play([crowd]);
