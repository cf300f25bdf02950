const THIN = "\u202f";
const MINUS = "−";
const SUFFIXES = ["", "k", "M", "G", "T", "P"];
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Three significant digits with a suffix: `1.23 M`, `27.0 k`, `0.0123`; whole numbers below ten thousand in full. */
export function short(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return plain(value);
  if (Number.isInteger(value) && size < 10_000) return plain(value);
  if (size < 1000) return significant(value, digits);
  const power = Math.min(Math.floor(Math.log10(Number(size.toPrecision(digits))) / 3), SUFFIXES.length - 1);
  return `${signed((value / 1000 ** power).toPrecision(digits))}${THIN}${SUFFIXES[power]}`;
}

/** So many significant digits, without an exponent while that can be read. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return plain(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15)
    return signed(
      value
        .toExponential(digits - 1)
        .replace("e-", "e−")
        .replace("e+", "e"),
    );
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Number(size.toPrecision(digits)))));
  return signed(value.toFixed(Math.min(decimals, 20)));
}

/** The exact value, thousands apart. */
export function full(value: number): string {
  if (!Number.isFinite(value)) return plain(value);
  const [whole = "", fraction] = String(value).split(".");
  const apart = whole.includes("e") ? whole : whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return signed(fraction === undefined ? apart : `${apart}.${fraction}`);
}

/** A share as `12.3 %`; below 0.1 % with as many decimals as it needs. */
export function percent(share: number, decimals = 1): string {
  const value = share * 100;
  const needed = value !== 0 && Math.abs(value) < 0.1 ? significant(value, 2) : signed(value.toFixed(decimals));
  return `${needed}${THIN}%`;
}

/** `[0.701, 0.734]`: both ends with the digits that tell them apart. */
export function interval(low: number, high: number, digits = 3): string {
  const width = Math.abs(high - low);
  const needed = width > 0 ? Math.max(0, Math.min(12, 1 - Math.floor(Math.log10(width)))) : digits;
  return `[${signed(low.toFixed(needed))}, ${signed(high.toFixed(needed))}]`;
}

/** A change with its sign: `+0.012`, `−3`. */
export function change(value: number, digits = 3): string {
  return value > 0 ? `+${short(value, digits)}` : short(value, digits);
}

export function bytes(size: number): string {
  const power = size < 1 ? 0 : Math.min(Math.floor(Math.log2(size) / 10), BYTES.length - 1);
  const value = size / 1024 ** power;
  return `${power === 0 ? value : value.toPrecision(3)}${THIN}${BYTES[power]}`;
}

/** `1 row`, `27.0 k rows`. */
export function count(value: number, word: string, plural = `${word}s`): string {
  return `${short(value)} ${value === 1 ? word : plural}`;
}

function plain(value: number): string {
  return Number.isNaN(value)
    ? "NaN"
    : value === Infinity
      ? "∞"
      : value === -Infinity
        ? `${MINUS}∞`
        : signed(String(value));
}

function signed(text: string): string {
  return text.startsWith("-") ? MINUS + text.slice(1) : text;
}
