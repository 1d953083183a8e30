// The modal on top of the person's stack, as a native dialog.

import { drawBlocks } from "./blocks.js";
import { freshId, h, icon, replace } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const CANCEL = { type: "plain_text", text: "Close", emoji: false };

/** `host`: {context, surfaceOf(view), submit(view, values), close(view, wholeStack)}. */
export class Modal {
  #drawn = null;
  #dialog = null;

  constructor(host) {
    this.host = host;
  }

  draw(view, depth) {
    const signature = view && JSON.stringify([view.id, view.title, view.submit, view.close, view.blocks, view.errors, depth]);
    if (signature === this.#drawn) return;
    this.#drawn = signature;
    if (!view) {
      this.#dialog?.close();
      this.#dialog?.remove();
      this.#dialog = null;
      return;
    }
    const isOther = this.#dialog?.dataset.view !== view.id;
    this.#open();
    const focused = isOther ? null : document.activeElement?.dataset?.action;
    this.#fill(view, depth);
    this.#focus(view, focused);
  }

  #open() {
    if (this.#dialog) return;
    this.#dialog = h("dialog", { class: "dialog", data: { testid: "modal" } });
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (event.target === this.#dialog) this.#close();
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #fill(view, depth) {
    const surface = this.host.surfaceOf(view);
    const id = freshId("modal");
    this.view = view;
    this.#dialog.dataset.view = view.id;
    this.#dialog.setAttribute("aria-labelledby", id);
    const submit = view.submit ? h("button", { type: "submit", class: "button button-primary", data: { role: "submit" } }, textObject(view.submit, this.host.context)) : null;
    const form = h("form", { class: "dialog-form", novalidate: "" },
      h("header", { class: "dialog-head" },
        depth > 1 ? h("button", { type: "button", class: "icon-button", "aria-label": "Back", on: { click: () => this.host.close(view, false) } }, icon("back")) : null,
        h("h2", { id }, textObject(view.title, this.host.context)),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close", on: { click: () => this.#close() } }, icon("close"))),
      h("div", { class: "dialog-body" }, drawBlocks(view.blocks, surface)),
      h("footer", { class: "dialog-foot" },
        h("span", { class: "dialog-problem", role: "alert" }),
        h("button", { type: "button", class: "button", on: { click: () => this.host.close(view, false) } }, textObject(view.close ?? CANCEL, this.host.context)), submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(view, surface, submit, form);
    });
    replace(this.#dialog, form);
  }

  #close() {
    this.host.close(this.view, true);
  }

  async #submit(view, surface, submit, form) {
    if (submit.disabled) return;
    submit.disabled = true;
    form.setAttribute("aria-busy", "true");
    const result = await this.host.submit(view, surface.values.entered(view.blocks));
    submit.disabled = false;
    form.removeAttribute("aria-busy");
    const problem = form.querySelector(".dialog-problem");
    if (problem) problem.textContent = result.shown === "ok" ? "" : result.text ?? "We had some trouble connecting. Try again?";
  }

  #focus(view, action) {
    const within = (selector) => this.#dialog.querySelector(selector);
    const wrong = Object.keys(view.errors ?? {})[0];
    const wanted = wrong
      ? within(`[data-block="${CSS.escape(wrong)}"] :is(input, textarea, button)`)
      : within(`[data-action="${CSS.escape(action ?? focusOnLoad(view) ?? "\u0000")}"]`)
        ?? within(".dialog-body :is(input, textarea, .select)") ?? within("[data-role=submit]") ?? within(".dialog-foot .button");
    wanted?.focus();
  }
}

function focusOnLoad(view) {
  const elements = view.blocks.flatMap((block) => [block.element, block.accessory, ...(block.type === "actions" ? block.elements : [])]);
  return elements.find((element) => element?.focus_on_load)?.action_id ?? null;
}
