// The live line: server-sent events read with fetch, because EventSource can't send a token. Reconnects by itself, with
// growing, jittered pauses; a line that says nothing is as good as cut. It knows nothing of what the messages mean.

/** A message longer than this is not one of ours. */
const MESSAGE_CHARS_MAX = 4 * 1024 * 1024;
/** The centre speaks at least every 5 s. */
const SILENCE_MS = 12_000;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 15_000;
/** How long a page nobody looks at stays connected. */
const HIDDEN_MS = 60_000;

/** Takes apart a stream of server-sent events; `feed(text)` gives the messages that are complete. */
export class EventParser {
  #rest = "";
  #event = "";
  /** @type {string[]} */
  #data = [];
  #size = 0;
  lastId = "";

  /** @param {string} text @returns {{event: string, data: string}[]} */
  feed(text) {
    /** @type {{event: string, data: string}[]} */
    const found = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line, found);
    if (this.#rest.length + this.#size > MESSAGE_CHARS_MAX) throw new Error("a message has no end");
    return found;
  }

  /** @param {string} line @param {{event: string, data: string}[]} found */
  #line(line, found) {
    if (line === "") {
      if (this.#data.length > 0) found.push({ event: this.#event || "message", data: this.#data.join("\n") });
      this.#event = "";
      this.#data = [];
      this.#size = 0;
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "id") this.lastId = value;
    else if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    }
  }
}

/** `state` is `idle`, `connecting`, `live`, `lost`, `refused` or `asleep`; `lastHeard` is when the last message came. */
export class Stream {
  #path;
  #tokens;
  #message;
  #changed;
  /** @type {AbortController | null} */
  #control = null;
  #timer = 0;
  #hidden = 0;
  #attempts = 0;
  #lastByte = 0;
  #lastId = "";

  /**
   * `message` is given every event with its data, `changed` every state.
   * @param {string} path @param {Tokens} tokens @param {{ message: (event: string, data: any) => void, changed: (state: string) => void }} told
   */
  constructor(path, tokens, { message, changed }) {
    this.#path = path;
    this.#tokens = tokens;
    this.#message = message;
    this.#changed = changed;
    this.state = "idle";
    /** @type {number | null} */
    this.lastHeard = null;
    this.refusal = 0;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#control?.abort());
    document.addEventListener("visibilitychange", () => this.#visibility());
  }

  start() {
    this.stop();
    this.#attempts = 0;
    this.#set(this.lastHeard === null ? "connecting" : "lost");
    this.#run();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const control = this.#control;
    this.#control = null;
    control?.abort();
    this.#set("idle");
  }

  /** @param {string} state */
  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.#changed(state);
  }

  async #run() {
    const control = new AbortController();
    this.#timer = 0;
    this.#control = control;
    this.#lastByte = Date.now();
    let refused = 0;
    try {
      refused = await this.#read(control);
    } catch {
      // the line is cut: what was shown stays, with its age
    }
    if (this.#control !== control) return; // stopped, or begun anew
    this.#control = null;
    if (refused === 401 && (await this.#tokens.renew())) return void this.#run();
    if (refused) {
      this.refusal = refused;
      return this.#set("refused");
    }
    this.#set("lost");
    const pause = Math.min(PAUSE_MS * 2 ** this.#attempts, PAUSE_MAX_MS) * (0.5 + Math.random());
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#run(), pause);
  }

  /** Reads until the line ends; gives 401 or 403 when the centre doesn't want this reader. @param {AbortController} control */
  async #read(control) {
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream", authorization: `Bearer ${this.#tokens.get()}` };
    if (this.#lastId) headers["last-event-id"] = this.#lastId;
    const response = await fetch(this.#path, { headers, signal: control.signal, cache: "no-store", credentials: "omit" });
    if (response.status === 401 || response.status === 403) return response.status;
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.#control !== control) return 0;
      this.#lastByte = Date.now();
      const messages = parser.feed(value);
      this.#lastId = parser.lastId;
      for (const { event, data } of messages) this.#take(event, data);
    }
  }

  /** @param {string} event @param {string} data */
  #take(event, data) {
    this.lastHeard = Date.now();
    this.#attempts = 0;
    this.#message(event, JSON.parse(data));
    this.#set("live");
  }

  #watch() {
    if (this.#control && Date.now() - this.#lastByte > SILENCE_MS) this.#control.abort();
  }

  #hurry() {
    if (this.#timer === 0) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#run();
  }

  /** A page that nobody looks at lets the line go after a while, and takes it up when it is looked at again. */
  #visibility() {
    clearTimeout(this.#hidden);
    if (document.visibilityState === "visible") {
      if (this.state === "asleep") this.start();
      else this.#hurry();
    } else if (this.state === "live" || this.state === "lost") {
      this.#hidden = setTimeout(() => {
        this.stop();
        this.#set("asleep");
      }, HIDDEN_MS);
    }
  }
}
