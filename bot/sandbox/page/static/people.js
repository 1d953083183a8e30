// How people are shown: their initials on a quiet colour, and what they are to this workspace.

import { h, icon } from "./dom.js";

const HUES = [212, 262, 330, 18, 42, 96, 150, 186, 238, 290, 0];

function hueOf(id) {
  const hash = [...id].reduce((sum, character) => Math.imul(sum ^ character.codePointAt(0), 16777619) >>> 0, 2166136261);
  return HUES[hash % HUES.length];
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "").join("").toUpperCase();
}

export function avatar(person, { small = false } = {}) {
  const size = small ? " avatar-small" : "";
  if (person.kind === "bot") return h("span", { class: `avatar avatar-bot${size}`, "aria-hidden": "true" }, icon("server"));
  return h("span", { class: `avatar${size}`, "aria-hidden": "true", style: { "--hue": String(hueOf(person.id)) } }, initials(person.real_name || person.name));
}

const KINDS = {
  guest: "guest",
  single_channel_guest: "single-channel guest",
  deactivated: "deactivated",
  invited: "invited, not joined",
  foreign: "from another organisation",
  stranger: "stranger",
  bot: "app",
};

export const kindOf = (person) => KINDS[person.kind] ?? null;
