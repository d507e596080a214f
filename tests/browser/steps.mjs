// The line cut and restored at every step of every page: what is shown stays, nothing is shown as done that the node has not done, and
// afterwards the page is right without anybody's help. Then the same page twice, and the back button.

import assert from "node:assert/strict";
import { addItem, asGuest, button, inVain, kept, live, lost, MEALS, orderId, play, status, STORE, ticket, until, visible } from "./kit.mjs";

const SAYS = "连不上服务器";

/** Cuts the line, does something without it, and restores it. */
async function without(page, act) {
  await page.offline(true);
  await act();
  await page.offline(false);
}

async function customer(kit, node, api) {
  const guest = await api.token("customer", "guest-steps");
  const orders = async () => (await api.call("GET", "/v1/me/orders", guest)).orders;
  const phone = await kit.open(`${node.url}/#/`, { name: "steps-phone", width: 390, height: 844, scripts: [asGuest(guest)] });
  await visible(phone.locator(".store"));
  await kept(phone);

  await kit.promise("stores: without a line the list stays, and a store that was never opened says why it doesn't open", async () => {
    await without(phone, async () => {
      await phone.reload();
      await visible(phone.locator(".store"));
      await visible(phone.getByText(/没有网络/));
      await phone.evaluate(() => (location.hash = "#/store/sh-002"));
      await visible(phone.locator(".problem").getByText(SAYS));
    });
    await visible(phone.locator(".item"));
    await phone.goto(`${node.url}/#/store/${STORE.id}`);
    await visible(button(phone, /¥1\.00 立即领取/));
  });

  await kit.promise("menu: an offer is not claimed without a line; what is chosen stays in the cart", async () => {
    await without(phone, async () => {
      await inVain(phone, () => button(phone, /¥1\.00 立即领取/).click());
      assert.deepEqual((await api.call("GET", "/v1/me/coupons", guest)).coupons, []);
      await addItem(phone, "担担面"); // choosing needs no line
    });
    await phone.getByRole("link", { name: /查看购物车/ }).click();
    await visible(phone.locator(".cart-line").getByText("担担面"));
  });

  await kit.promise("cart: nothing is ordered without a line, and one order is made with it", async () => {
    await without(phone, async () => {
      await inVain(phone, () => button(phone, /提交订单/).click());
      assert.deepEqual(await orders(), []);
    });
    await button(phone, /提交订单/).click(); // named so again, and to be used, as soon as the first try is given up
    await status(phone, "awaiting_payment");
    assert.equal((await orders()).length, 1);
  });

  const id = orderId(phone);
  await kit.promise("unpaid: neither paid nor cancelled without a line", async () => {
    await live(phone);
    await without(phone, async () => {
      await lost(phone);
      await inVain(phone, () => button(phone, /支付/).click());
      await inVain(phone, async () => {
        await button(phone, "取消订单").click();
        await phone.getByRole("dialog").getByRole("button", { name: "取消订单" }).click();
      });
      assert.equal((await orders())[0].status, "awaiting_payment");
    });
    await live(phone);
    await status(phone, "awaiting_payment");
    await button(phone, /支付/).click();
    await status(phone, "paid");
  });

  await kit.promise("paid, being made, ready: each change is there as soon as the line is", async () => {
    for (const [step, becomes] of [["accept", "accepted"], ["ready", "ready"], ["collected", "collected"]]) {
      await live(phone);
      const before = await phone.locator(".order").getAttribute("data-status");
      await without(phone, async () => {
        await lost(phone);
        await api.step(id, step);
        assert.equal(await phone.locator(".order").getAttribute("data-status"), before, "nothing is guessed");
      });
      await status(phone, becomes);
    }
  });

  await kit.promise("my orders: the list of before without a line, the present one with it", async () => {
    await phone.getByRole("link", { name: "我的订单" }).click();
    await visible(phone.locator(".order-card").getByText("已取餐"));
    await without(phone, async () => {
      await phone.reload();
      await visible(phone.locator(".order-card"));
      await visible(phone.getByText(/没有网络/));
    });
    await phone.getByText(/没有网络/).waitFor({ state: "detached" });
  });
  await phone.context().close();
}

async function till(kit, node, api) {
  const pos = await kit.open(`${node.url}/pos?store=${STORE.id}`, { name: "steps-pos", width: 1440, height: 900 });
  await live(pos);
  const reject = async (id) => {
    await ticket(pos, id).getByRole("button", { name: "拒单" }).click();
    await pos.getByRole("dialog").getByRole("button", { name: "拒单并退款" }).click();
  };
  const stateOf = async (id) => (await api.call("GET", `/v1/orders/${id}`, api.till)).status;

  await kit.promise("POS: accept, reject, ready, collected: none is shown as done without a line, each works with it", async () => {
    const order = await api.order("paid", MEALS[0]);
    const rejecting = await api.order("paid", MEALS[1]);
    await visible(ticket(pos, rejecting.id));
    await without(pos, async () => {
      await lost(pos);
      await inVain(pos, () => reject(rejecting.id));
      assert.equal(await stateOf(rejecting.id), "paid");
      await visible(ticket(pos, rejecting.id));
    });
    await live(pos);
    await reject(rejecting.id);
    await ticket(pos, rejecting.id).waitFor({ state: "detached" });
    for (const [name, before, after] of [["接单", "paid", "accepted"], ["出餐", "accepted", "ready"], ["已取走", "ready", "collected"]]) {
      const press = () => ticket(pos, order.id).getByRole("button", { name }).click();
      await visible(ticket(pos, order.id).getByRole("button", { name }));
      await without(pos, async () => {
        await lost(pos);
        await inVain(pos, press);
        assert.equal(await stateOf(order.id), before);
      });
      await live(pos);
      await press();
      await until(`it never becomes ${after}`, async () => (await stateOf(order.id)) === after);
    }
    await ticket(pos, order.id).waitFor({ state: "detached" });
  });

  await kit.promise("POS: the day, the stock and a pause keep what was known and change nothing without a line", async () => {
    await button(pos, "今日").click();
    await visible(pos.locator(".day-order"));
    await without(pos, async () => {
      await lost(pos);
      await button(pos, "库存").click();
      await button(pos, "今日").click();
      await visible(pos.locator(".day-order"));
    });
    await live(pos);
    await button(pos, "库存").click();
    const row = pos.locator("tbody tr", { hasText: "担担面" });
    await visible(row);
    await without(pos, async () => {
      await lost(pos);
      await inVain(pos, () => row.getByRole("button", { name: /^设为售罄/ }).click());
      assert.equal(await row.getByRole("button", { name: /^设为售罄/ }).count(), 1, "shown as sold out, which it is not");
      await inVain(pos, async () => {
        await button(pos, "暂停接单").click();
        await pos.getByRole("dialog").getByRole("button", { name: "暂停接单" }).click();
      });
      assert.equal((await api.call("GET", `/v1/stores/${STORE.id}/accepting`, api.till)).accepting, true);
    });
    await live(pos);
    await row.getByRole("button", { name: /^设为售罄/ }).click();
    await visible(row.getByRole("button", { name: /^恢复销售/ }));
    await api.call("PUT", `/v1/stores/${STORE.id}/stock/noodle-dandan`, api.till, { available: 100 });
  });
  await pos.context().close();
}

async function twice(kit, node, api) {
  await kit.promise("two kitchens and two screens agree, whichever was touched", async () => {
    const options = { width: 1280, height: 800 };
    const kitchens = [await kit.open(`${node.url}/kitchen?store=${STORE.id}`, { name: "kitchen-1", ...options })];
    kitchens.push(await kit.tab(kitchens[0], `${node.url}/kitchen?store=${STORE.id}`, "kitchen-2"));
    const screens = [await kit.open(`${node.url}/screen?store=${STORE.id}`, { name: "screen-1", ...options })];
    screens.push(await kit.tab(screens[0], `${node.url}/screen?store=${STORE.id}`, "screen-2"));
    const made = await api.order("accepted", MEALS[2]);
    for (const page of kitchens) await visible(ticket(page, made.id));
    for (const page of screens) await visible(page.locator(".board-preparing").getByText(made.pickup_code, { exact: true }));
    await kitchens[1].bringToFront();
    await ticket(kitchens[1], made.id).getByRole("button", { name: /出餐/ }).click();
    for (const page of kitchens) await ticket(page, made.id).waitFor({ state: "detached" });
    for (const page of screens) await visible(page.locator(".board-ready .codes").getByText(made.pickup_code, { exact: true }));
    await api.step(made.id, "collected");
    for (const page of screens) await page.locator(".board-ready .codes").getByText(made.pickup_code, { exact: true }).waitFor({ state: "detached" });
    for (const page of [...kitchens, ...screens]) await page.close();
  });

  await kit.promise("in the sandbox one picks a role and a store without a password", async () => {
    const page = await kit.open(`${node.url}/pos`, { name: "roles", width: 390, height: 844 });
    for (const [role, path] of [["后厨", "/kitchen"], ["叫号屏", "/screen"], ["收银台", "/pos"]]) {
      await page.getByRole("navigation", { name: "其他页面" }).getByRole("link", { name: role }).click();
      await page.waitForURL(`${node.url}${path}`);
      await visible(page.getByRole("heading", { level: 1, name: role }));
    }
    await page.getByLabel("门店").selectOption("sh-002");
    await button(page, "开始").click();
    await live(page);
    assert.equal(page.url(), `${node.url}/pos?store=sh-002`);
    await page.context().close();
  });

  await kit.promise("staff pages are alive again after the back button, at the same store", async () => {
    const page = await kit.open(`${node.url}/pos?store=${STORE.id}`, { name: "back" });
    await live(page);
    for (const path of ["/kitchen", "/screen"]) {
      await page.goto(`${node.url}${path}?store=${STORE.id}`);
      await live(page);
    }
    for (const path of ["/kitchen", "/pos"]) {
      await page.goBack();
      await live(page);
      assert.match(page.url(), new RegExp(`${path}\\?store=${STORE.id}$`));
      const order = await api.order("accepted", MEALS[3]);
      await visible(ticket(page, order.id));
      await api.step(order.id, "ready");
      await api.step(order.id, "collected");
      await ticket(page, order.id).waitFor({ state: "detached" });
    }
    await page.context().close();
  });
}

await play([customer, till, twice]);
