// The node under test: the real binary, on a free port, with a temporary data directory and the east catalogue.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogueFile, freePort, Program, temporaryDirectory } from "./program.mjs";

export class Node {
  #program = null;
  #directory = temporaryDirectory("browser");
  #config = "";

  /** `change` is given the catalogue before it is written, `pictures` is a folder of pictures. */
  static async start(binary, { mode = "sandbox", change, pictures } = {}) {
    const node = new Node();
    node.catalogue = catalogueFile(node.#directory, "east", change);
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
catalog = "${node.catalogue}"
${pictures ? `pictures_dir = "${pictures}"\n` : ""}
[auth]
hs256_secret_file = "${secret}"
`);
    node.#program = new Program(binary, ["node", "--config", node.#config], node.url);
    try {
      await node.up();
    } catch (error) {
      await node.end();
      throw error;
    }
    return node;
  }

  up() {
    return this.#program.up();
  }

  /** A token as the operator makes one. */
  token(...options) {
    return execFileSync(this.binary, ["token", "--config", this.#config, ...options], { encoding: "utf8" }).trim();
  }

  /** Stops it as an operator would. */
  down() {
    return this.#program.down();
  }

  /** Ends it as a power cut would. */
  kill() {
    return this.#program.kill();
  }

  async end() {
    await this.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** What it complained about; nothing here gives it a reason to. */
  get complaints() {
    return this.#program.complaints;
  }
}
