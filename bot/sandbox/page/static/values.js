// What a person has entered: the value of each stateful element, in the form in which a gesture carries it.

const single = (name) => (state) => state[name] ?? null;
const optionValue = (state) => state.selected_option?.value ?? null;
const optionValues = (state) => (state.selected_options ?? []).map((option) => option.value);

const FROM_STATE = {
  static_select: optionValue,
  radio_buttons: optionValue,
  multi_static_select: optionValues,
  checkboxes: optionValues,
  external_select: single("selected_option"),
  multi_external_select: (state) => state.selected_options ?? [],
  datepicker: single("selected_date"),
  timepicker: single("selected_time"),
  datetimepicker: single("selected_date_time"),
};

const INITIAL = {
  static_select: (element) => element.initial_option?.value ?? null,
  radio_buttons: (element) => element.initial_option?.value ?? null,
  multi_static_select: (element) => (element.initial_options ?? []).map((option) => option.value),
  checkboxes: (element) => (element.initial_options ?? []).map((option) => option.value),
  external_select: (element) => element.initial_option ?? null,
  multi_external_select: (element) => element.initial_options ?? [],
  datepicker: (element) => element.initial_date ?? null,
  timepicker: (element) => element.initial_time ?? null,
  datetimepicker: (element) => element.initial_date_time ?? null,
};

const keyOf = (blockId, actionId) => JSON.stringify([blockId, actionId]);

/** The entered values of one surface. They outlive a redraw, as they do in Slack while both IDs stay the same. */
export class Values {
  #entered = new Map();

  set(blockId, actionId, value) {
    this.#entered.set(keyOf(blockId, actionId), value);
  }

  of(blockId, element, state) {
    const key = keyOf(blockId, element.action_id);
    if (this.#entered.has(key)) return this.#entered.get(key);
    const known = state?.values?.[blockId]?.[element.action_id];
    if (known) return (FROM_STATE[element.type] ?? single("value"))(known);
    return INITIAL[element.type]?.(element) ?? element.initial_value ?? null;
  }

  /** All of it for a submission: `{block_id: {action_id: value}}`, of the blocks that stand on the surface. */
  entered(blocks) {
    const present = new Set(blocks.map((block) => block.block_id));
    const result = {};
    for (const [key, value] of this.#entered) {
      const [blockId, actionId] = JSON.parse(key);
      if (present.has(blockId)) (result[blockId] ??= {})[actionId] = value;
    }
    return result;
  }
}
