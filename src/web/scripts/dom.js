// Building and updating elements. Whatever comes from outside becomes a text node or an attribute; nothing here ever
// parses HTML. `render` changes only what differs, so focus, scrolling and screen readers are left in peace.

const bound = new WeakMap(); // element -> { handlers: {type: function}, types: Set }
const lazy = new WeakMap(); // placeholder -> { version, build }
const versions = new WeakMap(); // element on the page that came from a placeholder -> version
const PROPERTIES = new Set(["value", "checked", "disabled"]);
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "circle", "rect", "line", "text"]);

/** @param {Event} event */
function dispatch(event) {
  bound.get(/** @type {Element} */ (event.currentTarget))?.handlers[event.type]?.(event);
}

/** @param {Element} node @param {Record<string, (event: any) => void>} handlers */
function bind(node, handlers) {
  const entry = bound.get(node) ?? { handlers: {}, types: new Set() };
  entry.handlers = handlers;
  for (const type of Object.keys(handlers)) {
    if (!entry.types.has(type)) {
      entry.types.add(type);
      node.addEventListener(type, dispatch);
    }
  }
  bound.set(node, entry);
}

/**
 * An element: `el("button", {class: "primary", onclick: f, disabled: true}, "text", child, …)`.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {Child[]} children @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const node = /** @type {any} */ (SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag));
  /** @type {Record<string, any>} */
  const handlers = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      if (value) handlers[name.slice(2)] = value;
    } else if (PROPERTIES.has(name) && !SVG_TAGS.has(tag)) {
      node[name] = value ?? "";
      if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    } else if (value !== undefined && value !== null && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  if (Object.keys(handlers).length > 0) bind(node, handlers);
  add(node, children);
  if (tag === "select" && attributes.value != null) node.value = attributes.value; // only now there are options
  return node;
}

/** @param {Element | DocumentFragment} node @param {Child[]} children */
function add(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(node, child);
    else if (child !== null && child !== undefined && child !== false) {
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
}

/**
 * A child that is built only when it is new or its version differs from the one shown: for long lists of which little changes.
 * @param {string} tag @param {string} key @param {string} version @param {() => Element} build
 */
export function memo(tag, key, version, build) {
  const node = document.createElement(tag);
  node.setAttribute("data-key", key);
  node.setAttribute("data-lazy", "");
  lazy.set(node, { version, build });
  return node;
}

/** Builds what a placeholder stands for. @param {Element} node */
function built(node) {
  const { version, build } = lazy.get(node);
  const fresh = build();
  fresh.setAttribute("data-key", /** @type {string} */ (node.getAttribute("data-key")));
  versions.set(fresh, version);
  return fresh;
}

/** A new part of the page, with everything built that it holds. @param {any} node */
function whole(node) {
  if (lazy.has(node)) return built(node);
  if (node.querySelectorAll) for (const part of node.querySelectorAll("[data-lazy]")) part.replaceWith(built(part));
  return node;
}

/**
 * Makes `container` hold exactly `children`, reusing what is there. Children with `data-key` are matched by it.
 * @param {Element} container @param {Child[]} children
 */
export function render(container, ...children) {
  const wanted = document.createDocumentFragment();
  add(wanted, children);
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  patchChildren(container, wanted);
  if (focused && focused !== document.activeElement && container.contains(focused)) focused.focus({ preventScroll: true });
}

/** @param {any} node @returns {string | null} */
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

/** @param {any} old @param {any} fresh */
function patchChildren(old, fresh) {
  const wantedNodes = [...fresh.childNodes];
  const wantedKeys = new Set(wantedNodes.map(keyOf));
  const keyed = new Map();
  for (const child of [...old.childNodes]) {
    const key = keyOf(child);
    if (key === null) continue;
    // What goes, goes first: then what stays need not be moved past it.
    if (wantedKeys.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let place = old.firstChild;
  for (const wanted of wantedNodes) {
    const key = keyOf(wanted);
    /** @type {any} */
    let match = null;
    if (key !== null) {
      match = keyed.get(key) ?? null;
      keyed.delete(key);
    } else if (place && keyOf(place) === null) {
      match = place;
    }
    if (match && match.nodeName === wanted.nodeName) {
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      const placeholder = lazy.get(wanted);
      if (!placeholder) patch(match, wanted);
      else if (versions.get(match) !== placeholder.version) {
        patch(match, built(wanted));
        versions.set(match, placeholder.version);
      }
    } else {
      old.insertBefore(whole(wanted), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** What is not of the drawing's making: a disclosure that was opened, a size that was measured. */
const KEPT_ATTRIBUTES = ["open", "style"];

/** @param {any} old @param {any} fresh */
function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT_ATTRIBUTES.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if ("disabled" in old) old.disabled = fresh.disabled;
  if (old.tagName === "INPUT" && (old.type === "checkbox" || old.type === "radio")) old.checked = fresh.checked;
  const handlers = bound.get(fresh)?.handlers;
  if (handlers || bound.has(old)) bind(old, handlers ?? {});
  patchChildren(old, fresh);
  // Not under the writer's hands: a field that has the focus keeps what was typed, and one whose value nobody draws keeps it always.
  if (["INPUT", "TEXTAREA", "SELECT"].includes(old.tagName) && old.type !== "checkbox" && old.type !== "radio" && old !== document.activeElement && fresh.hasAttribute("value") && old.value !== fresh.value) {
    old.value = fresh.value;
  }
}

const live = () => document.getElementById("live");

/** Tells a screen reader, without showing it. @param {string} text */
export function announce(text) {
  const node = live();
  if (!node) return;
  node.textContent = "";
  requestAnimationFrame(() => (node.textContent = text));
}

/** Takes away messages that were about what is no longer shown. */
export function clearNotices() {
  document.getElementById("notices")?.replaceChildren();
}

/** A short message at the foot of the page, read out too. @param {string} text @param {"" | "bad"} [kind] */
export function notice(text, kind = "") {
  const box = document.getElementById("notices");
  const node = el("p", { class: `notice ${kind}` }, text);
  box?.replaceChildren(node);
  setTimeout(() => node.remove(), kind === "bad" ? 9000 : 4000);
}

/**
 * A modal form. `build(close)` gives its content; resolves with what `close` was given, or null when dismissed.
 * Focus goes back to where it was.
 * @param {string} label
 * @param {(close: (value: any) => void, redraw: (...children: Child[]) => void) => Element} build
 * @returns {Promise<any>}
 */
export function ask(label, build) {
  return new Promise((resolve) => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    /** @type {any} */
    let result = null;
    const close = (/** @type {any} */ value) => {
      result = value;
      dialog.close();
    };
    const dialog = el("dialog", { "aria-label": label });
    dialog.append(build(close, (...children) => render(dialog, ...children)));
    dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Dismisses every dialog: the view that it belongs to is gone. */
export function dismissDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/**
 * Runs an async action once at a time: a second tap while it is under way does nothing.
 * @template {any[]} A @template R @param {(...args: A) => Promise<R>} action @returns {(...args: A) => Promise<R>}
 */
export function once(action) {
  /** @type {Promise<R> | null} */
  let running = null;
  return (...args) => {
    running ??= action(...args).finally(() => (running = null));
    return running;
  };
}
