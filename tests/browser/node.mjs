// The node under test: the real binary, on a free port, with a temporary data directory and the east catalogue.

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const catalogue = fileURLToPath(new URL("../../examples/catalog-east.json", import.meta.url));

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Node {
  #process = null;
  #directory = mkdtempSync(join(tmpdir(), "qucan-browser-"));
  #config = "";
  #log = "";

  static async start(binary, mode = "sandbox", catalogFile = catalogue) {
    const node = new Node();
    node.binary = binary;
    node.port = await freePort();
    node.url = `http://127.0.0.1:${node.port}`;
    node.#config = join(node.#directory, "node.toml");
    const secret = join(node.#directory, "jwt.key");
    writeFileSync(secret, randomBytes(48).toString("base64"), { mode: 0o600 });
    writeFileSync(node.#config, `mode = "${mode}"

[node]
region = "east"
listen = ["127.0.0.1:${node.port}"]
data_dir = "${join(node.#directory, "data")}"
catalog = "${catalogFile}"

[auth]
hs256_secret_file = "${secret}"
`);
    await node.up();
    return node;
  }

  async up() {
    const child = spawn(this.binary, ["node", "--config", this.#config], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (this.#log += data));
    let ended = false;
    child.once("exit", () => (ended = true));
    // Asking whether it is ready is the only way to know it from outside.
    for (;;) {
      if (ended) throw new Error(`the node ended before it was ready:\n${this.#log}`);
      try {
        if ((await fetch(`${this.url}/readyz`)).ok) return;
      } catch {
        // not listening yet
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A token as the operator makes one. */
  token(...options) {
    return execFileSync(this.binary, ["token", "--config", this.#config, ...options], { encoding: "utf8" }).trim();
  }

  /** Stops it as an operator would. */
  async down() {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null) return;
    const over = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await over;
    clearTimeout(hard);
  }

  /** Ends it as a power cut would. */
  async kill() {
    const child = this.#process;
    this.#process = null;
    const over = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await over;
  }

  async end() {
    await this.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** What it complained about; nothing here gives it a reason to. */
  get complaints() {
    return this.#log.split("\n").filter((line) => /\b(WARN|ERROR)\b/.test(line));
  }

  get log() {
    return this.#log;
  }
}
