// What floats above the page: menus beside a control, and questions that must be answered first.

import { h, icon, freshId } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const GAP = 4;
const MARGIN = 8;
const TALLEST = 440;

function place(panel, anchor) {
  const box = anchor.getBoundingClientRect();
  const below = window.innerHeight - box.bottom - GAP - MARGIN;
  const above = box.top - GAP - MARGIN;
  const wanted = Number(panel.dataset.wanted ?? Math.min(panel.scrollHeight, TALLEST));
  const upwards = below < wanted && above > below;
  panel.style.setProperty("max-height", `${Math.max(120, Math.min(TALLEST, upwards ? above : below))}px`);
  const left = Math.min(box.left, window.innerWidth - panel.offsetWidth - MARGIN);
  panel.style.setProperty("left", `${Math.max(MARGIN, left)}px`);
  panel.style.setProperty("top", upwards ? `${box.top - GAP - panel.offsetHeight}px` : `${box.bottom + GAP}px`);
}

/** A panel beside `anchor` that closes on Escape, on a press elsewhere and when focus leaves it. Returns its close. */
export function float(panel, anchor, { onClose = () => {} } = {}) {
  const home = anchor.closest("dialog") ?? document.body;
  panel.classList.add("float");
  panel.popover = "manual";
  home.append(panel);
  panel.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place(panel, anchor);
  const stop = new AbortController();
  const close = ({ refocus = true } = {}) => {
    if (stop.signal.aborted) return;
    stop.abort();
    panel.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (refocus && anchor.isConnected) anchor.focus();
    onClose();
  };
  const outside = (event) => !panel.contains(event.target) && !anchor.contains(event.target);
  const listen = (target, type, listener, options = {}) =>
    target.addEventListener(type, listener, { signal: stop.signal, ...options });
  listen(document, "pointerdown", (event) => outside(event) && close({ refocus: false }), { capture: true });
  listen(panel, "focusout", (event) => event.relatedTarget && outside({ target: event.relatedTarget }) && close({ refocus: false }));
  listen(panel, "keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  listen(window, "resize", () => place(panel, anchor));
  listen(document, "scroll", (event) => event.target !== panel && !panel.contains(event.target) && place(panel, anchor), { capture: true });
  return { close, replace: () => place(panel, anchor) };
}

/** A menu button's menu. Items: `{label, hint?, choose}`; labels are nodes or text. */
export function openMenu(anchor, label, items) {
  if (anchor.getAttribute("aria-expanded") === "true") return;
  const panel = h("div", { class: "menu", role: "menu", "aria-label": label });
  const floating = float(panel, anchor);
  const choose = (item) => {
    floating.close();
    item.choose();
  };
  const entries = items.map((item) =>
    h("button", { type: "button", class: "menu-item", role: "menuitem", tabindex: "-1", on: { click: () => choose(item) } },
      h("span", {}, item.label), item.hint ? h("span", { class: "hint" }, item.hint) : null));
  panel.append(...entries);
  floating.replace();
  panel.addEventListener("keydown", (event) => moveFocus(event, entries));
  entries[0]?.focus();
}

/** Arrow keys, Home and End among `entries`. */
export function moveFocus(event, entries) {
  const at = entries.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (to === undefined || entries.length === 0) return;
  event.preventDefault();
  entries[(to + entries.length) % entries.length].focus();
}

/** Asks a confirmation object of Block Kit; resolves to whether it was confirmed. Without one: true. */
export function confirmed(question, context) {
  if (!question) return Promise.resolve(true);
  const id = freshId("confirm");
  const danger = question.style === "danger";
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "dialog dialog-small", role: "alertdialog", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text` });
    const answer = (value) => {
      dialog.close();
      dialog.remove();
      resolve(value);
    };
    const yes = h("button", { type: "button", class: danger ? "button button-danger-solid" : "button button-primary", on: { click: () => answer(true) } },
      textObject(question.confirm, context));
    const no = h("button", { type: "button", class: "button", on: { click: () => answer(false) } }, textObject(question.deny, context));
    dialog.append(
      h("header", { class: "dialog-head" }, h("h2", { id: `${id}-title` }, textObject(question.title, context)),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", on: { click: () => answer(false) } }, icon("close"))),
      h("div", { class: "dialog-body", id: `${id}-text` }, textObject(question.text, context)),
      h("footer", { class: "dialog-foot" }, no, yes),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      answer(false);
    });
    document.body.append(dialog);
    dialog.showModal();
    (danger ? no : yes).focus();
  });
}

const REGION = () => document.getElementById("toasts");

/** A passing remark of the page itself, not of Slack or of the bot. */
export function toast(text, { tone = "info" } = {}) {
  const note = h("div", { class: `toast toast-${tone}`, role: tone === "bad" ? "alert" : "status" }, text);
  const region = REGION();
  region.append(note);
  if (region.popover !== undefined && region.matches(":popover-open")) region.hidePopover();
  region.showPopover?.();
  window.setTimeout(() => {
    note.remove();
    if (region.childElementCount === 0) region.hidePopover?.();
  }, 5000);
}
