// The interactive elements of Block Kit. Each draws itself from its JSON and tells its surface what was done with it.
//
// `at` says where an element stands: {surface, blockId}, and in an input block {label, controlId, describedby}.

import { h, icon, safeHref } from "./dom.js";
import { fromWallTime, wallTime } from "./dates.js";
import { textObject } from "./mrkdwn.js";
import { confirmed, openMenu } from "./overlay.js";
import { fixedSource, grouped, selectMenu } from "./select.js";

const valueOf = (element, at) => at.surface.values.of(at.blockId, element, at.surface.state);

async function act(element, at, value, control) {
  if (!(await confirmed(element.confirm, at.surface.context))) return false;
  at.surface.values.set(at.blockId, element.action_id, value);
  const holder = control?.closest("[data-element]") ?? control;
  holder?.setAttribute("aria-busy", "true");
  const result = await at.surface.activate(at.blockId, element.action_id, value);
  holder?.removeAttribute("aria-busy");
  markFailure(holder, result);
  return true;
}

function markFailure(holder, result) {
  if (!holder) return;
  holder.querySelector(":scope > .element-failure")?.remove();
  if (result.shown === "ok") return;
  holder.append(h("span", { class: "element-failure", role: "alert", title: result.text ?? result.shown }, icon("warn"),
    h("span", { class: "visually-hidden" }, result.text ?? "This didn't work")));
}

function holding(...children) {
  return h("span", { class: "element", data: { element: "" } }, children);
}

function button(element, at) {
  const style = { primary: "button-primary", danger: "button-danger" }[element.style] ?? "";
  const control = h("button", { type: "button", class: `button ${style}`, "aria-label": element.accessibility_label,
    data: { action: element.action_id ?? "" } }, textObject(element.text, at.surface.context));
  control.addEventListener("click", () => {
    const href = element.url ? safeHref(element.url) : null;
    if (href) window.open(href, "_blank", "noopener,noreferrer");
    if (control.closest("[aria-busy]") === null) void act(element, at, null, control);
  });
  return holding(control);
}

function overflow(element, at) {
  const control = h("button", { type: "button", class: "button button-icon", "aria-haspopup": "menu", "aria-expanded": "false",
    "aria-label": "More actions", data: { action: element.action_id ?? "" } }, icon("more"));
  control.addEventListener("click", () => openMenu(control, "More actions", element.options.map((option) => ({
    label: textObject(option.text, at.surface.context),
    hint: option.description ? textObject(option.description, at.surface.context) : null,
    choose: () => {
      const href = option.url ? safeHref(option.url) : null;
      if (href) window.open(href, "_blank", "noopener,noreferrer");
      void act(element, at, option.value, control);
    },
  }))));
  return holding(control);
}

function select(element, at) {
  const multiple = element.type.startsWith("multi_");
  const { surface } = at;
  const known = element.type.endsWith("static_select") ? grouped(element).flatMap((group) => group.options) : null;
  const carried = (option) => (known ? option.value : option);  // a gesture carries an external option whole
  const source = known
    ? fixedSource(element)
    : async (typed) => grouped({ options: await surface.suggest(at.blockId, element.action_id, typed) });
  const held = [valueOf(element, at)].flat().filter((value) => value !== null);
  const control = selectMenu({
    label: at.label ?? element.placeholder?.text ?? "Choose", placeholder: textObject(element.placeholder, surface.context),
    chosen: known ? held.map((value) => known.find((option) => option.value === value)).filter(Boolean) : held,
    multiple, most: element.max_selected_items, source, minimum: known ? 0 : element.min_query_length ?? 3,
    changed: (options) => act(element, at, multiple ? options.map(carried) : carried(options[0]), control),
    context: surface.context, describedby: at.describedby,
  });
  control.dataset.action = element.action_id ?? "";
  if (at.controlId) control.id = at.controlId;
  return holding(control);
}

function choices(element, at) {
  const several = element.type === "checkboxes";
  const held = [valueOf(element, at)].flat();
  const name = `${at.surface.key}/${at.blockId}/${element.action_id}`;
  const group = h("div", { class: "choices", role: several ? "group" : "radiogroup", "aria-label": at.label, "aria-describedby": at.describedby });
  const boxes = element.options.map((option) => h("input", { type: several ? "checkbox" : "radio", name, value: option.value, checked: held.includes(option.value) }));
  const changed = async () => {
    const picked = boxes.filter((box) => box.checked).map((box) => box.value);
    const before = [valueOf(element, at)].flat();
    const done = await act(element, at, several ? picked : picked[0] ?? null, group);
    if (!done) for (const box of boxes) box.checked = before.includes(box.value);
  };
  element.options.forEach((option, index) => {
    boxes[index].addEventListener("change", () => void changed());
    group.append(h("label", { class: "choice" }, boxes[index], h("span", {}, textObject(option.text, at.surface.context),
      option.description ? h("span", { class: "hint" }, textObject(option.description, at.surface.context)) : null)));
  });
  return holding(group);
}

function field(element, at, attributes, { read = (text) => text || null, shown = (value) => value ?? "" } = {}) {
  const tag = attributes.tag ?? "input";
  const control = h(tag, {
    ...attributes, tag: null, class: "field", kind: null, id: at.controlId,
    "aria-label": at.controlId ? null : element.placeholder?.text ?? attributes.kind,
    placeholder: element.placeholder?.text, "aria-describedby": at.describedby, data: { action: element.action_id ?? "" },
    "aria-invalid": at.surface.errors?.[at.blockId] ? "true" : null,
  });
  control.value = shown(valueOf(element, at));
  control.addEventListener("input", () => at.surface.values.set(at.blockId, element.action_id, read(control.value)));
  control.addEventListener("change", () => void act(element, at, read(control.value), control));
  return holding(control);
}

function textInput(element, at) {
  const limits = { minlength: element.min_length, maxlength: element.max_length };
  if (element.multiline) return field(element, at, { tag: "textarea", rows: "4", ...limits });
  return field(element, at, { type: "text", autocomplete: "off", ...limits });
}

function numberInput(element, at) {
  return field(element, at, { type: "number", step: element.is_decimal_allowed ? "any" : "1", min: element.min_value, max: element.max_value });
}

function dateTime(element, at) {
  const zone = at.surface.context.zone;
  return field(element, at, { type: "datetime-local", kind: "Date and time" }, {
    read: (text) => (text ? fromWallTime(text, zone) : null),
    shown: (value) => (value ? wallTime(Number(value), zone) : ""),
  });
}

const DRAWN = {
  button,
  overflow,
  radio_buttons: choices,
  checkboxes: choices,
  static_select: select,
  multi_static_select: select,
  external_select: select,
  multi_external_select: select,
  plain_text_input: textInput,
  number_input: numberInput,
  datepicker: (element, at) => field(element, at, { type: "date", kind: "Date" }),
  timepicker: (element, at) => field(element, at, { type: "time", kind: "Time" }),
  datetimepicker: dateTime,
  image: (element) => picture(element, "thumb"),
};

export function picture(element, className) {
  return h("img", { class: className, src: safeHref(element.image_url ?? element.slack_file?.url ?? ""), alt: element.alt_text ?? "", loading: "lazy", referrerpolicy: "no-referrer" });
}

/** An element of a block, or a visible note that this page cannot draw it. */
export function drawElement(element, at) {
  return DRAWN[element.type]?.(element, at) ?? h("span", { class: "unknown" }, `(${element.type} isn't shown here)`);
}
