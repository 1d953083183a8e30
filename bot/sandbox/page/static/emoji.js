// The short codes a bot is likely to use. An unknown one stays as it was typed, as it does for a missing custom emoji.

const GLYPHS = {
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", heavy_multiplication_x: "✖️",
  negative_squared_cross_mark: "❎", warning: "⚠️", exclamation: "❗", heavy_exclamation_mark: "❗", question: "❓",
  grey_question: "❔", grey_exclamation: "❕", bangbang: "‼️", interrobang: "⁉️", no_entry: "⛔", no_entry_sign: "🚫",
  octagonal_sign: "🛑", rotating_light: "🚨", information_source: "ℹ️", bulb: "💡", bell: "🔔", no_bell: "🔕",
  mute: "🔇", speaker: "🔈", loud_sound: "🔊", mega: "📣", loudspeaker: "📢",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰", clock1: "🕐", clock3: "🕒",
  clock12: "🕛", timer_clock: "⏲️", calendar: "📆", date: "📅", spiral_calendar_pad: "🗓️",
  arrow_forward: "▶️", arrow_backward: "◀️", black_square_for_stop: "⏹️", double_vertical_bar: "⏸️",
  pause_button: "⏸️", stop_button: "⏹️", play_or_pause_button: "⏯️", black_right_pointing_triangle_with_double_vertical_bar: "⏯️",
  fast_forward: "⏩", rewind: "⏪", repeat: "🔁", repeat_one: "🔂", arrows_counterclockwise: "🔄",
  arrows_clockwise: "🔃", leftwards_arrow_with_hook: "↩️", arrow_right_hook: "↪️", arrow_up: "⬆️", arrow_down: "⬇️",
  arrow_left: "⬅️", arrow_right: "➡️", arrow_upper_right: "↗️", arrow_lower_right: "↘️", small_red_triangle: "🔺",
  small_red_triangle_down: "🔻", heavy_plus_sign: "➕", heavy_minus_sign: "➖",
  red_circle: "🔴", large_red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫",
  large_red_square: "🟥", large_orange_square: "🟧", large_yellow_square: "🟨", large_green_square: "🟩",
  large_blue_square: "🟦", white_large_square: "⬜", black_large_square: "⬛", white_small_square: "▫️",
  black_small_square: "▪️", radio_button: "🔘", new: "🆕", ok: "🆗", sos: "🆘", free: "🆓", zzz: "💤",
  floppy_disk: "💾", cd: "💿", dvd: "📀", minidisc: "💽", computer: "💻", desktop_computer: "🖥️", keyboard: "⌨️",
  file_cabinet: "🗄️", card_file_box: "🗃️", card_index_dividers: "🗂️", package: "📦", inbox_tray: "📥",
  outbox_tray: "📤", wastebasket: "🗑️", file_folder: "📁", open_file_folder: "📂", page_facing_up: "📄",
  clipboard: "📋", bar_chart: "📊", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", memo: "📝",
  pencil: "📝", pencil2: "✏️", bookmark: "🔖", label: "🏷️", link: "🔗", paperclip: "📎", pushpin: "📌",
  round_pushpin: "📍", mag: "🔍", mag_right: "🔎", lock: "🔒", unlock: "🔓", key: "🔑", old_key: "🗝️", shield: "🛡️",
  closed_lock_with_key: "🔐", gear: "⚙️", wrench: "🔧", hammer: "🔨", hammer_and_wrench: "🛠️", nut_and_bolt: "🔩",
  electric_plug: "🔌", battery: "🔋", satellite_antenna: "📡", globe_with_meridians: "🌐", cloud: "☁️", zap: "⚡",
  fire: "🔥", boom: "💥", snowflake: "❄️", sunny: "☀️", partly_sunny: "⛅", rain_cloud: "🌧️", full_moon: "🌕", crescent_moon: "🌙",
  star: "⭐", sparkles: "✨", tada: "🎉", trophy: "🏆", dart: "🎯", rocket: "🚀", robot_face: "🤖", construction: "🚧",
  traffic_light: "🚦", vertical_traffic_light: "🚦", checkered_flag: "🏁", triangular_flag_on_post: "🚩", crossed_flags: "🎌",
  wave: "👋", "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", ok_hand: "👌", raised_hand: "✋", hand: "✋",
  raised_hands: "🙌", clap: "👏", pray: "🙏", point_right: "👉", point_left: "👈", point_up: "☝️", point_down: "👇",
  muscle: "💪", eyes: "👀", speech_balloon: "💬", thought_balloon: "💭", bust_in_silhouette: "👤",
  busts_in_silhouette: "👥", smile: "😄", slightly_smiling_face: "🙂", simple_smile: "🙂", thinking_face: "🤔", sweat_smile: "😅",
  disappointed: "😞", cry: "😢", scream: "😱", sleeping: "😴", relieved: "😌", heart: "❤️", green_heart: "💚",
  broken_heart: "💔", coffee: "☕", seedling: "🌱", ghost: "👻", skull: "💀", bug: "🐛", turtle: "🐢", snail: "🐌",
};

/** The character of a short code without its colons, or null. */
export function glyph(name) {
  return Object.hasOwn(GLYPHS, name) ? GLYPHS[name] : null;
}
