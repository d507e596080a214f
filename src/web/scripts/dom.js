// Building and updating elements. Whatever comes from outside becomes a text node or an attribute; nothing here ever
// parses HTML. `render` changes only what differs, so focus, scrolling and screen readers are left in peace.

const bound = new WeakMap(); // element -> { handlers: {type: function}, types: Set }
const PROPERTIES = new Set(["value", "checked", "disabled"]);
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "circle", "rect", "line", "text"]);

function dispatch(event) {
  bound.get(event.currentTarget)?.handlers[event.type]?.(event);
}

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

/** An element: `el("button", {class: "primary", onclick: f, disabled: true}, "text", child, …)`. */
export function el(tag, attributes = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
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

function add(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(node, child);
    else if (child !== null && child !== undefined && child !== false) {
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
}

/** Makes `container` hold exactly `children`, reusing what is there. Children with `data-key` are matched by it. */
export function render(container, ...children) {
  const wanted = document.createDocumentFragment();
  add(wanted, children);
  const focused = document.activeElement;
  patchChildren(container, wanted);
  if (focused && focused !== document.activeElement && container.contains(focused)) focused.focus({ preventScroll: true });
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function patchChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.childNodes) {
    const key = keyOf(child);
    if (key !== null) keyed.set(key, child);
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
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
      patch(match, wanted);
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if ("disabled" in old) old.disabled = fresh.disabled;
  if (old.tagName === "INPUT" && (old.type === "checkbox" || old.type === "radio")) old.checked = fresh.checked;
  const handlers = bound.get(fresh)?.handlers;
  if (handlers || bound.has(old)) bind(old, handlers ?? {});
  patchChildren(old, fresh);
  // Not under the writer's hands: a field that has the focus keeps what was typed.
  if (["INPUT", "TEXTAREA", "SELECT"].includes(old.tagName) && old.type !== "checkbox" && old.type !== "radio" && old !== document.activeElement && old.value !== fresh.value) {
    old.value = fresh.value;
  }
}

const live = () => document.getElementById("live");

/** Tells a screen reader, without showing it. */
export function announce(text) {
  const node = live();
  if (!node) return;
  node.textContent = "";
  requestAnimationFrame(() => (node.textContent = text));
}

/** Takes away messages that were about what is no longer shown. */
export function clearNotices() {
  document.getElementById("notices").replaceChildren();
}

/** A short message at the foot of the page, read out too. */
export function notice(text, kind = "") {
  const box = document.getElementById("notices");
  const node = el("p", { class: `notice ${kind}` }, text);
  box.replaceChildren(node);
  setTimeout(() => node.remove(), kind === "bad" ? 9000 : 4000);
}

/**
 * A modal form. `build(close)` gives its content; resolves with what `close` was given, or null when dismissed.
 * Focus goes back to where it was.
 */
export function ask(label, build) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let result = null;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    const dialog = el("dialog", { "aria-label": label });
    dialog.append(build(close, (...children) => render(dialog, ...children)));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Runs an async action once at a time: a second tap while it is under way does nothing. */
export function once(action) {
  let running = null;
  return (...args) => {
    running ??= action(...args).finally(() => (running = null));
    return running;
  };
}
