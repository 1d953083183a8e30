// Block Kit: blocks and attachments as elements.
//
// A surface is {key, context, values, state, errors, activate(blockId, actionId, value), suggest(blockId, actionId, typed)}.
// A context answers for the reader: {zone, personName, groupHandle, channelName, openChannel}.

import { freshId, h, icon, link } from "./dom.js";
import { drawElement, picture } from "./elements.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

function section(block, surface) {
  const at = { surface, blockId: block.block_id };
  return h("div", { class: "block block-section" },
    h("div", { class: "section-body" },
      block.text ? h("div", { class: "section-text" }, textObject(block.text, surface.context)) : null,
      block.fields ? h("div", { class: "section-fields" }, block.fields.map((field) => h("div", { class: "section-field" }, textObject(field, surface.context)))) : null),
    block.accessory ? h("div", { class: "section-accessory" }, drawElement(block.accessory, at)) : null);
}

function context(block, surface) {
  return h("div", { class: "block block-context" }, block.elements.map((element) =>
    (element.type === "image" ? picture(element, "context-image") : h("span", { class: "context-text" }, textObject(element, surface.context)))));
}

function actions(block, surface) {
  const at = { surface, blockId: block.block_id };
  return h("div", { class: "block block-actions" }, block.elements.map((element) => drawElement(element, at)));
}

function input(block, surface) {
  const id = freshId("input");
  const error = surface.errors?.[block.block_id];
  const describedby = [error ? `${id}-error` : null, block.hint ? `${id}-hint` : null].filter(Boolean).join(" ") || null;
  const at = { surface, blockId: block.block_id, label: block.label.text, controlId: id, describedby };
  return h("div", { class: `block block-input${error ? " has-error" : ""}`, data: { block: block.block_id } },
    h("label", { class: "input-label", for: id }, textObject(block.label, surface.context), block.optional ? h("span", { class: "optional" }, " (optional)") : null),
    drawElement(block.element, at),
    error ? h("div", { class: "input-error", id: `${id}-error`, role: "alert" }, icon("warn"), error) : null,
    block.hint ? h("div", { class: "input-hint", id: `${id}-hint` }, textObject(block.hint, surface.context)) : null);
}

function image(block, surface) {
  return h("figure", { class: "block block-image" },
    block.title ? h("figcaption", {}, textObject(block.title, surface.context)) : null,
    link(block.image_url ?? block.slack_file?.url, picture(block, "image")));
}

function cell(content, settings, tag, surface) {
  const body = content.type === "rich_text" ? richText(content, surface.context) : String(content.text ?? content.value ?? "");
  return h(tag, { scope: tag === "th" ? "col" : null, class: `cell-${settings?.align ?? "left"}${settings?.is_wrapped ? " cell-wrapped" : ""}` }, body);
}

function table(block, surface) {
  const row = (cells, tag) => h("tr", {}, cells.map((content, column) => cell(content, block.column_settings?.[column], tag, surface)));
  const [head, ...rest] = block.rows;
  return h("div", { class: "block block-table", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rest.map((cells) => row(cells, "td")))));
}

const BLOCKS = {
  section,
  context,
  actions,
  input,
  image,
  table,
  header: (block, surface) => h("h3", { class: "block block-header" }, textObject(block.text, surface.context)),
  divider: () => h("hr", { class: "block block-divider" }),
  rich_text: (block, surface) => h("div", { class: "block" }, richText(block, surface.context)),
};

export function drawBlocks(blocks, surface) {
  return blocks.map((block) => BLOCKS[block.type]?.(block, surface) ?? h("div", { class: "block unknown" }, `(${block.type} isn't shown here)`));
}

const NAMED_COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

function attachment(one, surface) {
  const colour = NAMED_COLOURS[one.color] ?? (/^#?[0-9a-f]{6}$/i.test(one.color ?? "") ? `#${one.color.replace("#", "")}` : null);
  const body = one.blocks?.length ? drawBlocks(one.blocks, surface) : legacy(one, surface);
  return h("div", { class: "attachment", style: colour ? { "--bar": colour } : {} }, body);
}

function legacy(one, surface) {
  const parsed = (text) => mrkdwn(text, surface.context);
  return [
    one.pretext ? h("div", { class: "block" }, parsed(one.pretext)) : null,
    one.title ? h("div", { class: "block attachment-title" }, one.title_link ? link(one.title_link, one.title) : one.title) : null,
    one.text || one.fallback ? h("div", { class: "block" }, parsed(one.text ?? one.fallback)) : null,
    one.fields ? h("div", { class: "section-fields" }, one.fields.map((field) => h("div", { class: "section-field" }, h("strong", {}, field.title), h("br"), parsed(field.value)))) : null,
    one.footer ? h("div", { class: "block block-context" }, one.footer) : null,
  ];
}

/** The body of a message: its blocks, or its text where there are none, and its attachments. */
export function drawBody(message, surface) {
  const hasBlocks = message.blocks.length > 0;
  return [
    hasBlocks ? drawBlocks(message.blocks, surface) : null,
    !hasBlocks && message.text ? h("div", { class: "block" }, mrkdwn(message.text, surface.context)) : null,
    message.attachments.map((one) => attachment(one, surface)),
  ];
}
