// Select menus: a button that opens a list with a search field; one or several choices; options fixed or asked for.

import { freshId, h, icon, replace } from "./dom.js";
import { float } from "./overlay.js";
import { textObject } from "./mrkdwn.js";

const PAUSE_MS = 180; // typing has paused for an app to be asked

const plain = (option) => option.text.text;
const same = (one, other) => one.value === other.value;

/** Options and option groups brought to one shape: `[{label, options}]`. */
export function grouped({ options, option_groups: groups }) {
  if (groups) return groups.map((group) => ({ label: group.label, options: group.options }));
  return [{ label: null, options: options ?? [] }];
}

function matching(groups, typed) {
  const words = typed.toLowerCase();
  return groups
    .map((group) => ({ ...group, options: group.options.filter((option) => plain(option).toLowerCase().includes(words)) }))
    .filter((group) => group.options.length > 0);
}

/**
 * A select menu. `source(typed)` resolves to groups; `minimum` characters are needed before it is asked;
 * `changed(options)` is told of each choice; false takes it back.
 */
export function selectMenu({ label, placeholder, chosen, multiple, most, source, minimum, changed, context, describedby }) {
  let current = [...chosen];
  const text = h("span", { class: "select-text" });
  const trigger = h("button", {
    type: "button", class: "select", "aria-haspopup": "listbox", "aria-expanded": "false", "aria-label": label, "aria-describedby": describedby,
    on: { click: () => open(""), keydown: (event) => ["ArrowDown", "ArrowUp"].includes(event.key) && (event.preventDefault(), open("")) },
  }, text, icon("chevron"));

  const show = () => {
    trigger.classList.toggle("is-empty", current.length === 0);
    trigger.setAttribute("aria-label", `${label}: ${current.length ? current.map(plain).join(", ") : "nothing chosen"}`);
    if (current.length === 0) replace(text, placeholder);
    else if (multiple) replace(text, current.map((option) => h("span", { class: "chip" }, textObject(option.text, context))));
    else replace(text, textObject(current[0].text, context));
  };
  const settle = async (options) => {
    const before = current;
    current = options;
    show();
    if ((await changed(options)) === false) {
      current = before;
      show();
    }
  };
  const choose = (option, list) => {
    if (!multiple) {
      list.close();
      void settle([option]);
      return;
    }
    const without = current.filter((one) => !same(one, option));
    if (without.length === current.length && most && current.length >= most) return;
    void settle(without.length === current.length ? [...current, option] : without);
    list.redraw();
  };
  const open = () => {
    if (trigger.getAttribute("aria-expanded") === "true") return;
    openList({ trigger, label, source, minimum, multiple, context, isChosen: (option) => current.some((one) => same(one, option)), choose });
  };
  show();
  return trigger;
}

function openList({ trigger, label, source, minimum, multiple, context, isChosen, choose }) {
  const id = freshId("list");
  const field = h("input", {
    class: "select-search", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder: "Type to search",
    "aria-label": `Search ${label}`, "aria-controls": id, "aria-expanded": "true", "aria-autocomplete": "list",
  });
  const list = h("div", { class: "options", role: "listbox", id, "aria-label": label, "aria-multiselectable": multiple ? "true" : null });
  const panel = h("div", { class: "select-panel", data: { wanted: "300" }, style: { "min-width": `${Math.max(trigger.offsetWidth, 220)}px` } }, field, list);
  let entries = [];
  let groups = [];
  let active = 0;
  let asked = 0;
  let timer = 0;
  const floating = float(panel, trigger, { onClose: () => window.clearTimeout(timer) });
  const handle = { close: () => floating.close(), redraw: () => draw() };

  const mark = (index) => {
    entries[active]?.element.classList.remove("is-active");
    active = Math.max(0, Math.min(index, entries.length - 1));
    const entry = entries[active];
    entry?.element.classList.add("is-active");
    entry?.element.scrollIntoView({ block: "nearest" });
    if (entry) field.setAttribute("aria-activedescendant", entry.element.id);
    else field.removeAttribute("aria-activedescendant");
  };
  const entryOf = (option) => {
    const element = h("div", {
      class: "option", role: "option", id: freshId("option"), "aria-selected": String(isChosen(option)),
      on: { pointerdown: (event) => event.preventDefault(), click: () => choose(option, handle) },
    }, h("span", { class: "option-mark" }, isChosen(option) ? icon("check") : null),
    h("span", {}, textObject(option.text, context), option.description ? h("span", { class: "hint" }, textObject(option.description, context)) : null));
    entries.push({ element, option });
    return element;
  };
  const draw = () => {
    entries = [];
    replace(list, groups.flatMap((group) => [
      group.label ? h("div", { class: "option-group", role: "presentation" }, textObject(group.label, context)) : null,
      ...group.options.map(entryOf),
    ]));
    if (entries.length === 0) list.append(h("div", { class: "option-none" }, "No results"));
    floating.replace();
    mark(active);
  };
  const ask = async () => {
    const typed = field.value;
    if (typed.length < minimum) {
      groups = [];
      replace(list, h("div", { class: "option-none" }, `Type at least ${minimum} character${minimum === 1 ? "" : "s"}`));
      return;
    }
    asked += 1;
    const mine = asked;
    list.setAttribute("aria-busy", "true");
    const found = await source(typed);
    if (mine !== asked || !panel.isConnected) return;
    list.removeAttribute("aria-busy");
    groups = found;
    active = 0;
    draw();
  };
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, source.isAtHand ? 0 : PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 8, PageUp: active - 8 }[event.key];
    if (to !== undefined) mark(to);
    else if (event.key === "Enter" && entries[active]) choose(entries[active].option, handle);
    else if (event.key === "Tab") floating.close();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  });
  field.focus();
  ask();
}

/** The source of a menu whose options stand in its block. */
export function fixedSource(element) {
  const groups = grouped(element);
  return Object.assign((typed) => Promise.resolve(matching(groups, typed)), { isAtHand: true });
}
