// The page: what is looked at, by whom, and the joining of its parts to the sandbox.

import { Composer } from "./composer.js";
import { h, icon, replace } from "./dom.js";
import { drawBlocks } from "./blocks.js";
import { follow, gesture } from "./live.js";
import { emptyState, MessageList, Stick } from "./messages.js";
import { Modal } from "./modal.js";
import { openMenu, toast } from "./overlay.js";
import { drawLists, drawPerson, ReadMarks } from "./sidebar.js";
import { Strip } from "./strip.js";
import { Values } from "./values.js";

const boot = JSON.parse(document.getElementById("boot").textContent);
const at = (id) => document.getElementById(id);

/** Puts the cursor where one writes, except on a touch screen, where that would open the keyboard. */
function focusField(composer) {
  if (window.matchMedia("(pointer: fine)").matches) composer.field.focus({ preventScroll: true });
}

class Page {
  snapshot = null;
  place = { kind: "channel", id: null };
  thread = null;
  isLive = false;
  #isPressing = false;
  #isBehind = false;
  #values = new Map();
  #dismissed = new Set();
  #stop = () => {};

  constructor() {
    this.marks = new ReadMarks();
    this.marks.restore();
    this.context = this.#context();
    const host = this.#messageHost();
    this.list = new MessageList(at("messages"), host);
    this.stick = new Stick(at("pane"), at("pane-pill"));
    this.threadList = new MessageList(at("thread-messages"), host, { inThread: true });
    this.threadStick = new Stick(at("thread-pane"), at("thread-pill"));
    this.modal = new Modal({
      context: this.context,
      surfaceOf: (view) => this.#surface(`view:${view.id}`, { view_id: view.id }, view),
      submit: (view, values) => this.#gesture("submits", { view_id: view.id, values }),
      close: (view, wholeStack) => this.#gesture("closes", { view_id: view.id, whole_stack: wholeStack }),
    });
    this.strip = new Strip({ servers: at("servers"), status: at("status"), faults: at("faults") });
    this.strip.drawServers(boot.servers);
    this.composer = new Composer(at("composer"), this.#composerHost(false));
    this.threadComposer = new Composer(at("thread-composer"), this.#composerHost(true));
    this.#shortcuts();
    at("thread-close").addEventListener("click", () => this.openThread(null));
    at("menu").addEventListener("click", () => this.#showSide(!document.body.classList.contains("side-open")));
    at("side-veil").addEventListener("click", () => this.#showSide(false));
    document.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.#showSide(false));
    window.addEventListener("hashchange", () => this.#fromAddress());
    this.#waitForPresses();
    this.#fromAddress();
  }

  /** A press whose button is drawn anew before it is released would be lost: what changed meanwhile shows after it. */
  #waitForPresses() {
    const release = () => {
      this.#isPressing = false;
      if (this.#isBehind) this.draw();
    };
    document.addEventListener("pointerdown", (event) => { this.#isPressing = event.isPrimary && event.button === 0; });
    document.addEventListener("click", () => {
      this.#isPressing = false;
      setTimeout(release);
    }, { capture: true });
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(release));
  }

  #context() {
    const page = this;
    const named = (list, id) => list.find((one) => one.id === id);
    return {
      get zone() { return page.snapshot.me.time_zone; },
      person: (id) => named(page.snapshot.people, id),
      personName: (id) => named(page.snapshot.people, id)?.real_name ?? null,
      groupHandle: (id) => named(page.snapshot.groups, id)?.handle ?? null,
      channelName: (id) => named(page.snapshot.channels, id)?.name ?? null,
      openChannel: (id) => (named(page.snapshot.channels, id) ? page.go({ kind: "channel", id }) : toast("You can't see that channel.", { tone: "bad" })),
    };
  }

  #messageHost() {
    const place = (message) => ({ channel: message.channel, ts: message.ts });
    return {
      context: this.context,
      surfaceOf: (message) => this.#surface(`message:${message.channel}:${message.ts}`, place(message), null),
      openThread: (message) => this.openThread(message.thread_ts ?? message.ts),
      dismiss: (message) => {
        this.#dismissed.add(`${message.channel}/${message.ts}`);
        this.draw();
      },
      shortcuts: () => this.snapshot.app.shortcuts.filter((one) => one.type === "message"),
      runShortcut: (callbackId, message) => this.#gesture("message_shortcut", { callback_id: callbackId, surface: place(message) }),
    };
  }

  #composerHost(isThread) {
    return {
      isThread,
      personId: () => this.person,
      commands: () => this.snapshot?.app.commands ?? [],
      mention: () => `@${this.snapshot?.app.name ?? ""}`,
      examples: () => boot.examples,
      type: (command, words) => this.#gesture("types", { channel: this.place.id, text: words, command }).then(() => this.stick.toEnd()),
      say: (text) => this.#gesture("says", { channel: this.place.id, text, thread_ts: isThread ? this.thread : null })
        .then(() => (isThread ? this.threadStick : this.stick).toEnd()),
    };
  }

  #surface(key, address, view) {
    if (!this.#values.has(key)) this.#values.set(key, new Values());
    return {
      key, context: this.context, values: this.#values.get(key), state: view?.state, errors: view?.errors,
      activate: (blockId, actionId, value) => this.#gesture("activates", { surface: address, block_id: blockId, action_id: actionId, value }),
      suggest: async (blockId, actionId, typed) =>
        (await this.#gesture("suggests", { surface: address, block_id: blockId, action_id: actionId, text: typed })).options,
    };
  }

  async #gesture(name, details) {
    const result = await gesture(this.person, name, details);
    if (result.shown === "client_refused") toast(result.text ?? "That isn't possible.", { tone: "bad" });
    return result;
  }

  #shortcuts() {
    const button = h("button", { type: "button", class: "icon-button", "aria-label": "Shortcuts", "aria-haspopup": "menu", "aria-expanded": "false", hidden: true }, icon("bolt"));
    button.addEventListener("click", () => openMenu(button, "Shortcuts", this.#globalShortcuts().map((shortcut) => ({
      label: shortcut.name, choose: () => this.#gesture("shortcut", { callback_id: shortcut.callback_id }) }))));
    this.composer.extras.append(button);
    this.shortcutButton = button;
  }

  #globalShortcuts() {
    return this.snapshot?.app.shortcuts.filter((one) => one.type === "global") ?? [];
  }

  // Where one is stands in the address, so that a reload and a second window keep their person and place.

  #fromAddress() {
    const [person, place, thread] = window.location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
    const known = boot.people.includes(person) ? person : boot.people[0];
    this.place = place === "home" ? { kind: "home" } : { kind: "channel", id: place || boot.channel };
    this.thread = thread || null;
    if (known !== this.person) this.#become(known);
    else this.#arrive();
  }

  #toAddress() {
    const parts = [this.person, this.place.kind === "home" ? "home" : this.place.id, this.thread].filter(Boolean);
    const hash = `#/${parts.map(encodeURIComponent).join("/")}`;
    if (window.location.hash !== hash) window.history.pushState(null, "", hash);
  }

  #become(person) {
    this.#stop();
    this.person = person;
    this.snapshot = null;
    this.#values.clear();
    this.list.clear();
    this.threadList.clear();
    this.modal.draw(null, 0);
    let isFirst = true;
    this.#stop = follow(person, {
      changed: (parts) => {
        this.#merge(parts);
        if (isFirst) {
          this.#arrive();
          focusField(this.composer);
        } else this.draw();
        isFirst = false;
      },
      stateChanged: (isLive) => {
        this.isLive = isLive;
        this.strip.drawStatus({ isLive, app: this.snapshot?.app });
      },
    });
  }

  #merge(parts) {
    const { channels: changed, channel_order: order, ...rest } = parts;
    const known = new Map(this.snapshot?.channels.map((channel) => [channel.id, channel]) ?? []);
    for (const channel of changed ?? []) known.set(channel.id, channel);
    const ids = order ?? [...known.keys()];
    this.snapshot = { ...this.snapshot, ...rest, channels: ids.map((id) => known.get(id)) };
  }

  #arrive() {
    if (!this.snapshot) return;
    const channel = this.#channel();
    if (this.place.kind === "channel" && !channel) this.place = { kind: "channel", id: this.#firstChannel() };
    if (this.place.kind === "home") void this.#gesture("opens_home", { tab: this.snapshot.app.home_enabled ? "home" : "messages" });
    this.list.clear();
    this.threadList.clear();
    this.#toAddress();
    this.draw();
    this.stick.toEnd();
    this.threadStick.toEnd();
  }

  #firstChannel() {
    return (this.snapshot.channels.find((channel) => channel.is_member) ?? this.snapshot.channels[0])?.id ?? null;
  }

  go(place) {
    this.place = place;
    this.thread = null;
    this.#showSide(false);
    this.#arrive();
    if (place.kind === "channel") focusField(this.composer);
  }

  openThread(ts) {
    this.thread = ts;
    this.threadList.clear();
    this.#toAddress();
    this.draw();
    this.threadStick.toEnd();
    focusField(ts ? this.threadComposer : this.composer);
  }

  #showSide(is) {
    document.body.classList.toggle("side-open", is);
    at("menu").setAttribute("aria-expanded", String(is));
  }

  #channel() {
    return this.place.kind === "channel" ? this.snapshot.channels.find((one) => one.id === this.place.id) : undefined;
  }

  #direct() {
    const { channels, app } = this.snapshot;
    return channels.find((one) => one.kind === "im" && one.members.includes(app.bot_user));
  }

  #visible(messages) {
    return messages.filter((message) => !this.#dismissed.has(`${message.channel}/${message.ts}`));
  }

  draw() {
    if (!this.snapshot) return;
    this.#isBehind = this.#isPressing;
    if (this.#isPressing) return;
    const { snapshot } = this;
    // An app without a Home is opened at its direct conversation, which the opening makes.
    const direct = this.#direct();
    if (this.place.kind === "home" && !snapshot.app.home_enabled && direct) this.place = { kind: "channel", id: direct.id };
    const channel = this.#channel();
    if (channel) this.marks.mark(this.person, channel.id, channel.messages.at(-1)?.ts ?? "0");
    at("team").textContent = snapshot.team.name;
    document.title = `${channel ? `#${channel.name}` : snapshot.app.name} · ${snapshot.team.name} (sandbox)`;
    drawLists(at("lists"), { snapshot, place: this.place, marks: this.marks }, (place) => this.go(place));
    drawPerson(at("person"), { snapshot, roles: boot.roles }, (person) => {
      window.location.hash = `#/${encodeURIComponent(person)}/${this.place.kind === "home" ? "home" : encodeURIComponent(this.place.id)}`;
    });
    this.strip.drawStatus({ isLive: this.isLive, app: snapshot.app });
    this.strip.drawFaults(snapshot.faults);
    this.shortcutButton.hidden = this.#globalShortcuts().length === 0;
    at("main").classList.toggle("is-home", this.place.kind === "home");
    if (this.place.kind === "home") this.#drawHome();
    else if (channel) this.#drawChannel(channel);
    this.#drawThread(channel);
    this.modal.draw(snapshot.modal, snapshot.modal_depth);
  }

  #drawChannel(channel) {
    const isApp = channel.kind === "im" && channel.members.includes(this.snapshot.app.bot_user);
    const marks = [[channel.is_archived, "archived"], [channel.is_read_only, "read-only"], [channel.is_ext_shared, "shared with another organisation"],
      [!channel.bot_is_member && channel.kind !== "im", "the bot isn't a member"]];
    replace(at("title"), channel.kind === "im" ? null : icon(channel.kind === "private" ? "lock" : "hash"), channel.name,
      marks.filter(([is]) => is).map(([, text]) => h("span", { class: "tag tag-quiet" }, text)));
    replace(at("tabs"), isApp && this.snapshot.app.home_enabled ? this.#tabs("messages", channel) : null);
    const messages = this.#visible(channel.messages);
    this.stick.after(() => {
      if (messages.length) this.list.draw(messages);
      else {
        this.list.clear();
        emptyState(at("messages"), `This is the beginning of ${channel.kind === "im" ? channel.name : `#${channel.name}`}`,
          this.snapshot.app.commands.length ? `Type ${this.snapshot.app.commands[0]} help to see what the bot can do.` : "Nothing has been said yet.");
      }
    }, { isNew: messages.at(-1)?.ts !== this.lastSeen });
    this.lastSeen = messages.at(-1)?.ts;
    const silent = !channel.is_member ? "You aren't a member of this channel" : channel.is_archived ? "This channel is archived" : null;
    const example = this.snapshot.app.commands[0];
    this.composer.set(silent ?? `Message ${channel.kind === "im" ? channel.name : `#${channel.name}`}${example ? ` or ${example} …` : ""}`, silent !== null);
  }

  #tabs(current, dm) {
    const tab = (name, label, place) => h("button", { type: "button", class: "tab", "aria-current": name === current ? "page" : null, on: { click: () => this.go(place) } }, label);
    return [tab("home", "Home", { kind: "home" }), dm ? tab("messages", "Messages", { kind: "channel", id: dm.id }) : null];
  }

  #drawHome() {
    const { app, home } = this.snapshot;
    replace(at("title"), app.name, h("span", { class: "tag" }, "App"));
    replace(at("tabs"), app.home_enabled ? this.#tabs("home", this.#direct()) : null);
    const signature = JSON.stringify([home?.id, home?.blocks, this.person]);
    if (signature === this.homeDrawn && at("home").childElementCount) return;
    this.homeDrawn = signature;
    const empty = h("div", { class: "empty" }, h("strong", {}, "Nothing here yet"), h("span", {}, `${app.name} hasn't published a Home for this person.`));
    replace(at("home"), h("div", { class: "home-inner" }, home ? drawBlocks(home.blocks, this.#surface(`view:${home.id}`, { view_id: home.id }, home)) : empty));
  }

  #drawThread(channel) {
    const root = channel && this.thread ? channel.messages.find((message) => message.ts === this.thread) : null;
    const replies = root ? this.#visible(channel.threads[this.thread] ?? []) : [];
    document.body.classList.toggle("has-thread", Boolean(root));
    at("thread").hidden = !root;
    if (!root) return;
    at("thread-place").textContent = channel.kind === "im" ? channel.name : `#${channel.name}`;
    this.threadStick.after(() => this.threadList.draw([root, ...replies]), { isNew: replies.at(-1)?.ts !== this.lastReply });
    this.lastReply = replies.at(-1)?.ts;
    this.threadComposer.set(channel.is_member ? "Reply" : "You aren't a member of this channel", !channel.is_member || channel.is_archived);
  }
}

new Page();
