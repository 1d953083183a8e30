// Where one types: messages, and commands with their suggestions.

import { freshId, h, icon, replace } from "./dom.js";
import { toast } from "./overlay.js";

const REMEMBERED = 30;

function recall(person) {
  try {
    return JSON.parse(window.localStorage.getItem(`typed:${person}`) ?? "[]");
  } catch {
    return [];
  }
}

function remember(person, line) {
  const lines = [line, ...recall(person).filter((one) => one !== line)].slice(0, REMEMBERED);
  try {
    window.localStorage.setItem(`typed:${person}`, JSON.stringify(lines));
  } catch {
    // Storage may be switched off; the page works without a memory.
  }
}

/** `host`: {personId(), commands(), mention(), examples(), type(command, words), say(text), isThread}. */
export class Composer {
  #past = -1;
  #active = -1;
  #shown = [];

  constructor(form, host) {
    this.form = form;
    this.host = host;
    const id = freshId("hints");
    this.field = h("textarea", { class: "composer-field", rows: "1", autocomplete: "off", spellcheck: "false", role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id });
    this.hints = h("div", { class: "hints", role: "listbox", id, "aria-label": "Commands", hidden: true });
    this.send = h("button", { type: "submit", class: "icon-button composer-send", "aria-label": "Send" }, icon("send"));
    this.extras = h("span", { class: "composer-extras" });
    replace(form, this.hints, h("div", { class: "composer-box" }, this.extras, this.field, this.send));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.field.addEventListener("input", () => this.#changed());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("blur", () => this.#hide());
    this.#changed();
  }

  set(placeholder, disabled) {
    if (this.field.placeholder !== placeholder) {
      this.field.placeholder = placeholder;
      this.field.setAttribute("aria-label", placeholder);
    }
    this.field.disabled = disabled;
  }

  #changed() {
    this.field.style.setProperty("height", "auto");
    const needed = this.field.scrollHeight; // 0 while the pane is hidden
    if (needed > 0) this.field.style.setProperty("height", `${Math.min(needed, 160)}px`);
    this.send.disabled = this.field.value.trim() === "";
    this.#suggest();
  }

  #suggest() {
    const typed = this.field.value;
    if (!/^[/@]/.test(typed) || typed.includes("\n")) {
      this.#hide();
      return;
    }
    const known = this.#addresses().flatMap((command) => [
      { line: command, hint: "talks to the bot you are trying" },
      ...this.host.examples().map(([words, hint]) => ({ line: `${command} ${words}`, hint })),
    ]);
    const wanted = typed.toLowerCase();
    this.#shown = known.filter(({ line }) => line.toLowerCase().startsWith(wanted) && line !== typed).slice(0, 7);
    this.#active = -1;
    this.#drawHints();
  }

  /** How the bot is spoken to: Slack has no commands in threads. */
  #addresses() {
    return [...(this.host.isThread ? [] : this.host.commands()), this.host.mention()];
  }

  #drawHints() {
    const is = this.#shown.length > 0;
    this.hints.hidden = !is;
    this.field.setAttribute("aria-expanded", String(is));
    const options = this.#shown.map(({ line, hint }, index) => h("div", {
      class: `hint-row${index === this.#active ? " is-active" : ""}`, role: "option", id: `${this.hints.id}-${index}`, "aria-selected": String(index === this.#active),
      on: { pointerdown: (event) => event.preventDefault(), click: () => this.#accept(index) },
    }, h("code", {}, line), h("span", { class: "hint" }, hint)));
    replace(this.hints, options);
    if (this.#active >= 0) this.field.setAttribute("aria-activedescendant", `${this.hints.id}-${this.#active}`);
    else this.field.removeAttribute("aria-activedescendant");
  }

  #hide() {
    this.#shown = [];
    this.#drawHints();
  }

  #accept(index) {
    const { line } = this.#shown[index];
    this.field.value = this.#addresses().includes(line) ? `${line} ` : line;
    this.#changed();
    this.field.focus();
  }

  #key(event) {
    const open = this.#shown.length > 0;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (open && this.#active >= 0) this.#accept(this.#active);
      else this.#submit();
    } else if (event.key === "Tab" && open && !event.shiftKey) {
      event.preventDefault();
      this.#accept(Math.max(0, this.#active));
    } else if (event.key === "Escape" && open) this.#hide();
    else if (open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#active = (this.#active + step + this.#shown.length) % this.#shown.length;
      this.#drawHints();
    } else if (event.key === "ArrowUp" && (this.field.value === "" || this.#past >= 0)) this.#travel(event, 1);
    else if (event.key === "ArrowDown" && this.#past >= 0) this.#travel(event, -1);
  }

  #travel(event, step) {
    const lines = recall(this.host.personId());
    const to = this.#past + step;
    if (to >= lines.length) return;
    event.preventDefault();
    this.#past = to;
    this.field.value = to < 0 ? "" : lines[to];
    this.#changed();
    this.#hide();
  }

  #submit() {
    const line = this.field.value.trim();
    if (line === "" || this.field.disabled) return;
    const [word] = line.split(/\s/, 1);
    if (word.startsWith("/") && word.length > 1 && !this.#isFit(word)) return;
    this.field.value = "";
    this.#past = -1;
    this.#changed();
    remember(this.host.personId(), line);
    if (word.startsWith("/") && word.length > 1) this.host.type(word, line.slice(word.length).replace(/^\s/, ""));
    else this.host.say(line);
  }

  #isFit(word) {
    if (this.host.isThread) toast(`${word} is not supported in threads. Sorry!`, { tone: "bad" });
    else if (!this.host.commands().includes(word)) toast(`${word} is not a valid command. Try ${this.host.commands()[0] ?? "another one"}.`, { tone: "bad" });
    else return true;
    return false;
  }
}
