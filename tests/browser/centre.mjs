// The centre under test: the real aggregator and one or more real nodes that replicate to it, on free ports, in temporary
// directories. Places orders as customers and stores do, over HTTP.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HANG_MS } from "./browser.mjs";
import { catalogueFile, freePort, Program, temporaryDirectory } from "./program.mjs";

export class Centre {
  #directory = temporaryDirectory("centre");
  #keys = 0;
  #copies = [];

  /** An aggregator for these regions, and the nodes' programs, not yet started; `change` is given each catalogue. */
  static async start(binary, { mode = "sandbox", regions = ["east"], change } = {}) {
    const centre = new Centre();
    centre.binary = binary;
    const directory = centre.#directory;
    const secret = centre.#secret("jwt.key");
    const port = await freePort();
    centre.url = `http://127.0.0.1:${port}`;
    const tokens = regions.map((region) => [region, centre.#secret(`${region}.token`)]);
    centre.config = join(directory, "aggregator.toml");
    writeFileSync(centre.config, `mode = "${mode}"

[aggregator]
listen = ["127.0.0.1:${port}"]
data_dir = "${join(directory, "centre")}"
store = "embedded"

[auth]
hs256_secret_file = "${secret}"
${tokens.map(([region, file]) => `\n[regions.${region}]\ntoken_file = "${file}"\n`).join("")}`);
    centre.aggregator = new Program(binary, ["aggregator", "--config", centre.config], centre.url);
    centre.nodes = {};
    for (const [region, token] of tokens) {
      const nodePort = await freePort();
      const config = join(directory, `${region}.toml`);
      writeFileSync(config, `mode = "${mode}"

[node]
region = "${region}"
listen = ["127.0.0.1:${nodePort}"]
data_dir = "${join(directory, region)}"
catalog = "${catalogueFile(directory, region, change)}"
public_url = "http://127.0.0.1:${nodePort}"

[auth]
hs256_secret_file = "${secret}"

[replication]
aggregator = "ws://127.0.0.1:${port}/v1/replicate"
token_file = "${token}"
`);
      centre.nodes[region] = new Program(binary, ["node", "--config", config], `http://127.0.0.1:${nodePort}`);
    }
    try {
      await centre.aggregator.up();
    } catch (error) {
      await centre.end();
      throw error;
    }
    return centre;
  }

  #secret(name) {
    const file = join(this.#directory, name);
    writeFileSync(file, randomBytes(48).toString("base64"), { mode: 0o600 });
    return file;
  }

  /** A token as the operator makes one; all programs here share the secret. */
  token(role, subject, store) {
    const options = ["token", "--config", this.config, "--role", role, "--subject", subject, ...(store ? ["--store", store] : [])];
    return execFileSync(this.binary, options, { encoding: "utf8" }).trim();
  }

  /** A call of the centre's API as headquarters. */
  async get(path) {
    this.operator ??= this.token("operator", "headquarters");
    const answer = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.operator}` }, signal: AbortSignal.timeout(HANG_MS) });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** A call of a node's API. */
  async call(region, method, path, token, body) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...(path === "/v1/orders" ? { "idempotency-key": `key-${(this.#keys += 1)}` } : {}) };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(this.nodes[region].url + path, { method, headers, body: text, signal: AbortSignal.timeout(HANG_MS) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** An order placed, paid and taken as far as `until` says; gives it as it is then. */
  async order(region, store, lines, until = "paid", note) {
    const member = this.token("customer", `member-${this.#keys}`);
    const till = this.token("store", "till-1", store);
    let order = await this.call(region, "POST", "/v1/orders", member, { store, lines, ...(note ? { note } : {}) });
    const path = `/v1/orders/${order.id}`;
    if (until === "awaiting_payment") return order;
    await this.call(region, "POST", `${path}/pay`, member, { provider: "sandbox" });
    order = await this.call(region, "POST", `/v1/sandbox/payments/${order.id}/succeed`, member);
    if (until === "rejected") return this.call(region, "POST", `${path}/reject`, till, { reason: "sold out" });
    for (const [status, step] of [["accepted", "accept"], ["ready", "ready"], ["collected", "collected"]]) {
      if (order.status === until) break;
      order = await this.call(region, "POST", `${path}/${step}`, till, step === "accept" ? {} : undefined);
      if (status === until) break;
    }
    return order;
  }

  /** Stops a region's node, copies its data as somebody careless might, and starts it again; gives the copy's program. */
  async copyOf(region) {
    const directory = this.#directory;
    await this.nodes[region].down();
    cpSync(join(directory, region), join(directory, `${region}-copy`), { recursive: true });
    await this.nodes[region].up();
    const port = await freePort();
    const text = readFileSync(join(directory, `${region}.toml`), "utf8").replace(/^data_dir = .*$/m, `data_dir = "${join(directory, `${region}-copy`)}"`);
    const config = join(directory, `${region}-copy.toml`);
    writeFileSync(config, text.replace(/^listen = .*$/m, `listen = ["127.0.0.1:${port}"]`));
    this.#copies.push(new Program(this.binary, ["node", "--config", config], `http://127.0.0.1:${port}`));
    return this.#copies.at(-1);
  }

  async end() {
    for (const program of [...this.#copies, ...Object.values(this.nodes), this.aggregator]) await program.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
