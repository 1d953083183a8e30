// A list of messages that is kept current: what has not changed is left alone, so that focus and scroll stay.

import { drawBody } from "./blocks.js";
import { dayKeyOf, dayNameOf, exactTimeOf, momentOf, timeOf } from "./dates.js";
import { h, icon, replace } from "./dom.js";
import { openMenu } from "./overlay.js";
import { avatar, kindOf } from "./people.js";
import { mrkdwn } from "./mrkdwn.js";

const SLACKBOT = { id: "USLACKBOT", name: "slackbot", real_name: "Slackbot", kind: "bot" };
const TOGETHER_MS = 5 * 60_000;

const keyOf = (message) => `${message.ts}${message.is_ephemeral || message.is_notice ? "-private" : ""}`;

function follows(message, previous, zone) {
  return Boolean(previous) && previous.user === message.user && previous.is_command === message.is_command
    && !message.is_command && !message.is_ephemeral && !previous.is_ephemeral && !message.is_notice && !previous.is_notice
    && !message.reply_count && !previous.reply_count && !message.is_broadcast
    && momentOf(message.ts) - momentOf(previous.ts) < TOGETHER_MS && dayKeyOf(message.ts, zone) === dayKeyOf(previous.ts, zone);
}

/** Rows of a list: day separators and messages, each with a key and a signature of all that it shows. */
function rowsOf(messages, zone, withDays) {
  const rows = [];
  messages.forEach((message, index) => {
    const previous = messages[index - 1];
    const isNewDay = withDays && (!previous || dayKeyOf(previous.ts, zone) !== dayKeyOf(message.ts, zone));
    if (isNewDay) rows.push({ key: `day-${dayKeyOf(message.ts, zone)}`, day: dayNameOf(message.ts, zone), signature: dayNameOf(message.ts, zone) });
    const compact = !isNewDay && follows(message, previous, zone);
    rows.push({ key: keyOf(message), message, compact, signature: JSON.stringify([message, compact]) });
  });
  return rows;
}

/** Draws messages into `list`. `host`: {context, surfaceOf(message), openThread(message), dismiss(message), shortcuts, runShortcut}. */
export class MessageList {
  #rows = new Map();

  constructor(list, host, { inThread = false } = {}) {
    this.list = list;
    this.host = host;
    this.inThread = inThread;
  }

  clear() {
    this.#rows.clear();
    this.list.replaceChildren();
  }

  draw(messages) {
    const rows = rowsOf(messages, this.host.context.zone, !this.inThread);
    const focused = focusIn(this.list);
    const kept = new Map();
    rows.forEach((row, index) => {
      const known = this.#rows.get(row.key);
      const element = known?.signature === row.signature ? known.element : this.#row(row);
      kept.set(row.key, { signature: row.signature, element });
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
    this.#rows = kept;
    focused?.();
  }

  #row(row) {
    if (row.day) return h("li", { class: "day", role: "separator", "aria-label": row.day }, h("span", {}, row.day));
    return message(row, this.host, this.inThread);
  }
}

/** Remembers which control of which message has focus; the returned function gives it back after a redraw. */
function focusIn(list) {
  const active = document.activeElement;
  const row = active?.closest?.("[data-key]");
  if (!row || !list.contains(row)) return null;
  const { key } = row.dataset;
  const place = [...row.querySelectorAll("button, input, textarea, a")].indexOf(active);
  return () => {
    if (active.isConnected) return;
    const now = list.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const controls = [...(now?.querySelectorAll("button, input, textarea, a") ?? [])];
    (controls[place] ?? now)?.focus?.();
  };
}

function message({ message: one, compact, key }, host, inThread) {
  const { zone } = host.context;
  const author = one.is_notice ? SLACKBOT : host.context.person(one.user) ?? { id: one.user, name: one.user, real_name: one.user, kind: "member" };
  const classes = ["message", compact ? "is-compact" : "", one.is_ephemeral || one.is_notice ? "is-private" : "", one.is_notice ? "is-notice" : ""];
  const time = h("time", { class: "message-time", title: exactTimeOf(one.ts, zone), datetime: momentOf(one.ts).toISOString() }, timeOf(one.ts, zone));
  return h("li", { class: classes.filter(Boolean).join(" "), data: { key }, tabindex: "-1" },
    h("div", { class: "message-side" }, compact ? time : avatar(author)),
    h("div", { class: "message-main" },
      one.is_ephemeral || one.is_notice ? h("div", { class: "private-line" }, icon("eye"), "Only visible to you") : null,
      one.is_broadcast ? h("div", { class: "private-line" }, "Replied to a thread") : null,
      compact ? null : h("div", { class: "message-head" }, h("span", { class: "author" }, author.real_name || author.name),
        one.is_bot || one.is_notice ? h("span", { class: "tag" }, "App") : authorTag(author), time),
      body(one, host),
      !inThread && one.reply_count ? threadLine(one, host) : null),
    tools(one, host, inThread));
}

function authorTag(author) {
  const kind = kindOf(author);
  return kind ? h("span", { class: "tag tag-quiet" }, kind) : null;
}

function body(one, host) {
  if (one.is_deleted) return h("div", { class: "tombstone" }, "This message was deleted.");
  if (one.is_command) return h("div", { class: "typed-command" }, h("code", {}, one.text));
  if (one.is_notice) return h("div", { class: "block" }, mrkdwn(one.text, host.context));
  return h("div", { class: "message-body" }, drawBody(one, host.surfaceOf(one)));
}

function threadLine(one, host) {
  const count = `${one.reply_count} ${one.reply_count === 1 ? "reply" : "replies"}`;
  const latest = one.latest_reply ? ` · last at ${timeOf(one.latest_reply, host.context.zone)}` : "";
  return h("button", { type: "button", class: "thread-line", on: { click: () => host.openThread(one) } }, h("strong", {}, count), h("span", { class: "hint" }, latest));
}

function tools(one, host, inThread) {
  if (one.is_deleted) return null;
  if (one.is_ephemeral || one.is_notice) {
    return h("div", { class: "message-tools is-always" }, h("button", { type: "button", class: "text-button", on: { click: () => host.dismiss(one) } }, "Dismiss"));
  }
  if (one.is_command) return null;
  const shortcuts = host.shortcuts();
  const more = h("button", { type: "button", class: "icon-button", "aria-label": "More message actions", "aria-haspopup": "menu", "aria-expanded": "false" }, icon("more"));
  more.addEventListener("click", () => openMenu(more, "Message shortcuts", shortcuts.map((shortcut) => ({
    label: shortcut.name, choose: () => host.runShortcut(shortcut.callback_id, one) }))));
  return h("div", { class: "message-tools" },
    inThread ? null : h("button", { type: "button", class: "text-button", on: { click: () => host.openThread(one) } }, "Reply in thread"),
    shortcuts.length ? more : null);
}

/** Keeps a scrolling pane at its end while it is there; otherwise `pill` tells that something new has come. */
export class Stick {
  #atEnd = true;

  constructor(pane, pill) {
    this.pane = pane;
    this.pill = pill;
    pane.addEventListener("scroll", () => {
      this.#atEnd = this.#isAtEnd();
      if (this.#atEnd) pill.hidden = true;
    }, { passive: true });
    pill.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(pane);
  }

  #isAtEnd() {
    return this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight < 48;
  }

  toEnd() {
    this.#atEnd = true;
    this.pill.hidden = true;
    this.pane.scrollTop = this.pane.scrollHeight;
  }

  after(draw, { isNew }) {
    const before = this.pane.scrollTop;
    draw();
    if (!this.#atEnd) {
      this.pane.scrollTop = before;
      this.#atEnd = this.#isAtEnd(); // what was drawn may be shorter than before
    }
    if (this.#atEnd) this.toEnd();
    else if (isNew) this.pill.hidden = false;
  }
}

export function emptyState(list, title, text) {
  replace(list, h("li", { class: "empty" }, h("strong", {}, title), h("span", {}, text)));
}
