// The two lines to the sandbox: its state as it changes (server-sent events), and gestures (POST).

/** Follows one person's view of the workspace. `changed(parts)` gets what is new; `stateChanged(isLive)` the line's state. */
export function follow(personId, { changed, stateChanged }) {
  const source = new EventSource(`/live?person=${encodeURIComponent(personId)}`);
  source.addEventListener("parts", (event) => changed(JSON.parse(event.data)));
  source.addEventListener("open", () => stateChanged(true));
  source.addEventListener("error", () => stateChanged(false));
  return () => source.close();
}

async function post(address, body) {
  try {
    const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const answer = await response.json();
    if (response.ok) return answer;
    return refused(answer.error ?? `The sandbox answered ${response.status}.`);
  } catch {
    return refused("The sandbox doesn't answer. Is the demo still running?");
  }
}

function refused(text) {
  return { shown: "client_refused", text, errors: {}, options: [], opened_url: null };
}

/** Does a gesture as a person and resolves to its result, always with `shown`. */
export function gesture(personId, name, details) {
  return post("/gestures", { person: personId, gesture: name, ...details });
}

/** Switches a fault on or off, or triggers one that happens once. */
export function setFault(key, on) {
  return post("/faults", { key, on });
}
