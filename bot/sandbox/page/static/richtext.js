// Block Kit's rich_text: already structured, so nothing in it is parsed and nothing decoded.

import { h, link } from "./dom.js";
import { slackDate } from "./dates.js";
import { glyph } from "./emoji.js";
import { channelLink, emojiOf, mention } from "./mrkdwn.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

function styled(nodes, style) {
  return STYLES.reduce((inner, [name, tag]) => (style?.[name] ? [h(tag, {}, inner)] : inner), nodes);
}

function multiline(text) {
  return text.split("\n").flatMap((line, index) => (index === 0 ? [line] : [h("br"), line]));
}

const INLINE = {
  text: (element) => styled(multiline(element.text), element.style),
  link: (element) => styled([link(element.url, element.text || element.url)], element.style),
  emoji: (element) => {
    const character = glyph(element.name);
    return [character === null ? `:${element.name}:` : emojiOf(element.name, character)];
  },
  user: (element, context) => [mention(`@${context.personName(element.user_id) ?? element.user_id}`)],
  usergroup: (element, context) => [mention(`@${context.groupHandle(element.usergroup_id) ?? element.usergroup_id}`)],
  channel: (element, context) => [channelLink(element.channel_id, "", context)],
  broadcast: (element) => [h("span", { class: "mention mention-all" }, `@${element.range}`)],
  date: (element, context) => {
    const shown = slackDate(element.timestamp, element.format, element.fallback ?? "", context.zone);
    return [element.url ? link(element.url, shown) : h("time", { title: element.fallback }, shown)];
  },
  color: (element) => [h("span", { class: "swatch", style: { "--swatch": element.value } }), element.value],
};

function inline(elements, context) {
  return elements.flatMap((element) => INLINE[element.type]?.(element, context) ?? []);
}

const PARTS = {
  rich_text_section: (part, context) => h("div", { class: "rich-section" }, inline(part.elements, context)),
  rich_text_quote: (part, context) => h("blockquote", {}, inline(part.elements, context)),
  rich_text_preformatted: (part, context) => h("pre", { class: "pre", tabindex: "0" }, inline(part.elements, context)),
  rich_text_list: (part, context) => {
    const ordered = part.style === "ordered";
    return h(
      ordered ? "ol" : "ul",
      { class: "rich-list", start: ordered ? (part.offset ?? 0) + 1 : null, style: { "--indent": String(part.indent ?? 0) } },
      part.elements.map((item) => h("li", {}, inline(item.elements, context))),
    );
  },
};

export function richText(block, context) {
  return h("div", { class: "rich" }, block.elements.map((part) => PARTS[part.type]?.(part, context)));
}
