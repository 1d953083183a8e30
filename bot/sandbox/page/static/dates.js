// Times as the reader sees them: Slack's date tokens, clock times of messages, day separators.

const DAY = 86_400_000;

function options(format) {
  // Some browsers put a narrow no-break space before AM and PM.
  return (moment, zone) => new Intl.DateTimeFormat("en-US", { timeZone: zone, ...format }).format(moment).replaceAll("\u202f", " ");
}

const long = options({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
const medium = options({ year: "numeric", month: "long", day: "numeric" });
const short = options({ year: "numeric", month: "short", day: "numeric" });
const numeric = options({ year: "numeric", month: "2-digit", day: "2-digit" });
const clock = options({ hour: "numeric", minute: "2-digit" });
const clockWithSeconds = options({ hour: "numeric", minute: "2-digit", second: "2-digit" });

function isoDay(moment, zone) {
  const [month, day, year] = numeric(moment, zone).split("/");
  return `${year}-${month}-${day}`;
}

function pretty(moment, zone, otherwise) {
  const now = Date.now();
  const day = isoDay(moment, zone);
  if (day === isoDay(new Date(now), zone)) return "today";
  if (day === isoDay(new Date(now - DAY), zone)) return "yesterday";
  if (day === isoDay(new Date(now + DAY), zone)) return "tomorrow";
  return otherwise(moment, zone);
}

function ago(moment) {
  const seconds = Math.round((moment.getTime() - Date.now()) / 1000);
  const relative = new Intl.RelativeTimeFormat("en-US", { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(seconds, "second");
}

const TOKENS = {
  date_num: isoDay,
  date: medium,
  date_short: short,
  date_long: long,
  date_pretty: (moment, zone) => pretty(moment, zone, medium),
  date_short_pretty: (moment, zone) => pretty(moment, zone, short),
  date_long_pretty: (moment, zone) => pretty(moment, zone, long),
  time: clock,
  time_secs: clockWithSeconds,
  ago,
};

const capitalised = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Slack's `<!date^…>`: the format with its tokens filled in, or the fallback. `opens` a line: then with a capital. */
export function slackDate(timestamp, format, fallback, zone, { opens = false } = {}) {
  const moment = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(moment.getTime())) return fallback;
  const known = /\{(\w+)\}/g;
  if (![...format.matchAll(known)].every(([, token]) => Object.hasOwn(TOKENS, token))) return fallback;
  const shown = format.replace(known, (_, token) => TOKENS[token](moment, zone));
  return opens ? capitalised(shown) : shown;
}

export function momentOf(ts) {
  return new Date(Number(ts.split(".")[0]) * 1000);
}

export const timeOf = (ts, zone) => clock(momentOf(ts), zone);
export const exactTimeOf = (ts, zone) => `${long(momentOf(ts), zone)} at ${clockWithSeconds(momentOf(ts), zone)}`;
export const dayKeyOf = (ts, zone) => isoDay(momentOf(ts), zone);
export const dayNameOf = (ts, zone) => capitalised(pretty(momentOf(ts), zone, long));

function wallParts(moment, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  return Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
}

/** `YYYY-MM-DDTHH:mm` on the wall of `zone`, as a datetime-local field wants it. */
export function wallTime(seconds, zone) {
  const { year, month, day, hour, minute } = wallParts(new Date(seconds * 1000), zone);
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** Unix seconds of a wall time in `zone`; the inverse of `wallTime`. */
export function fromWallTime(wall, zone) {
  const asUtc = Date.parse(`${wall}:00Z`);
  const shown = (utc) => Date.parse(`${wallTime(utc / 1000, zone)}:00Z`);
  const first = asUtc - (shown(asUtc) - asUtc);
  return (first - (shown(first) - asUtc)) / 1000;
}
