// The left side: channels, direct messages, apps, and who one is.

import { h, icon, replace } from "./dom.js";
import { float, moveFocus } from "./overlay.js";
import { avatar, kindOf } from "./people.js";

/** What a person has read, per channel: the newest `ts`. Kept in this browser. */
export class ReadMarks {
  #marks = new Map();

  mark(person, channel, ts) {
    this.#marks.set(`${person}/${channel}`, ts);
    try {
      window.sessionStorage.setItem("read", JSON.stringify([...this.#marks]));
    } catch {
      // Without storage the marks last as long as the page.
    }
  }

  restore() {
    try {
      this.#marks = new Map(JSON.parse(window.sessionStorage.getItem("read") ?? "[]"));
    } catch {
      this.#marks = new Map();
    }
  }

  unread(person, channel) {
    const mark = this.#marks.get(`${person}/${channel.id}`) ?? "0";
    const fresh = channel.messages.filter((message) => message.ts > mark && message.user !== person && !message.is_notice);
    return { any: fresh.length > 0, mentions: fresh.filter((message) => message.mentions.includes(person)).length };
  }
}

function row({ label, iconName, selected, unread, quiet, open }) {
  const classes = ["side-row", selected ? "is-selected" : "", unread?.any ? "is-unread" : "", quiet ? "is-quiet" : ""];
  return h("li", {}, h("button", { type: "button", class: classes.filter(Boolean).join(" "), "aria-current": selected ? "page" : null, on: { click: open } },
    icon(iconName), h("span", { class: "side-name" }, label),
    unread?.any ? h("span", { class: "visually-hidden" }, "unread") : null,
    unread?.mentions ? h("span", { class: "badge", "aria-label": `${unread.mentions} mentions` }, String(unread.mentions)) : null));
}

/** Draws the lists. `state`: {snapshot, place, marks}; `go(place)` opens a channel or the Home. */
export function drawLists(root, { snapshot, place, marks }, go) {
  const { app, channels, me } = snapshot;
  const isAt = (channel) => place.kind === "channel" && place.id === channel.id;
  const entry = (channel) => row({
    label: channel.name, iconName: channel.kind === "private" ? "lock" : channel.kind === "im" ? "people" : "hash", selected: isAt(channel),
    unread: isAt(channel) ? null : marks.unread(me.id, channel), quiet: !channel.is_member || channel.is_archived, open: () => go({ kind: "channel", id: channel.id }),
  });
  const isApp = (channel) => channel.kind === "im" && channel.members.includes(app.bot_user);
  const dm = channels.find(isApp);
  const atApp = place.kind === "home" || (dm && isAt(dm));
  const heading = (text) => h("h2", { class: "side-heading" }, text);
  const others = channels.filter((channel) => channel.kind === "im" && !isApp(channel));
  replace(root,
    heading("Channels"), h("ul", {}, channels.filter((channel) => channel.kind !== "im").map(entry)),
    others.length ? [heading("Direct messages"), h("ul", {}, others.map(entry))] : null,
    heading("Apps"), h("ul", {}, row({ label: app.name, iconName: "server", selected: atApp, unread: dm && !atApp ? marks.unread(me.id, dm) : null,
      open: () => go(app.home_enabled || !dm ? { kind: "home" } : { kind: "channel", id: dm.id }) })));
}

function described(person, roles) {
  return roles[person.id] ?? kindOf(person) ?? "no role";
}

/** The switcher: who one acts as, and everybody one can be. */
export function drawPerson(root, { snapshot, roles }, become) {
  const { me } = snapshot;
  const button = h("button", { type: "button", class: "person-button", "aria-haspopup": "listbox", "aria-expanded": "false", data: { testid: "person" } },
    avatar(me), h("span", { class: "person-text" }, h("span", { class: "hint" }, "Acting as"), h("strong", {}, me.real_name), h("span", { class: "hint" }, described(me, roles))), icon("chevron"));
  button.addEventListener("click", () => choosePerson(button, { snapshot, roles }, become));
  replace(root, button);
}

function choosePerson(button, { snapshot, roles }, become) {
  if (button.getAttribute("aria-expanded") === "true") return;
  const people = snapshot.people.filter((person) => person.kind !== "bot");
  const panel = h("div", { class: "menu people-menu", role: "listbox", "aria-label": "Act as" });
  const floating = float(panel, button);
  const entries = people.map((person) => h("button", {
    type: "button", class: "menu-item person-item", role: "option", tabindex: "-1", "aria-selected": String(person.id === snapshot.me.id), data: { person: person.id },
    on: { click: () => {
      floating.close();
      become(person.id);
    } },
  }, avatar(person, { small: true }), h("span", { class: "person-text" }, h("strong", {}, person.real_name), h("span", { class: "hint" }, described(person, roles))),
  person.id === snapshot.me.id ? icon("check") : null));
  panel.append(...entries);
  panel.addEventListener("keydown", (event) => moveFocus(event, entries));
  floating.replace();
  (entries.find((entry) => entry.getAttribute("aria-selected") === "true") ?? entries[0])?.focus();
}
