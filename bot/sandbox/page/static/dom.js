// Building elements. Text only ever enters the page as text nodes or through checked attributes.

const BOOLEAN = new Set(["disabled", "hidden", "checked", "multiple", "required", "readonly", "open", "autofocus"]);

/** An element; `props` may hold attributes, `class`, `on` (listeners), `data` (data-*) and `style` (CSSOM). */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, css] of Object.entries(value)) element.style.setProperty(key, css);
    else if (BOOLEAN.has(name)) element.toggleAttribute(name, Boolean(value));
    else element.setAttribute(name, value === true ? "true" : String(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/** The address if it is one a link may lead to, else null: never `javascript:` or `data:`. */
export function safeHref(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:", "slack:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(address, ...children) {
  const href = safeHref(address);
  if (href === null) return h("span", {}, ...children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

let counter = 0;
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  hash: "M6.5 2.5 5 13.5M11 2.5 9.5 13.5M2.8 5.8h11M2.2 10.2h11",
  lock: "M4 7.2h8v6H4zM5.6 7V5a2.4 2.4 0 0 1 4.8 0v2",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  close: "M3.8 3.8l8.4 8.4M12.2 3.8l-8.4 8.4",
  back: "M9.8 3.2 5 8l4.8 4.8",
  chevron: "M4 6.2 8 10l4-3.8",
  send: "M2.8 8 2.4 2.8 14 8 2.4 13.2 2.8 8Zm0 0h5.4",
  eye: "M1.5 8S4 3.6 8 3.6 14.5 8 14.5 8 12 12.4 8 12.4 1.5 8 1.5 8Zm6.5 1.9a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8Z",
  bolt: "M8.8 1.8 3.4 9h4l-.6 5.2L12.4 7h-4z",
  check: "M3 8.6 6.4 12 13 4.6",
  menu: "M2.5 4.2h11M2.5 8h11M2.5 11.8h11",
  home: "M2.6 7.4 8 2.8l5.4 4.6M4.2 6.4v6.8h7.6V6.4",
  copy: "M5.6 5.6h7.2v7.2H5.6zM10.4 5.4V3.2H3.2v7.2h2.2",
  server: "M2.8 3h10.4v4H2.8zM2.8 9h10.4v4H2.8zM5 5h.01M5 11h.01",
  warn: "M8 2.4 14.4 13.4H1.6zM8 6.6v3M8 11.6h.01",
  people: "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8ZM2.9 13.6c.4-2.5 2.4-3.8 5.1-3.8s4.7 1.3 5.1 3.8",
};

/** A line icon, hidden from screen readers: what it means stands beside it or in the button's label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon", `icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
