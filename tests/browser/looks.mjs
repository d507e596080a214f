// Every page for everybody: axe-core finds nothing serious in either theme and language, targets fit a fingertip, nothing scrolls
// sideways from 320 px to a wall; and whatever a catalogue, a customer or a till writes stays text.

import assert from "node:assert/strict";
import { HOSTILE, spoil, staysText } from "./hostile.mjs";
import { Api, asGuest, bumpFirst, button, findings, live, MEALS, motions, play, sidewaysScroll, smallTargets, STORE, ticket, until, visible } from "./kit.mjs";
import { Node } from "./node.mjs";

async function looks(kit, node, api) {
  const orders = [];
  for (const [index, status] of ["ready", "ready", "accepted", "accepted", "paid", "awaiting_payment"].entries()) orders.push(await api.order(status, MEALS[index], { note: "少油" }));
  const rejected = await api.order("paid", MEALS[2]);
  await api.step(rejected.id, "reject", { reason: "餐品已售罄" });
  const tab = (index, ready) => async (page) => {
    await page.locator(".desk-bar button").nth(index).click();
    await visible(page.locator(ready));
  };
  const dialog = async (page) => {
    await page.locator(".item-add").first().click();
    await visible(page.locator("dialog fieldset"));
  };
  const views = [
    ["stores", "/", ".store"], ["menu", `/#/store/${STORE.id}`, ".offer button"], ["options", `/#/store/${STORE.id}`, ".offer button", dialog], ["cart", `/#/store/${STORE.id}/cart`, ".cart"],
    ["unpaid", `/#/order/${orders[5].id}`, ".pay"], ["making", `/#/order/${orders[2].id}`, ".code-card"], ["ready", `/#/order/${orders[0].id}`, ".code-card.ready"], ["rejected", `/#/order/${rejected.id}`, ".banner"], ["orders", "/#/orders", ".order-card"],
    ["pos", `/pos?store=${STORE.id}`, ".ticket"], ["today", `/pos?store=${STORE.id}`, ".ticket", tab(1, ".day-order")], ["stock", `/pos?store=${STORE.id}`, ".ticket", tab(2, "tbody tr")],
    ["kitchen", `/kitchen?store=${STORE.id}`, ".ticket", bumpFirst], ["screen", `/screen?store=${STORE.id}`, ".codes li"], ["sign-in", "/pos", ".session"],
  ];
  const SIZES = [[320, 640], [390, 844], [820, 1180], [1440, 900], [3840, 2160]];
  for (const [name, path, ready, then] of views) {
    await kit.promise(`${name}: nothing serious in either theme and language; from 320 px to a wall no small target, nothing sideways`, async () => {
      const [width, height] = SIZES[1];
      const page = await kit.open(node.url + path, { name: `looks-${name}`, width, height, scripts: path.includes("?") || name === "sign-in" ? [] : [asGuest(api.guest)] });
      await visible(page.locator(ready));
      const found = [];
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        if (colorScheme === "dark") await button(page, "English").click();
        if (colorScheme === "light" || name !== "kitchen") await then?.(page);
        for (const finding of await findings(page)) found.push(`${colorScheme}: ${finding}`);
        for (const moving of await motions(page)) found.push(`${colorScheme}: moves for somebody who wants no motion: ${moving}`);
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          for (const small of await smallTargets(page)) found.push(`${width} px, ${colorScheme}: small target ${small}`);
          const sideways = await sidewaysScroll(page);
          if (sideways > 0) found.push(`${width} px, ${colorScheme}: scrolls sideways by ${sideways} px`);
        }
        await page.setViewportSize({ width: SIZES[3][0], height: SIZES[3][1] });
        await page.keyboard.press("Escape");
      }
      assert.deepEqual(found, []);
      await page.context().close();
    });
  }
}

/** The call screen's letters, in every frame while the board changes. */
async function letters(kit, node, api) {
  await kit.promise("the screen's codes are legible from ten metres in every frame, and all fit when there are many", async () => {
    // What a ticket bumped in the kitchen came to depends on how long it was looked at: two codes are to be seen, always.
    const { orders } = await api.call("GET", `/v1/stores/${STORE.id}/queue`, api.till);
    for (const { id } of orders.filter(({ status }) => status === "ready").slice(2)) await api.step(id, "collected");
    const page = await kit.open(`${node.url}/screen?store=${STORE.id}`, { name: "letters", width: 1920, height: 1080 });
    const size = () => page.evaluate(() => Number.parseFloat(getComputedStyle(document.querySelector(".board-ready .codes")).fontSize));
    await until("not two codes", async () => (await page.locator(".board-ready .codes li").count()) === 2);
    await until("they are small", async () => (await size()) >= 1080 / 10);
    await page.evaluate(() => {
      window.smallest = Infinity;
      const look = () => {
        for (const list of document.querySelectorAll(".board-ready .codes")) window.smallest = Math.min(window.smallest, Number.parseFloat(getComputedStyle(list).fontSize));
        requestAnimationFrame(look);
      };
      look();
    });
    const made = [];
    for (let index = 0; index < 6; index += 1) {
      made.push(await api.order("ready", MEALS[index]));
      await visible(page.locator(".board-ready .codes").getByText(made.at(-1).pickup_code, { exact: true }));
    }
    assert.ok((await page.evaluate(() => window.smallest)) >= 1080 / 14, "they became small for a moment");
    const fits = () => page.evaluate(() => [...document.querySelectorAll(".codes")].every((list) => list.scrollHeight <= list.clientHeight + 1 && list.scrollWidth <= list.clientWidth + 1));
    for (const [width, height] of [[1080, 1920], [390, 844], [1920, 1080]]) {
      await page.setViewportSize({ width, height });
      await until(`not all fit in ${width} × ${height}`, fits);
    }
    for (const { id } of made) await api.step(id, "collected");
    await page.context().close();
  });
}

async function hostile(kit) {
  let catalogue;
  const node = await Node.start(process.env.QUCAN_BINARY, { change: (one) => spoil((catalogue = one)) });
  try {
    const api = await new Api(node.url).begin();
    await kit.promise("whatever a catalogue, a note or a reason says stays text, on every page", async () => {
      const orders = [];
      for (const [index, note] of HOSTILE.entries()) orders.push(await api.order(["paid", "accepted", "ready"][index % 3], MEALS[index % MEALS.length], { note }));
      const rejected = await api.order("paid", MEALS[0]);
      await api.step(rejected.id, "reject", { reason: HOSTILE[0] });
      const pages = [
        ["/", ".store"], [`/#/store/${STORE.id}`, ".item"], [`/#/store/${STORE.id}/cart`, ".cart"],
        ...[...orders.slice(0, 3), rejected].map(({ id }) => [`/#/order/${id}`, ".order"]), ["/#/orders", ".order-card"],
        [`/pos?store=${STORE.id}`, ".ticket"], [`/kitchen?store=${STORE.id}`, ".ticket"], [`/screen?store=${STORE.id}`, ".codes li"],
      ];
      for (const [path, ready] of pages) {
        const page = await kit.open(node.url + path, { name: "hostile", width: 390, height: 844, locale: "en-GB", scripts: path.includes("?") ? [] : [asGuest(api.guest)] });
        await visible(page.locator(ready));
        if (path.includes("?")) await live(page);
        if (path.startsWith("/pos")) {
          for (const order of orders.filter(({ status }) => status === "paid")) assert.equal(await ticket(page, order.id).locator(".ticket-note").textContent(), `Note: ${order.note}`);
          await button(page, "Today").click();
          await visible(page.locator(".day-order"));
          await button(page, "Stock").click();
          await visible(page.locator("tbody tr"));
        }
        if (path === "/") assert.equal(await page.locator(".store-name").first().textContent(), [...catalogue.stores].sort((a, b) => (a.id < b.id ? -1 : 1))[0].name);
        await staysText(page, path);
        await page.context().close();
      }
    });
  } finally {
    await node.end();
  }
}

// Of pictures that a hostile catalogue names: they can't be had.
await play([looks, letters, hostile], { forgiven: /404|net::ERR_UNKNOWN_URL_SCHEME/ });
