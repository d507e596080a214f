// Lines that break, clocks that lie, fingers that are too quick: every page says what is true, nothing happens twice, nothing is lost.

import assert from "node:assert/strict";
import { addItem, asGuest, bumpFirst, button, inVain, kept, live, lost, MEALS, orderId, play, status, STORE, ticket, until, visible } from "./kit.mjs";

const DAY_MS = 24 * 3_600_000;
const MENU = `/#/store/${STORE.id}`;

/** Moves the clock of a page, for all that its scripts can see. */
const wrongClock = (ms) => ({ content: `{ const Real = Date; window.Date = class extends Real { constructor(...parts) { parts.length ? super(...parts) : super(Real.now() + ${ms}); } static now() { return Real.now() + ${ms}; } }; }` });
/** What a page takes for no difference between its clock and the node's, and how often a till draws ages anew. */
const AGE_SLACK_S = 2 + 10;
/** The shortest pause, which is proposed. */
const PAUSE_MS = 15 * 60_000;

/** Whether what is shown, in minutes and perhaps seconds, is the order's age; it is never 0, which a clock of yesterday shows for ever. */
async function isOld(order, unit, read) {
  const age = () => (Date.now() - Date.parse(order.paid_at)) / 1000;
  const least = age();
  const [, minutes, seconds = "0"] = (await read()).match(/(\d+)(?::(\d\d))?/) ?? [];
  const shown = Number(minutes) * 60 + Number(seconds);
  return (unit > 1 || shown > 0) && shown > least - unit - AGE_SLACK_S && shown < age() + AGE_SLACK_S;
}

/** Holds the answers of an address back; `release` lets the first one go and waits until the page has drawn what it makes of it. */
async function held(page, address) {
  let release;
  let answered;
  const released = new Promise((resolve) => (release = resolve));
  const late = new Promise((resolve) => (answered = resolve));
  await page.route(address, async (route) => {
    await released;
    await route.continue();
    answered((await route.request().response())?.finished());
  });
  return {
    release: async () => {
      release();
      await late;
      await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(resolve)), 100)));
    },
  };
}

const heard = (page) => page.evaluate(() => window.heard);
const statusOf = async (api, id) => (await api.call("GET", `/v1/orders/${id}`, api.till)).status;
const myOrders = (page) => page.evaluate(async () => {
  const { token } = JSON.parse(sessionStorage.getItem("qucan.session.customer"));
  return (await (await fetch("/v1/me/orders", { headers: { authorization: `Bearer ${token}` } })).json()).orders.map((order) => order.id);
});

async function store(kit, node, api) {
  const promise = (text, check) => kit.promise(text, check);
  const first = await kit.open(`${node.url}/pos?store=${STORE.id}`, { name: "pos-first" });
  const second = await kit.open(`${node.url}/pos?store=${STORE.id}`, { name: "pos-second", width: 1024, height: 768 });
  const kitchen = await kit.open(`${node.url}/kitchen?store=${STORE.id}`, { name: "kitchen" });
  const screen = await kit.open(`${node.url}/screen?store=${STORE.id}`, { name: "screen" });
  const pages = [first, second, kitchen, screen];
  for (const page of pages) await live(page);

  let order;
  await promise("a new order rings at every till until it is seen there; one key accepts it, for all of them", async () => {
    order = await api.order("paid", MEALS[0]);
    for (const page of [first, second]) {
      await visible(page.locator(".alarm").getByText("1 单待接"));
      assert.match(await page.title(), /^\(1\)/);
    }
    const before = (await heard(first)).notes;
    await until("it never rings again by itself", async () => (await heard(first)).notes > before);
    await first.keyboard.press("s");
    await first.locator(".alarm").waitFor({ state: "detached" });
    await visible(second.locator(".alarm"));
    await first.keyboard.press("a");
    for (const page of [first, second]) await visible(page.locator("section", { hasText: "制作中" }).getByTestId(`ticket-${order.id}`));
    await second.locator(".alarm").waitFor({ state: "detached" });
  });

  await promise("two tills that press at once agree: the step happens once, and neither is told of an error", async () => {
    await Promise.all([first, second].map((page) => page.keyboard.press("r")));
    // A step that is under way can't be taken again: with its answer the button can be used, and a refusal would be told.
    for (const page of [first, second]) await ticket(page, order.id).getByRole("button", { name: "已取走" }).click({ trial: true });
    assert.equal(await first.locator(".notice.bad").count() + await second.locator(".notice.bad").count(), 0);
    await first.keyboard.press("c");
    for (const page of [first, second]) await ticket(page, order.id).waitFor({ state: "detached" });
  });

  await promise("the day's list finds an order by its code, whatever became of it", async () => {
    const code = (await api.call("GET", `/v1/orders/${order.id}`, api.till)).pickup_code;
    await first.keyboard.press("/");
    await first.getByRole("searchbox").fill(code);
    await visible(first.locator(".day-order").filter({ hasText: order.id }).getByText("已取餐"));
    await button(first, "订单", { exact: true }).click();
  });

  await promise("a pause made at one till is known at the other, with its end, and over a reload", async () => {
    await button(first, "暂停接单").click();
    await first.getByRole("dialog").getByLabel("15 分钟").check();
    await first.getByRole("dialog").getByRole("button", { name: "暂停接单" }).click();
    await visible(first.getByText(/暂停至 \d\d:\d\d/));
    await second.reload();
    await visible(second.getByText(/暂停至 \d\d:\d\d/));
    await button(second, "恢复接单").click();
    await visible(second.getByText("正在接单"));
  });

  await promise("a till whose line is cut says so, claims nothing, and is right again when the line is", async () => {
    const waiting = await api.order("paid", MEALS[1]);
    await visible(ticket(first, waiting.id));
    await first.offline(true);
    await lost(first);
    await inVain(first, () => ticket(first, waiting.id).getByRole("button", { name: "接单" }).click());
    assert.equal(await statusOf(api, waiting.id), "paid");
    await visible(ticket(first, waiting.id).getByRole("button", { name: "接单" }));
    const meanwhile = await api.order("paid", MEALS[2]);
    await api.step(waiting.id, "reject", { reason: "打烊了" });
    await first.offline(false);
    await live(first);
    await visible(ticket(first, meanwhile.id));
    await ticket(first, waiting.id).waitFor({ state: "detached" });
    await api.step(meanwhile.id, "reject", { reason: "打烊了" });
  });

  await promise("a ticket bumped without a line says that it is not sent, and is sent by itself", async () => {
    const made = await api.order("accepted", MEALS[3]);
    await visible(ticket(kitchen, made.id));
    await kitchen.offline(true);
    await lost(kitchen);
    await kitchen.keyboard.press("1");
    await visible(ticket(kitchen, made.id).getByText("未送达"));
    assert.equal(await statusOf(api, made.id), "accepted");
    await kitchen.offline(false);
    await ticket(kitchen, made.id).waitFor({ state: "detached" });
    assert.equal(await statusOf(api, made.id), "ready");
    await api.step(made.id, "collected");
  });

  await promise("what is rejected at the till leaves the kitchen, its bump with it", async () => {
    const made = await api.order("accepted", MEALS[4]);
    await visible(ticket(kitchen, made.id));
    assert.match(await bumpFirst(kitchen), /撤回/);
    await api.step(made.id, "reject", { reason: "卖完了" });
    await ticket(kitchen, made.id).waitFor({ state: "detached" });
  });

  await promise("what became ready while the screen's line was cut is called when it is back", async () => {
    const made = await api.order("accepted", MEALS[5]);
    await visible(screen.locator(".board-preparing").getByText(made.pickup_code, { exact: true }));
    await screen.offline(true);
    await lost(screen);
    await api.step(made.id, "ready");
    await screen.offline(false);
    await visible(screen.locator(".board-ready .codes").getByText(made.pickup_code, { exact: true }));
    await until("it is never called", async () => (await heard(screen)).said.includes(`请 ${[...made.pickup_code].join(" ")} 号取餐`));
    await api.step(made.id, "collected");
  });

  await promise("staff pages open without a line too, with what was known, and come alive with it", async () => {
    const waiting = await api.order("paid", MEALS[6]);
    for (const page of [second, kitchen, screen]) {
      await kept(page);
      await page.offline(true);
      await page.reload();
      await visible(page.locator(".desk, .board")); // not the question who one is
      await page.offline(false);
      await live(page);
    }
    await visible(ticket(second, waiting.id));
    await visible(ticket(kitchen, waiting.id));
    await api.step(waiting.id, "reject", { reason: "打烊了" });
  });

  await promise("a clock that is wrong by a day changes no age, no pause and no offer", async () => {
    for (const ms of [DAY_MS, -DAY_MS]) {
      const waiting = await api.order("paid", MEALS[0]);
      const scripts = [wrongClock(ms)];
      const pos = await kit.open(`${node.url}/pos?store=${STORE.id}`, { name: `pos-clock${ms}`, scripts });
      await until("the POS never shows its age", () => isOld(waiting, 60, () => ticket(pos, waiting.id).locator(".tag").textContent()));
      await button(pos, "暂停接单").click();
      await pos.getByRole("dialog").getByRole("button", { name: "暂停接单" }).click();
      await visible(pos.getByText(/暂停至/));
      const { until: end } = await api.call("GET", `/v1/stores/${STORE.id}/accepting`, api.till);
      assert.ok(Math.abs(Date.parse(end) - Date.now() - PAUSE_MS) < PAUSE_MS, `it would end at ${end}`);
      await button(pos, "恢复接单").click();
      await visible(pos.getByText("正在接单"));
      const cook = await kit.open(`${node.url}/kitchen?store=${STORE.id}`, { name: `kitchen-clock${ms}`, scripts });
      await until("the kitchen never shows its age", () => isOld(waiting, 1, () => ticket(cook, waiting.id).locator(".timer").textContent()));
      const guest = await kit.open(`${node.url}${MENU}`, { name: `customer-clock${ms}`, scripts });
      await visible(button(guest, /¥1\.00 立即领取/));
      for (const page of [pos, cook, guest]) await page.context().close();
      await api.step(waiting.id, "reject", { reason: "打烊了" });
    }
  });
  for (const page of pages) await page.context().close();
}

async function customer(kit, node, api) {
  const promise = (text, check) => kit.promise(text, check);
  const phone = await kit.open(`${node.url}/`, { name: "phone", width: 390, height: 844, permissions: ["geolocation"], geolocation: { latitude: 31.2353, longitude: 121.506 } });

  await promise("who has allowed it sees the nearest store first, also where the list of all comes later", async () => {
    const first = () => phone.locator(".store-name").first().textContent();
    await until("陆家嘴 never comes first", async () => (await first()) === "陆家嘴店");
    await visible(phone.getByText(/0 ?米|0 ?m/));
    const all = await held(phone, /\/v1\/stores\?limit=500$/);
    await phone.reload();
    await until("陆家嘴 never comes first", async () => (await first()) === "陆家嘴店");
    await all.release();
    assert.equal(await first(), "陆家嘴店");
    await phone.unrouteAll({ behavior: "wait" });
  });

  await promise("back closes what is open, and shows what was there before", async () => {
    await phone.goto(`${node.url}/#/`);
    await phone.getByRole("link", { name: new RegExp(STORE.name) }).click();
    await button(phone, "选规格：担担面").click();
    await visible(phone.getByRole("dialog"));
    await phone.goBack();
    await phone.getByRole("dialog").waitFor({ state: "detached" });
    await visible(phone.locator(".stores"));
    await phone.goForward();
    await addItem(phone, "担担面");
    await phone.getByRole("link", { name: /查看购物车/ }).click();
    await visible(phone.locator(".cart-line"));
  });

  await promise("without a line nothing is ordered, and the page opens all the same", async () => {
    await kept(phone);
    await phone.offline(true);
    await inVain(phone, () => button(phone, /提交订单/).click());
    await phone.reload();
    await visible(phone.getByText("没有网络：这是上次看到的菜单"));
    await visible(phone.locator(".cart-line").getByText("担担面")); // the cart is still there
    await phone.offline(false);
    await phone.getByText("没有网络").waitFor({ state: "detached" });
    assert.deepEqual(await myOrders(phone), []);
  });

  let id;
  await promise("an answer that is lost, and a reload in between, make one order", async () => {
    kit.lineDown = true;
    await phone.route("**/v1/orders", async (route) => {
      await route.fetch(); // the node has it; the phone never hears of it
      await route.abort("connectionreset");
    });
    await inVain(phone, () => button(phone, /提交订单/).click());
    await phone.unrouteAll({ behavior: "wait" }); // those under way too
    await phone.reload();
    await button(phone, /提交订单/).click();
    await status(phone, "awaiting_payment");
    id = orderId(phone);
    assert.deepEqual(await myOrders(phone), [id]);
    kit.lineDown = false;
  });

  await promise("without a line nothing is paid; with it, once", async () => {
    await phone.offline(true);
    await lost(phone);
    await inVain(phone, () => button(phone, /支付/).click());
    await phone.offline(false);
    await live(phone);
    assert.equal(await statusOf(api, id), "awaiting_payment");
    await button(phone, /支付/).dblclick();
    await status(phone, "paid");
  });

  let tab;
  await promise("a second tab shows the same, at once", async () => {
    [tab] = await Promise.all([phone.context().waitForEvent("page"), phone.evaluate(() => void window.open(location.href))]);
    await status(tab, "paid");
    await live(tab);
  });

  await promise("accepted and ready while the phone sleeps without a line: it knows as soon as it wakes", async () => {
    await phone.offline(true);
    await lost(phone);
    const { pickup_code: code } = await api.step(id, "accept");
    await phone.reload(); // what was kept is shown, and nothing is invented
    await status(phone, "paid");
    await phone.offline(false);
    await visible(phone.getByTestId("pickup-code").getByText(code));
    await visible(tab.getByTestId("pickup-code").getByText(code));
    await api.step(id, "ready");
    for (const page of [phone, tab]) await status(page, "ready");
    await tab.close();
  });

  await promise("an order that others close is closed here too", async () => {
    await api.step(id, "reject", { reason: "<script>alert(1)</script>" });
    await status(phone, "rejected");
    await visible(phone.getByText("原因：<script>alert(1)</script>"));
  });

  await promise("a guest who goes on before a view has come sees the view that was wanted", async () => {
    const guest = await kit.open(`${node.url}${MENU}`, { name: "quick", scripts: [asGuest(api.guest)] });
    const slow = await api.order("paid", MEALS[0]);
    const order = await held(guest, `**/v1/orders/${slow.id}*`);
    await guest.evaluate((id) => (location.hash = `#/order/${id}`), slow.id);
    await guest.evaluate(() => (location.hash = "#/orders"));
    await visible(guest.getByRole("heading", { name: "我的订单" }));
    await order.release();
    assert.equal(await guest.locator(".order").count(), 0);
    await visible(guest.getByRole("heading", { name: "我的订单" }));
    await guest.context().close();
  });
  await phone.context().close();
}

await play([store, customer]);
