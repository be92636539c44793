"use strict";
// Text in and out: tables of a spreadsheet or a CSV file, and the link that holds a whole plan.

const HEADS = {
  product: ["product", "ester", "drug", "model"], amount: ["amount", "dose", "mg", "dose mg"],
  when: ["when", "start", "date", "day", "time", "days", "from"], every: ["every", "interval", "every d", "interval d"],
  count: ["count", "doses", "n", "times"], until: ["until", "to", "end"], worn: ["worn", "worn d", "wear"],
  steady: ["steady", "steady state", "ss"], missed: ["missed"], moved: ["moved"], first: ["first", "first amounts", "loading"],
  level: ["level", "e2", "estradiol", "value", "pg/ml", "pmol/l", "result"], unit: ["unit"], limit: ["limit", "censored"],
};

// The cells of tab-, semicolon- or comma-separated text; quotes as spreadsheets write them.
function cellsOf(text) {
  const body = String(text).replace(/^\uFEFF/, "");
  const line = body.slice(0, body.search(/[\r\n]|$/));
  const separator = line.includes("\t") ? "\t" : line.includes(";") ? ";" : ",";
  const rows = [];
  let row = [], cell = "", quoted = false;
  for (let i = 0; i < body.length; i += 1) {
    const sign = body[i];
    if (quoted) {
      if (sign === '"' && body[i + 1] === '"') { cell += '"'; i += 1; }
      else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === separator) { row.push(cell.trim()); cell = ""; }
    else if (sign === "\n") { row.push(cell.trim()); rows.push(row); row = []; cell = ""; }
    else if (sign !== "\r") cell += sign;
  }
  row.push(cell.trim());
  rows.push(row);
  return rows.filter((one) => one.some(Boolean));
}

function headOf(cell) {
  const said = cell.toLowerCase().replace(/[_]/g, " ").replace(/[,()].*$/, "").trim();
  return Object.keys(HEADS).find((name) => HEADS[name].includes(said)) || null;
}

// What pasted text holds: {rows} of the regimen or {tests}; without a heading, columns stand in the order of the table.
function tableOf(data, text, kind = null) {
  const cells = cellsOf(text);
  if (!cells.length) throw new Fault("There is nothing in what was pasted.");
  const heads = cells[0].map(headOf);
  const headed = heads.filter(Boolean).length >= 2 || (cells[0].length === 1 && heads[0] !== null);
  const unit = headed && /pmol/i.test(cells[0].join(" ")) ? "pmol/L" : "pg/mL";
  const names = headed ? heads : null, body = headed ? cells.slice(1) : cells;
  const levels = names ? names.includes("level") : kind === "levels";
  const order = names || (levels ? ["when", "level", "unit", "limit"] : FIELDS);
  if (!body.length) throw new Fault("Under the heading there is no row.");
  const read = body.map((line) => {
    const found = {};
    order.forEach((name, i) => { if (name && line[i] !== undefined) found[name] = line[i]; });
    return found;
  });
  return levels ? { tests: read.map((one) => testRow(one, unit)) } : { rows: gathered(data, read.map((one) => planRow(data, one))) };
}

function point(text) {
  return /^\d+,\d+$/.test(text || "") ? text.replace(",", ".") : text || ""; // a decimal comma
}

function planRow(data, read) {
  const row = { ...EMPTY, ...read };
  const product = productNamed(data, row.product || "");
  row.product = product ? product.name : row.product;
  row.amount = point(row.amount).replace(/\s*(mg|ug\/d|mcg\/d|µg\/d|mcg|ug|µg)$/i, "");
  for (const name of ["every", "worn"]) row[name] = point(row[name]).replace(/\s*d(ays?)?$/i, "");
  row.count = (row.count || "").replace(/^x\s*/i, "");
  row.steady = /^(true|yes|y|x|1|steady)$/i.test(String(row.steady || ""));
  return row;
}

// Single doses of one product and amount that follow each other become one row with all their times.
function gathered(data, rows) {
  const single = (row) => row.when && FIELDS.slice(3).every((name) => !row[name]);
  const found = [];
  for (const row of rows) {
    const last = found[found.length - 1];
    if (last && single(row) && single(last) && last.product === row.product && last.amount === row.amount) {
      last.when = `${last.when}, ${row.when}`;
    } else found.push(row);
  }
  return found;
}

function testRow(read, unit) {
  const level = point(read.level), bound = /^[<>]/.test(level) ? (level[0] === "<" ? "below" : "above") : "";
  const named = Object.keys(LEVEL).find((one) => one.toLowerCase() === String(read.unit || unit).toLowerCase());
  const [own, scale] = LEVEL[named || unit], value = Number(level.replace(/^[<>]\s*/, ""));
  return { when: read.when || "", level: value > 0 && scale !== 1 ? tidy(value * scale) : level.replace(/^[<>]\s*/, ""),
    unit: own, limit: bound || (/^(below|above)$/.test(read.limit || "") ? read.limit : "") };
}

function csvOf(rows) {
  const cell = (value) => (/[",;\n]/.test(String(value)) ? `"${String(value).replace(/"/g, '""')}"` : String(value));
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function regimenCsv(rows) {
  return csvOf([FIELDS, ...rows.map((row) => FIELDS.map((name) => (name === "steady" ? (row.steady ? "yes" : "") : row[name])))]);
}

function testsCsv(tests) {
  return csvOf([["when", "level", "unit", "limit"], ...tests.map((row) => [row.when, row.level, row.unit, row.limit])]);
}

function curveCsv(plan, times, columns, scale, unit) {
  const rows = times.map((t, i) => [Number((t / 24).toPrecision(15)), sayTime(plan.clock, t),
    ...columns.map((column) => Number((column[i] * scale).toPrecision(12)))]);
  return csvOf([["time_d", "when", `level_${unit}`, "low", "median", "high"], ...rows]);
}

// A plan in a link: its JSON as UTF-8 in URL-safe base64, after the #, which a browser sends to nobody.
function linkText(held) {
  const bytes = encodeURIComponent(JSON.stringify(held)).replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function heldIn(text) {
  try {
    const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(decodeURIComponent([...bytes].map((sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, "0")}`).join("")));
  } catch {
    throw new Fault("The link does not hold a plan that can be read; it may have been cut short.");
  }
}
