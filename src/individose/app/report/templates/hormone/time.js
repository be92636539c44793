"use strict";
// Times as they are written: days (numbers), or dates and date-times of one clock on the wall (or all with an offset).

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?)?$/;
const HOUR = 3600000;

// {kind: "days" | "date" | "date with offset", h, offset}: hours, of a date since 1970; null for what is no time.
function readTime(text) {
  const written = String(text).trim();
  if (/^[-+−]?(\d+\.?\d*|\.\d+)$/.test(written)) {
    return { kind: "days", h: 24 * Number(written.replace("−", "-")), offset: 0 };
  }
  const found = DATE.exec(written);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, zone] = found;
  const clock = hour === undefined ? 12 : Number(hour); // a date without its hour is noon
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), clock, Number(minute || 0), Number(second || 0));
  const back = new Date(at);
  if (back.getUTCDate() !== Number(day) || clock > 23 || Number(minute || 0) > 59) return null;
  const offset = !zone || zone === "Z" ? 0
    : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) + Number(zone.slice(4)) / 60);
  return { kind: zone ? "date with offset" : "date", h: at / HOUR - offset, offset };
}

// A time of the document: a number of days, or the date in ISO's form.
function writeTime(text) {
  const written = String(text).trim();
  return readTime(written).kind === "days" ? Number(written.replace("−", "-")) : written.replace(" ", "T").replace(/T(\d):/, "T0$1:");
}

function isoOf(h) {
  const text = new Date(Math.round(h * 60) * 60000).toISOString();
  return text.slice(11, 16) === "12:00" ? text.slice(0, 10) : text.slice(0, 16);
}

// A clock counts hours from 0: of days from day 0, of dates from the earliest of the document (as the package does).
function clockOf(times) {
  const kinds = new Set(times.map((time) => time.kind));
  const dated = !kinds.has("days") && times.length > 0;
  const zero = dated ? Math.min(...times.map((time) => time.h)) : 0;
  const offset = dated ? times[0].offset : 0;
  return { mixed: kinds.size > 1, dated, zero, offset };
}

// A time on the clock for people.
function sayTime(clock, h) {
  if (!clock.dated) return `${trim(h / 24, 2)} d`;
  return new Date(Math.round((h + clock.zero + clock.offset) * 60) * 60000).toISOString().slice(0, 16).replace("T", " ");
}

// A number with at most so many decimals.
function trim(value, decimals) {
  return String(Number(value.toFixed(decimals))).replace("-", "−");
}

// A number with so many significant digits, without exponent.
function figure(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)));
  return trim(value, Math.min(12, Math.max(0, digits - 1 - power)));
}
