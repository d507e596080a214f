// Pictures of dishes from the node's own folder: painted on the menu, the new one after a file changed and the catalogue was
// imported again, and a drawing in place of one that can't be had.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { play, STORE, until, visible } from "./kit.mjs";
import { temporaryDirectory } from "./program.mjs";

const RED = "255,0,0";
const BLUE = "0,0,255";
const folder = temporaryDirectory("pictures");
const draw = (colour) => writeFileSync(join(folder, "dish.svg"), `<svg xmlns="http://www.w3.org/2000/svg" width="72" height="72" viewBox="0 0 72 72"><rect width="72" height="72" fill="rgb(${colour})"/></svg>`);
const IMAGES = { "noodle-dandan": "dish.svg", "noodle-beef": "absent.png", "rice-curry": "/nowhere/at-all.png" };

/** The colour in the middle of an item's picture, as painted. */
const painted = (page, sku) => page.locator(`[data-key="${sku}"] img.item-picture`).evaluate((image) => {
  if (!image.complete || image.naturalWidth === 0) return "nothing yet";
  const canvas = Object.assign(document.createElement("canvas"), { width: 72, height: 72 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 72, 72);
  return [...context.getImageData(36, 36, 1, 1).data.slice(0, 3)].join();
});
const shows = async (page, sku, colour) => {
  await page.locator(`[data-key="${sku}"]`).scrollIntoViewIfNeeded();
  await until(`${sku} is never painted in ${colour}`, async () => (await painted(page, sku)) === colour);
};
const open = (kit, node, name) => kit.open(`${node.url}/#/store/${STORE.id}`, { name, width: 390, height: 844 });

/** The node under test shows what is in the folder. */
async function pictures(kit, node, api) {
  const operator = await api.token("operator", "op");
  const importAgain = () => api.call("PUT", "/v1/catalog", operator, JSON.parse(readFileSync(node.catalogue, "utf8")));
  const address = async (sku) => (await api.call("GET", `/v1/stores/${STORE.id}/menu`)).items.find((item) => item.sku === sku).image;
  kit.tolerated = /404/; // of the address that leads nowhere

  let before;
  let first;
  await kit.promise("a picture of the folder is painted; a drawing stands where one can't be had", async () => {
    before = await open(kit, node, "pictures");
    await shows(before, "noodle-dandan", RED);
    for (const sku of ["noodle-beef", "rice-curry"]) {
      await before.locator(`[data-key="${sku}"]`).scrollIntoViewIfNeeded();
      await visible(before.locator(`[data-key="${sku}"] .item-picture.none svg`));
    }
    first = await address("noodle-dandan");
    assert.match(first, /^\/pictures\/[0-9a-f]{16}\.svg$/);
    assert.equal(await address("noodle-beef"), undefined);
  });

  await kit.promise("a file that changed is painted after the next import, which names what is missing; menus from before still have theirs", async () => {
    draw(BLUE);
    const { warnings, items } = await importAgain();
    assert.equal(items, 0, "nothing of the catalogue changed");
    const index = JSON.parse(readFileSync(node.catalogue, "utf8")).items.findIndex(({ sku }) => sku === "noodle-beef");
    assert.deepEqual(warnings.map(({ pointer }) => pointer), [`/items/${index}/image`]);
    assert.match(warnings[0].detail, /noodle-beef.*absent\.png.*no such file/);
    // The menu is encoded anew at most once a second.
    await until("it never names the new file", async () => (await address("noodle-dandan")) !== first);
    const after = await open(kit, node, "pictures-after");
    await shows(after, "noodle-dandan", BLUE);
    assert.equal((await fetch(node.url + first)).status, 200);
    await shows(before, "noodle-dandan", RED);
    await after.context().close();
  });

  await kit.promise("a file that is no picture any more leaves a drawing and a menu that sells", async () => {
    writeFileSync(join(folder, "dish.svg"), "<html>");
    assert.equal((await importAgain()).warnings.length, 2);
    await until("the menu still names it", async () => (await address("noodle-dandan")) === undefined);
    const page = await open(kit, node, "pictures-none");
    await visible(page.locator('[data-key="noodle-dandan"] .item-picture.none svg'));
    await visible(page.locator('[data-key="noodle-dandan"] .item-add'));
    await page.context().close();
  });
}

draw(RED);
const change = (catalogue) => catalogue.items.forEach((item) => (item.image = IMAGES[item.sku] ?? item.image));
await play([pictures], { node: { change, pictures: folder } });
