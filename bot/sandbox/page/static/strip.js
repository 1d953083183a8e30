// The strip on top: which servers are simulated, how to reach them, what may be broken on purpose, and who is connected.

import { h, icon, replace } from "./dom.js";
import { setFault } from "./live.js";
import { float, toast } from "./overlay.js";

function popup(anchor, draw) {
  if (anchor.getAttribute("aria-expanded") === "true") return;
  const panel = h("div", { class: "panel", role: "dialog", "aria-label": anchor.dataset.panel });
  const floating = float(panel, anchor);
  draw(panel);
  floating.replace();
  panel.querySelector("button, a")?.focus();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("The browser doesn't allow copying here. Select the text instead.", { tone: "bad" });
  }
}

function fact(label, value) {
  return h("div", { class: "fact" }, h("dt", {}, label), h("dd", {}, h("code", {}, value),
    h("button", { type: "button", class: "icon-button", "aria-label": `Copy ${label.toLowerCase()}`, on: { click: () => copy(value) } }, icon("copy"))));
}

function drawServer(panel, server) {
  replace(panel, h("h2", {}, `Simulated VBR “${server.name}”`),
    h("p", { class: "hint" }, "A REST server of Veeam Backup & Replication. Any VBR client may use it while the demo runs."),
    h("dl", { class: "facts" }, fact("Address", server.url), fact("User", server.username), fact("Password", server.password), fact("API version", server.api_version),
      server.fingerprint ? fact("SHA-256 of its certificate", server.fingerprint) : null));
}

function faultRow(fault) {
  const text = h("span", { class: "fault-text" }, h("strong", {}, fault.label), h("span", { class: "hint" }, fault.hint));
  const control = fault.is_switch
    ? h("button", { type: "button", class: "switch", role: "switch", "aria-checked": String(fault.is_on), "aria-label": fault.label, data: { fault: fault.key } })
    : h("button", { type: "button", class: "button button-small", "aria-label": fault.label, data: { fault: fault.key } }, "Do it");
  control.addEventListener("click", async () => {
    const on = fault.is_switch ? control.getAttribute("aria-checked") !== "true" : true;
    const answer = await setFault(fault.key, on);
    if (answer.shown === "client_refused") toast(answer.text, { tone: "bad" });
    else if (!fault.is_switch) toast(`${fault.label}: done.`);
  });
  return h("div", { class: "fault" }, text, control);
}

function drawFaults(panel, faults) {
  const focused = document.activeElement?.dataset?.fault;
  replace(panel, h("h2", {}, "Break something"), h("p", { class: "hint" }, "See what the bot makes of it. Switches stay on until you turn them off."), faults.map(faultRow));
  if (focused) panel.querySelector(`[data-fault="${CSS.escape(focused)}"]`)?.focus();
}

/** The strip's right side and its servers; `draw(parts)` after each change. */
export class Strip {
  #faultsPanel = null;
  #faults = [];

  constructor({ servers, status, faults }) {
    this.servers = servers;
    this.status = status;
    this.faultsButton = faults;
    faults.addEventListener("click", () => popup(faults, (panel) => {
      this.#faultsPanel = panel;
      drawFaults(panel, this.#faults);
    }));
  }

  drawServers(list) {
    replace(this.servers, list.map((server) => {
      const button = h("button", { type: "button", class: "strip-button", "aria-haspopup": "dialog", "aria-expanded": "false", data: { panel: `Simulated VBR ${server.name}`, server: server.name } },
        icon("server"), h("strong", {}, server.name), h("span", { class: "strip-address" }, server.url.replace(/^https?:\/\//, "")));
      button.addEventListener("click", () => popup(button, (panel) => drawServer(panel, server)));
      return button;
    }));
  }

  drawFaults(faults) {
    this.#faults = faults;
    const count = faults.filter((fault) => fault.is_on).length;
    this.faultsButton.classList.toggle("is-on", count > 0);
    replace(this.faultsButton, icon("warn"), h("span", {}, count ? `Faults: ${count} on` : "Faults"));
    if (this.#faultsPanel?.isConnected) drawFaults(this.#faultsPanel, faults);
  }

  drawStatus({ isLive, app }) {
    const connected = app && (app.transport === "http" || app.connections > 0);
    const [tone, text] = !isLive ? ["bad", "Page disconnected"] : connected ? ["good", "Bot connected"] : ["idle", "Bot not connected"];
    replace(this.status, h("span", { class: `dot dot-${tone}`, "aria-hidden": "true" }), h("span", { class: "status-text" }, text));
  }
}
