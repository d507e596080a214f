// A whole meal by clicking: bought on the customer page, accepted on the POS, made in the kitchen, called on the screen,
// collected; through a restart of the node, in two languages, without ever loading a page again.
// Elements are found as a screen reader finds them (role and name), so what can't be found can't be used by everybody.

import assert from "node:assert/strict";
import {
  addItem, Api, button, conclude, HANG_MS, keyOn, LINE_MS, live, lost, orderId, remember, remembered, stage, status, STORE, ticket, until, visible,
} from "./kit.mjs";
import { Node } from "./node.mjs";
import { wrongWords } from "./words.mjs";

/** For so long what is bumped in the kitchen can be taken back. */
const TAKE_BACK_MS = 5_000;
/** How long the first of these tokens is good, in seconds; a slow machine may need a longer one to be live at all. */
const TOKEN_S = [8, 24, 72];

/** A till that is live, with a token that will run out. */
async function expiring(kit, real) {
  for (const seconds of TOKEN_S) {
    const token = real.token("--role", "store", "--subject", "till-2", "--store", STORE.id, "--ttl", `${seconds}s`);
    const till = await kit.open(`${real.url}/pos?store=${STORE.id}#token=${token}`, { name: "pos-expired", width: 1024, height: 768 });
    const isLive = till.locator('.connection[data-state="live"]');
    await visible(isLive.or(till.getByLabel("访问令牌")));
    if ((await till.getByLabel("访问令牌").count()) === 0) return { till, within: seconds * 1000 + HANG_MS };
    await till.context().close();
  }
  throw new Error(`not live within ${TOKEN_S.at(-1)} s`);
}

/** Waits until the public menu shows this figure: it is encoded anew at most once a second. */
async function menuSays(api, sku, available) {
  await until(`the menu never says ${available} of ${sku}`, async () => {
    const menu = await api.call("GET", `/v1/stores/${STORE.id}/menu`);
    return menu.items.find((item) => item.sku === sku).available === available;
  });
}

async function run(kit, base, node) {
  const promise = (text, check) => kit.promise(text, check);
  const api = await new Api(base).begin();

  await promise("every word exists in both languages, and no other", async () => assert.deepEqual(await wrongWords(), []));

  const customer = await kit.open(`${base}/`, { name: "customer", width: 390, height: 844 });
  const pos = await kit.open(`${base}/pos`, { name: "pos", width: 1280, height: 800 });
  const kitchen = await kit.open(`${base}/kitchen?store=${STORE.id}`, { name: "kitchen", width: 1280, height: 800, colorScheme: "dark" });
  const screen = await kit.open(`${base}/screen?store=${STORE.id}`, { name: "screen", width: 1280, height: 720 });
  const pages = [customer, pos, kitchen, screen];

  await promise("the store's three pages start for a store", async () => {
    await pos.getByLabel("门店").selectOption(STORE.id);
    await button(pos, "开始").click();
    for (const page of [pos, kitchen, screen]) await live(page);
  });

  await promise("a store is found, and one tap claims the 1-yuan meal", async () => {
    await customer.getByRole("searchbox").fill("人民");
    await visible(customer.getByRole("link", { name: new RegExp(STORE.name) }));
    await customer.shot("stores");
    await customer.getByRole("link", { name: new RegExp(STORE.name) }).click();
    await button(customer, /¥1\.00 立即领取/).click();
    await visible(customer.getByRole("dialog"));
    await customer.shot("options");
    await customer.getByRole("dialog").getByLabel(/珍珠奶茶/).check();
    await customer.getByRole("dialog").getByRole("button", { name: /加入购物车/ }).click();
    await visible(customer.getByText("已在购物车中"));
    await customer.shot("menu");
  });

  await promise("the cart knows the price to the fen", async () => {
    await customer.getByRole("link", { name: /查看购物车/ }).click();
    await customer.getByLabel("备注").fill("少油，<b>不要香菜</b>");
    await customer.getByLabel("备注").blur();
    await visible(button(customer, /提交订单 · ¥4\.00/)); // 1 yuan, and 3 for the bubble tea
    await customer.shot("cart");
  });

  let first;
  await promise("two quick taps place one order", async () => {
    await button(customer, /提交订单/).dblclick();
    await status(customer, "awaiting_payment");
    first = orderId(customer);
    assert.match(first, /^[A-Za-z0-9-]{1,28}$/);
    const placed = await customer.evaluate(async () => {
      const { token } = JSON.parse(sessionStorage.getItem("qucan.session.customer"));
      const answer = await fetch("/v1/me/orders", { headers: { authorization: `Bearer ${token}` } });
      return (await answer.json()).orders.map((order) => order.id);
    });
    assert.deepEqual(placed, [first]);
  });

  await promise("paid, it is on the POS at once", async () => {
    await button(customer, /支付 ¥4\.00/).click();
    await status(customer, "paid");
    await visible(ticket(pos, first));
    await visible(ticket(kitchen, first));
    await visible(ticket(pos, first).getByText("少油，<b>不要香菜</b>")); // text stays text
    await pos.shot("new");
  });

  let code;
  await promise("accepted on the POS, the code is on the phone and on the screen", async () => {
    await ticket(pos, first).getByRole("button", { name: "接单" }).click();
    const shown = customer.getByTestId("pickup-code");
    await visible(shown);
    code = (await shown.textContent()).trim();
    assert.match(code, /^[A-Za-z0-9-]{1,12}$/);
    await visible(screen.locator(".board-preparing").getByText(code, { exact: true }));
    await visible(ticket(kitchen, first).getByText(code, { exact: true }));
    await customer.shot("code");
    await kitchen.shot("making");
  });

  if (node) {
    await promise("killed with -9 and started again: every page says so, comes back and goes on", async () => {
      kit.lineDown = true;
      await node.kill();
      for (const page of pages) await lost(page);
      await visible(customer.getByText(/连接中断，\d+ 秒前收到消息/));
      await customer.shot("lost");
      await node.up();
      for (const page of pages) await live(page);
      kit.lineDown = false;
    });
  }

  await promise("ready in the kitchen: the phone and the screen call it", async () => {
    await visible(button(kitchen, `出餐 ${code}`));
    await remember(screen, ".calling"); // a call is shown for seconds only
    // Within the page: what is bumped can be taken back for seconds only, and a busy machine takes its time to look.
    const [offered, bumped] = await kitchen.evaluate(async ([made, apart]) => {
      const press = async (text) => {
        for (let frame = 0; frame < 600; frame += 1) {
          const found = [...document.querySelectorAll("button")].find((one) => one.textContent.includes(text));
          const pressed = { words: found?.textContent, at: performance.now() };
          found?.click();
          if (found) return pressed;
          await new Promise(requestAnimationFrame);
        }
        throw new Error(`${text} is not there`);
      };
      await press(made);
      const offer = await press("撤回");
      await new Promise((resolve) => setTimeout(resolve, apart)); // so that the one can be told from the other
      return [offer, await press(made)];
    }, [`出餐 ${code}`, TAKE_BACK_MS / 2]);
    assert.match(offered.words, /撤回（\d 秒）/);
    await status(customer, "ready");
    // What was taken back was not sent: the one call came its full time after the second bump.
    const calls = () => kitchen.evaluate((id) => {
      const ours = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(`/${id}/ready`));
      return ours.map(({ startTime }) => startTime);
    }, first);
    await until("the kitchen never has its answer", async () => (await calls()).length > 0);
    const sent = await calls();
    assert.equal(sent.length, 1);
    assert.ok(sent[0] > bumped.at + TAKE_BACK_MS - 1, `sent ${Math.round(sent[0] - bumped.at)} ms after the second bump`); // clocks are coarse
    await visible(screen.locator(".board-ready").getByText(code, { exact: true }));
    assert.match(await customer.title(), new RegExp(code));
    await until("the phone is silent", () => customer.evaluate(() => window.heard.notes > 0 && window.heard.vibrated > 0));
    await until("the screen never calls it", async () => (await remembered(screen)).includes(code));
    const called = await screen.evaluate(() => window.heard.said);
    assert.deepEqual(called, [`请 ${[...code].join(" ")} 号取餐`, `Number ${[...code].join(" ")}, please collect`]);
    await customer.shot("ready");
    await screen.shot("ready");
  });

  await promise("collected: the screen forgets it, and the phone lets the connection go", async () => {
    await ticket(pos, first).getByRole("button", { name: "已取走" }).click();
    await status(customer, "collected");
    await screen.locator(".board-ready .codes").getByText(code, { exact: true }).waitFor({ state: "detached" });
    await customer.locator(".connection").waitFor({ state: "detached" });
  });

  await promise("a rejected order tells why and gives the money back", async () => {
    await customer.getByRole("link", { name: "查看菜单" }).click();
    await visible(customer.getByText("已使用", { exact: true })); // one coupon a member
    await addItem(customer, "红烧牛肉面");
    await customer.getByRole("link", { name: /查看购物车/ }).click();
    await button(customer, /提交订单/).click();
    await button(customer, /支付/).click();
    await status(customer, "paid");
    const second = orderId(customer);
    await ticket(pos, second).getByRole("button", { name: "拒单" }).click();
    await pos.getByRole("dialog").getByLabel("餐品已售罄").check();
    await pos.shot("reject");
    await button(pos, "拒单并退款").click();
    await status(customer, "rejected");
    await visible(customer.getByText("原因：餐品已售罄"));
    await visible(customer.getByText(/退款.*¥28\.00/));
    await customer.shot("rejected");
  });

  await promise("ordered again with one tap, as it was chosen; and a customer may call an order off", async () => {
    await button(customer, "再点一单").click();
    await visible(customer.locator(".cart-line").getByText("红烧牛肉面"));
    await button(customer, /提交订单/).click();
    await status(customer, "awaiting_payment");
    await button(customer, "取消订单").click();
    await customer.getByRole("dialog").getByRole("button", { name: "取消订单" }).click();
    await status(customer, "cancelled");
  });

  await promise("what the POS sells out and pauses, customers see", async () => {
    await button(pos, "库存").click();
    await button(pos, "设为售罄: 担担面").click();
    await visible(button(pos, "恢复销售: 担担面"));
    await pos.shot("stock");
    await button(pos, "暂停接单").click();
    await pos.getByRole("dialog").getByRole("button", { name: "暂停接单" }).click();
    await visible(pos.getByText(/暂停至/));
    await menuSays(api, "noodle-dandan", 0);
    await until("the directory never says that it is paused", async () => {
      const { stores } = await api.call("GET", `/v1/stores?q=${STORE.id}`);
      return stores.some((store) => store.id === STORE.id && !store.accepting);
    });
    const other = await kit.open(`${base}/#/store/${STORE.id}`, { name: "customer-wide", width: 1280, height: 900, locale: "en-GB", colorScheme: "dark" });
    pages.push(other);
    await visible(other.getByText("This store takes no orders for the moment"));
    await visible(other.locator(".item.out").filter({ hasText: "Dandan noodles" }).getByText("Sold out"));
    await visible(other.locator(".item").filter({ hasText: "Crab roe soup dumplings" }).getByText("3 left"));
    await other.shot("paused");
    await button(pos, "恢复接单").click();
    await visible(pos.getByText("正在接单"));
    await button(pos, "恢复销售: 担担面").click();
    await pos.getByRole("dialog").getByRole("button", { name: "保存" }).click();
    await visible(button(pos, "设为售罄: 担担面"));
    await menuSays(api, "noodle-dandan", 20); // no more is ever shown
    await button(pos, "订单", { exact: true }).click();
  });

  await promise("the language changes in place, everywhere", async () => {
    for (const page of pages.filter((one) => one.named !== "customer-wide")) await button(page, "English").click();
    await visible(customer.getByRole("heading", { name: "Cancelled" }));
    await visible(pos.getByRole("heading", { name: /^Being made/ }));
    await visible(kitchen.getByText(/Nothing to make/));
    await visible(screen.getByRole("heading", { name: "Please collect" }));
    assert.equal(await customer.locator("html").getAttribute("lang"), "en");
    const words = (await pos.locator("main").innerText()).replace(STORE.name, ""); // a store's name has one language
    assert.doesNotMatch(words, /[\u4e00-\u9fff]/);
  });

  await promise("a keyboard is enough to order", async () => {
    // A view that has come takes the focus.
    const begins = (name) => visible(customer.locator(":focus").and(customer.getByRole("heading", { name })));
    await keyOn(customer.getByRole("link", { name: "My orders" }));
    await begins("My orders");
    await customer.shot("orders");
    await keyOn(customer.locator("a.brand"));
    await begins("Choose a store");
    await keyOn(customer.getByRole("link", { name: new RegExp(STORE.name) }).first());
    await begins(STORE.name);
    await customer.shot("menu-en");
    await keyOn(button(customer, "Choose options of Dandan noodles"));
    await visible(customer.getByRole("dialog"));
    await customer.keyboard.press("Escape");
    await customer.getByRole("dialog").waitFor({ state: "detached" });
    const focused = await customer.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.equal(focused, "Choose options of Dandan noodles", "focus returns to where it was");
    await customer.keyboard.press("Enter");
    await keyOn(button(customer, /Add to cart/));
    await keyOn(customer.getByRole("link", { name: /Show cart/ }));
    await begins("Cart");
    await keyOn(button(customer, /Place order/));
    await status(customer, "awaiting_payment");
    await keyOn(button(customer, /Pay ¥/));
    await status(customer, "paid");
    const last = ticket(pos, orderId(customer));
    await visible(last);
    await pos.shot("new-en");
    await keyOn(last.getByRole("button", { name: "Accept" }));
    await keyOn(last.getByRole("button", { name: "Ready" }));
    await status(customer, "ready");
    await customer.shot("ready-en");
    await screen.shot("ready-en");
  });

  await promise("where a network lets no socket through, the code comes all the same", async () => {
    const behind = await kit.open(`${base}/#/store/${STORE.id}`, { name: "customer-behind", width: 390, height: 844, locale: "en-GB", colorScheme: "dark", sockets: false });
    pages.push(behind);
    await button(behind, "Choose options of Spicy chicken wings").click();
    await button(behind, /Add to cart/).click();
    await behind.getByRole("link", { name: /Show cart/ }).click();
    await button(behind, /Place order/).click();
    await button(behind, /Pay ¥/).click();
    await status(behind, "paid");
    await ticket(pos, orderId(behind)).getByRole("button", { name: "Accept" }).click();
    await lost(behind);
    await behind.getByTestId("pickup-code").waitFor({ timeout: LINE_MS }); // asked for every 20 s
    await behind.shot("code");
  });

  if (node) {
    await promise("in production a token comes in the link, leaves the address, and is enough", async () => {
      const real = await Node.start(node.binary, { mode: "production" });
      try {
        const till = await kit.open(`${real.url}/pos#token=${real.token("--role", "store", "--subject", "till-1", "--store", STORE.id)}`, { name: "pos-production", width: 1024, height: 768 });
        await live(till);
        assert.equal(till.url(), `${real.url}/pos?store=${STORE.id}`);
        // A token that has run out is asked for again, and the page goes on where it was.
        kit.tolerated = /401/;
        const { till: short, within } = await expiring(kit, real);
        await short.getByLabel("访问令牌").waitFor({ timeout: within });
        await short.getByLabel("访问令牌").fill(real.token("--role", "store", "--subject", "till-2", "--store", STORE.id));
        await button(short, "开始").click();
        await live(short);
        await visible(short.getByText("暂无订单"));
        await short.context().close();
        kit.tolerated = null;
        const member = await kit.open(`${real.url}/#token=${real.token("--role", "customer", "--subject", "o-member")}`, { name: "customer-production", width: 390, height: 844 });
        await member.getByRole("link", { name: new RegExp(STORE.name) }).click();
        assert.doesNotMatch(member.url(), /token/);
        await addItem(member, "担担面");
        await member.getByRole("link", { name: /查看购物车/ }).click();
        await button(member, /提交订单/).click();
        await visible(member.getByText("请在小程序中完成支付"));
        await till.context().close();
        await member.context().close();
      } finally {
        await real.end();
      }
    });
  }

  await promise("no page was loaded again", async () => {
    for (const page of pages) assert.equal(await page.evaluate(() => window.neverLoadedAgain), true, page.named);
  });
  if (node) await promise("the node had nothing to complain about", async () => assert.deepEqual(node.complaints, []));
}

/** A node that somebody else runs is only played at. */
const begin = () => (process.env.QUCAN_URL ? { url: process.env.QUCAN_URL, end: async () => {} } : Node.start(process.env.QUCAN_BINARY));
await stage(begin, async (kit, node) => {
  await run(kit, node.url, process.env.QUCAN_URL ? null : node);
  await conclude();
});
