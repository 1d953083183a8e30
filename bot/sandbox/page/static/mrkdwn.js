// Slack's mrkdwn as elements. Everything that is not mark-up becomes a text node, with the three entities decoded once.

import { h, link } from "./dom.js";
import { slackDate } from "./dates.js";
import { glyph } from "./emoji.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** `&lt;`, `&gt;` and `&amp;` decoded once; nothing else is an entity in Slack. */
export function decode(text) {
  return text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}

/** Text with only its emoji short codes shown: what `plain_text` with `emoji: true` is. */
export function withEmoji(text) {
  return text.split(/(:[a-z0-9_+'-]+:)/).map((part) => {
    const found = part.length > 2 && part.startsWith(":") && part.endsWith(":") ? glyph(part.slice(1, -1)) : null;
    return found === null ? part : emojiOf(part.slice(1, -1), found);
  });
}

export function emojiOf(name, character) {
  return h("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, character);
}

/** A text object of Block Kit, inline: plain text is never parsed. */
export function textObject(object, context) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, context, { verbatim: Boolean(object.verbatim) });
  return object.emoji === false ? [object.text] : withEmoji(object.text);
}

/** mrkdwn as a list of nodes: paragraphs, quotes and preformatted blocks. */
export function mrkdwn(text, context, { verbatim = false } = {}) {
  const read = { context, verbatim };
  return text.split(/\n?(```[\s\S]+?```)\n?/).flatMap((part) => {
    if (part.length > 6 && part.startsWith("```") && part.endsWith("```")) return [preformatted(part.slice(3, -3))];
    return part === "" ? [] : lines(part, read);
  });
}

function preformatted(code) {
  return h("pre", { class: "pre", tabindex: "0" }, decode(code.replace(/^\n/, "").replace(/<([^>|]+\|)?([^>]*)>/g, "$2")));
}

function lines(text, read) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length > 0) nodes.push(h("blockquote", {}, joined(quoted, read)));
    quoted = [];
  };
  let plain = [];
  const flushPlain = () => {
    if (plain.length > 0) nodes.push(...joined(plain, read));
    plain = [];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote) {
      flushPlain();
      quoted.push(quote[1]);
    } else {
      flush();
      plain.push(line);
    }
  }
  flush();
  flushPlain();
  return nodes;
}

function joined(texts, read) {
  return texts.flatMap((text, index) => (index === 0 ? inline(text, read) : [h("br"), ...inline(text, read)]));
}

const SPAN = [
  { mark: "*", tag: "strong" },
  { mark: "_", tag: "em" },
  { mark: "~", tag: "s" },
];
const WORD = /[\p{L}\p{N}]/u;

function inline(text, read) {
  const nodes = [];
  let start = 0;
  let at = 0;
  const take = (node, end) => {
    nodes.push(...plainRun(text.slice(start, at), read), node);
    at = end;
    start = end;
  };
  while (at < text.length) {
    const found = control(text, at, read) ?? code(text, at) ?? span(text, at, read);
    if (found) take(found.node, found.end);
    else at += 1;
  }
  return [...nodes, ...plainRun(text.slice(start), read)];
}

function control(text, at, read) {
  if (text[at] !== "<") return null;
  const close = text.indexOf(">", at + 1);
  if (close < 0) return null;
  return { node: reference(text.slice(at + 1, close), read.context, at === 0), end: close + 1 };
}

function code(text, at) {
  if (text[at] !== "`") return null;
  const close = text.indexOf("`", at + 1);
  if (close <= at + 1) return null;
  return { node: h("code", {}, decode(text.slice(at + 1, close).replace(/<([^>|]+\|)?([^>]*)>/g, "$2"))), end: close + 1 };
}

function span(text, at, read) {
  const kind = SPAN.find(({ mark }) => text[at] === mark);
  if (!kind || (at > 0 && WORD.test(text[at - 1])) || /\s|^$/.test(text[at + 1] ?? "")) return null;
  for (let close = text.indexOf(kind.mark, at + 2); close > 0; close = text.indexOf(kind.mark, close + 1)) {
    const after = text[close + 1];
    if (!/\s/.test(text[close - 1]) && (after === undefined || !WORD.test(after))) {
      return { node: h(kind.tag, {}, inline(text.slice(at + 1, close), read)), end: close + 1 };
    }
  }
  return null;
}

function plainRun(text, read) {
  if (text === "") return [];
  if (read.verbatim) return withEmoji(text).map(decoded);
  return text.split(/(https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]'"])/).flatMap((part, index) => {
    if (index % 2 === 1) return [link(decode(part), decode(part))];
    return withEmoji(part).map(decoded);
  });
}

function decoded(part) {
  return typeof part === "string" ? decode(part) : part;
}

function reference(inside, context, opens) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  if (target.startsWith("@")) return mention(`@${context.personName(target.slice(1)) ?? (label || target.slice(1))}`);
  if (target.startsWith("#")) return channelLink(target.slice(1), label, context);
  if (target.startsWith("!")) return special(target.slice(1), label, context, opens);
  return link(decode(target), label || decode(target));
}

export function mention(text) {
  return h("span", { class: "mention" }, text);
}

export function channelLink(id, label, context) {
  const name = context.channelName(id) ?? (label || id);
  return h("button", { type: "button", class: "mention mention-link", on: { click: () => context.openChannel(id) } }, `#${name}`);
}

function special(target, label, context, opens) {
  const [kind, ...rest] = target.split("^");
  if (kind === "subteam") return mention(`@${context.groupHandle(rest[0]) ?? (label.replace(/^@/, "") || rest[0])}`);
  if (kind === "date") {
    const [timestamp, format, address] = rest;
    const shown = slackDate(timestamp, format ?? "", label, context.zone, { opens });
    const time = h("time", { datetime: isoOf(timestamp), title: label }, shown);
    return address ? link(decode(address), time) : time;
  }
  if (["here", "channel", "everyone"].includes(kind)) return h("span", { class: "mention mention-all" }, `@${kind}`);
  return h("span", {}, label || `<!${target}>`);
}

function isoOf(timestamp) {
  const moment = new Date(Number(timestamp) * 1000);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}
