// One program of qucan under test: started, waited for, stopped or killed, its log kept. None outlives the test.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const catalogueOf = (region) => fileURLToPath(new URL(`../../examples/catalog-${region}.json`, import.meta.url));

/**
 * A region's catalogue, changed by `change`, as a file in a directory. Its business days began eight hours ago, whatever the hour is
 * now: no test runs from one day into the next.
 */
export function catalogueFile(directory, region, change = () => {}) {
  const catalogue = JSON.parse(readFileSync(catalogueOf(region), "utf8"));
  for (const store of catalogue.stores) store.business_day_starts = new Date().toISOString().slice(11, 16); // in Shanghai, eight hours ahead
  change(catalogue);
  const file = join(directory, `catalog-${region}.json`);
  writeFileSync(file, JSON.stringify(catalogue));
  return file;
}

let turn = process.pid * 7;

/**
 * A port on which nobody listens, below those that the system hands out to connections: a browser may have one of these just
 * when a killed program wants to come back to it.
 */
export async function freePort() {
  for (;;) {
    const port = 12_000 + (turn++ % 20_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A directory that goes with the test, whatever ends it. */
export function temporaryDirectory(name) {
  const directory = mkdtempSync(join(tmpdir(), `qucan-${name}-`));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}

const READY_WITHIN_MS = 60_000;
const ANSWERS_WITHIN_MS = 5_000;
const STOPS_WITHIN_MS = 10_000;

/** All that a test started, for their logs. */
export const programs = [];

/** Those that run. Whatever ends a test, it takes them with it. */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Program {
  #binary;
  #arguments;
  #process = null;
  #log = "";

  constructor(binary, options, url) {
    this.#binary = binary;
    this.#arguments = options;
    this.url = url;
    programs.push(this);
  }

  async up() {
    const over = this.begin();
    const end = Date.now() + READY_WITHIN_MS;
    // Asking whether it is ready is the only way to know it from outside.
    for (;;) {
      if (over()) throw new Error(`${this.#arguments[0]} ended before it was ready:\n${this.#log}`);
      if (Date.now() > end) throw new Error(`${this.#arguments[0]} is not ready after ${READY_WITHIN_MS} ms:\n${this.#log}`);
      try {
        if ((await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })).ok) return;
      } catch {
        // not listening yet
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Starts it without waiting until it is ready; the answer says whether it is over. */
  begin() {
    const child = spawn(this.#binary, this.#arguments, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (this.#log += data));
    let ended = false;
    child.once("exit", () => {
      ended = true;
      running.delete(child);
    });
    return () => ended;
  }

  /** Stops it as an operator would. */
  async down(signal = "SIGTERM") {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const hard = setTimeout(() => child.kill("SIGKILL"), STOPS_WITHIN_MS);
    await over;
    clearTimeout(hard);
  }

  /** Ends it as a power cut would. */
  kill() {
    return this.down("SIGKILL");
  }

  /** What it complained about; nothing here gives it a reason to. */
  get complaints() {
    return this.#log.split("\n").filter((line) => /\b(WARN|ERROR)\b/.test(line));
  }

  get log() {
    return this.#log;
  }

  get name() {
    return `${this.#arguments[0]} ${this.url}`;
  }
}
