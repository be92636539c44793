"use strict";
// Rows of the table become a document (hormone/1), and a document becomes doses: the rules are those of the package.

const FIELDS = ["product", "amount", "when", "every", "count", "until", "worn", "steady", "missed", "moved", "first"];
const EMPTY = { product: "", amount: "", when: "", every: "", count: "", until: "", worn: "", steady: false, missed: "",
  moved: "", first: "" };
const MASS = { mg: 1, g: 1000, ug: 1e-3, mcg: 1e-3, ng: 1e-6 }; // mg
const SPAN = { min: 1 / 1440, h: 1 / 24, d: 1, wk: 7, a: 365.25 }; // d
const LEVEL = { "pg/mL": ["pg/mL", 1], "ng/L": ["pg/mL", 1], "ng/dL": ["pg/mL", 10], "ng/mL": ["pg/mL", 1000],
  "pmol/L": ["pmol/L", 1], "nmol/L": ["pmol/L", 1000] };

const SAID = { amount: "dose", when: "from", count: "doses", first: "first doses", missed: "missed doses", moved: "moved doses",
  until: "no dose after", horizon: "end of the plan", baseline: "made by the body" }; // as the page calls its fields

class Fault extends Error {
  constructor(message, place = null) {
    super(message);
    this.place = place; // {table, row, field}
  }
}

function split(text) {
  return String(text).split(/[,;]/).map((part) => part.trim()).filter(Boolean);
}

function numberOf(text) {
  const written = String(text).trim();
  return /^(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(written) ? Number(written) : NaN;
}

function productNamed(data, name) {
  const wanted = String(name).trim().toLowerCase();
  return data.products.find((one) => one.name.toLowerCase() === wanted || one.title.toLowerCase() === wanted);
}

// The document of what the tables hold, or the first fault of each row as `faults`.
function documentOf(data, rows, tests, more) {
  const faults = [], courses = [], levels = [];
  const attempt = (place, work) => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      error.place = { ...place, ...(error.place || {}) };
      faults.push(error);
      return null;
    }
  };
  rows.forEach((row, i) => attempt({ table: "courses", row: i }, () => courses.push(courseOf(data, row))));
  tests.forEach((row, i) => attempt({ table: "levels", row: i }, () => levels.push(levelOf(row))));
  const found = { format: "hormone/1" };
  if (more.id && more.id !== "plan") found.id = more.id;
  Object.assign(found, { time_unit: "d", courses });
  attempt({ table: "plan" }, () => {
    if (String(more.horizon || "").trim()) found.horizon = when(more.horizon, "horizon");
  });
  if (levels.length) found.levels = levels;
  attempt({ table: "plan" }, () => {
    if (String(more.baseline || "").trim()) {
      found.baseline = { value: positive(more.baseline, "baseline", "a level above 0"), unit: more.baseline_unit };
      if (more.baseline_sd) found.baseline.sd_log = more.baseline_sd;
    }
  });
  if (more.start_level) found.start_level = more.start_level;
  if (more.note) found.note = more.note;
  if (!rows.length) faults.push(new Fault("The regimen has no row. Add one.", { table: "plan" }));
  return { document: found, faults };
}

function positive(text, field, what) {
  const value = numberOf(text);
  if (!(value > 0)) throw new Fault(`${SAID[field] || field} is “${text}”; allowed is ${what}, with a point for decimals.`, { field });
  return value;
}

function whole(text, field) {
  if (!/^[1-9]\d*$/.test(String(text).trim())) {
    throw new Fault(`${SAID[field] || field} is “${text}”; allowed is a whole number from 1.`, { field });
  }
  return Number(text);
}

function when(text, field, name = SAID[field] || field) {
  if (!readTime(text)) {
    throw new Fault(`${name} is “${text}”; allowed is a number of days, or a date as 2024-05-01 or 2024-05-01 08:30.`,
      { field });
  }
  return writeTime(text);
}

function courseOf(data, row) {
  const product = productNamed(data, row.product);
  if (!product) {
    throw new Fault(`product is “${row.product}”; there are ${data.products.map((one) => one.name).join(", ")}.`,
      { field: "product" });
  }
  const found = { product: product.name, amount: positive(row.amount, "amount", `an amount above 0 in ${product.unit.replace("ug", "µg")}`),
    unit: product.unit };
  const times = split(row.when).map((one) => when(one, "when"));
  if (!times.length) throw new Fault("from is empty; give the day or date of the first dose.", { field: "when" });
  const repeats = ["every", "count", "until", "missed", "moved", "first"].filter((field) => String(row[field]).trim());
  if (times.length > 1) {
    if (repeats.length || row.steady) {
      const field = repeats[0] || "steady";
      throw new Fault(`from lists ${times.length} times, and ${SAID[field] || field} is given; write a single start, or leave it out.`,
        { field: "when" });
    }
    found.times = times;
  } else {
    found.start = times[0];
  }
  if (String(row.every).trim()) Object.assign(found, { every: positive(row.every, "every", "days above 0"), every_unit: "d" });
  if (String(row.count).trim()) found.count = whole(row.count, "count");
  if (String(row.until).trim()) found.until = when(row.until, "until");
  if (String(row.worn).trim()) {
    if (product.form !== "patch") {
      throw new Fault(`worn is ${row.worn} d; only a patch is worn, and ${product.name} is injected. Leave it out.`,
        { field: "worn" });
    }
    const worn = positive(row.worn, "worn", "days above 0");
    if (24 * worn !== product.worn_h) Object.assign(found, { worn, worn_unit: "d" });
  }
  if (row.steady) found.steady_state = true;
  const first = split(row.first).map((one) => positive(one, "first", `amounts above 0 in ${product.unit}`));
  if (first.length) found.first_amounts = first;
  const missed = split(row.missed).map((one) => whole(one, "missed"));
  if (missed.length) found.missed = missed;
  const moved = split(row.moved).map((one) => {
    const parts = /^(\d+)\s*(?:to|→|=|:)\s*(.+)$/.exec(one);
    if (!parts) throw new Fault(`moved doses is “${one}”; write the dose's number and its time, as in 4 to 30.5.`, { field: "moved" });
    return { dose: whole(parts[1], "moved"), to: when(parts[2], "moved") };
  });
  if (moved.length) found.moved = moved;
  checkCourse(found, product);
  return found;
}

function checkCourse(one, product) {
  const said = `${product.name} ${one.amount} ${product.unit}`, every = one.every || 0;
  if (every === 0 && ((one.count || 1) > 1 || one.until !== undefined || one.steady_state)) {
    throw new Fault(`${said} is repeated without an interval; say how many days lie between two doses.`, { field: "every" });
  }
  const [begin, until] = [one.start, one.until].map((time) => (time === undefined ? null : readTime(time)));
  if (begin && until && begin.kind === until.kind && until.h < begin.h) {
    throw new Fault(`until is ${one.until}, and the first dose is at ${one.start}; exchange the two, or correct one.`, { field: "until" });
  }
  const worn = one.worn !== undefined ? one.worn : product.worn_h / 24;
  if (one.steady_state && worn > LATEST * every) {
    throw new Fault(`${said} is worn ${worn} d and renewed every ${every} d at steady state; at most ${LATEST} intervals.`,
      { field: "worn" });
  }
  const named = [...(one.missed || []), ...(one.moved || []).map((move) => move.dose)];
  const odd = named.find((n) => one.count && n > one.count);
  if (odd) throw new Fault(`dose ${odd} was missed or moved, and there are ${one.count}.`, { field: "missed" });
  const twice = (one.moved || []).find((move) => (one.missed || []).includes(move.dose));
  if (twice) throw new Fault(`dose ${twice.dose} was missed and moved; it is one or the other.`, { field: "moved" });
  if (one.steady_state && (named.includes(1) || one.first_amounts)) {
    throw new Fault("the first dose of a steady state was missed, moved or differs; begin one interval earlier.",
      { field: "steady" });
  }
}

function levelOf(row) {
  const found = { time: when(row.when, "when", "when"), value: positive(row.level, "level", "a level above 0"), unit: row.unit };
  if (row.limit === "below") found.below_limit = true;
  if (row.limit === "above") found.above_limit = true;
  return found;
}

// The tables of a document: the inverse of `documentOf`. Throws a Fault for what is no document, or a unit unknown here.
function rowsOf(data, document) {
  if (!document || document.format !== "hormone/1" || !Array.isArray(document.courses)) {
    throw new Fault("This is no plan: its format should be “hormone/1”, with courses.");
  }
  const days = span(document.time_unit || "d", "time_unit");
  const time = (value) => (typeof value === "number" ? tidy(value * days) : String(value).replace("T", " "));
  const rows = document.courses.map((one) => {
    const product = productNamed(data, one.product || "");
    if (!product) throw new Fault(`There is no product “${one.product}”.`);
    const scale = doseScale(product, one.unit);
    const length = (value, unit) => (value ? tidy(value * span(unit || "d", "unit")) : "");
    return {
      product: product.name, amount: tidy(one.amount * scale),
      when: (one.times && one.times.length ? one.times : [one.start]).map(time).join(", "),
      every: length(one.every, one.every_unit), count: one.count ? String(one.count) : "",
      until: one.until === undefined || one.until === null ? "" : time(one.until), worn: length(one.worn, one.worn_unit),
      steady: Boolean(one.steady_state), missed: (one.missed || []).join(", "),
      moved: (one.moved || []).map((move) => `${move.dose} to ${time(move.to)}`).join(", "),
      first: (one.first_amounts || []).map((amount) => tidy(amount * scale)).join(", "),
    };
  });
  const tests = (document.levels || []).map((one) => {
    const [unit, scale] = levelUnit(one.unit);
    return { when: time(one.time), level: tidy(one.value * scale), unit,
      limit: one.below_limit ? "below" : one.above_limit ? "above" : "" };
  });
  const [unit, scale] = document.baseline ? levelUnit(document.baseline.unit) : ["pg/mL", 1];
  const more = {
    id: document.id || "plan", note: document.note || "",
    horizon: document.horizon === undefined || document.horizon === null ? "" : time(document.horizon),
    baseline: document.baseline ? tidy(document.baseline.value * scale) : "", baseline_unit: unit,
    baseline_sd: document.baseline ? document.baseline.sd_log || 0 : 0, start_level: document.start_level || null,
  };
  return { rows, tests, more };
}

function tidy(value) {
  return String(Number(value.toPrecision(14)));
}

function span(unit, what) {
  if (!(unit in SPAN)) throw new Fault(`${what} is “${unit}”; this page knows ${Object.keys(SPAN).join(", ")}.`);
  return SPAN[unit];
}

function levelUnit(unit) {
  if (!(unit in LEVEL)) throw new Fault(`A level is in “${unit}”; this page knows ${Object.keys(LEVEL).join(", ")}.`);
  return LEVEL[unit];
}

// What turns an amount in `unit` into the unit of the product's label.
function doseScale(product, unit) {
  const [mass, per] = String(unit).split("/"), [own, day] = product.unit.split("/");
  if (!(mass in MASS) || Boolean(per) !== Boolean(day) || (per && !(per in SPAN))) {
    throw new Fault(`A dose of ${product.name} is in “${unit}”; it is written in ${product.unit}.`);
  }
  const scale = (MASS[mass] / MASS[own]) / (per ? SPAN[per] / SPAN[day] : 1);
  return Math.abs(scale - 1) < 1e-12 ? 1 : scale;
}
