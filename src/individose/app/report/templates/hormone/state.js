"use strict";
// What is on the page: the tables, the settings, and the way back to what they were before.

const VIEW = { unit: "pg/mL", basis: "mean curve", probability: 0.9, low: "", high: "", cycle: false, cycle_start: "", show_from: "", show_to: "",
  from: "", to: "" };

function freshState(data, held) {
  const { rows, tests, more } = tablesOf(data, held.plan);
  const view = { ...VIEW };
  for (const name of Object.keys(VIEW)) if (held.view && typeof held.view[name] === typeof VIEW[name]) view[name] = held.view[name];
  if (view.basis !== "here" && !data.bases.some((one) => one.key === view.basis)) view.basis = data.bases[0].key;
  if (!["pg/mL", "pmol/L"].includes(view.unit)) view.unit = "pg/mL";
  if (!(view.probability > 0 && view.probability < 1)) view.probability = 0.9;
  return { rows, tests, more, view };
}

// The tables of a document that came from outside: whatever is wrong with it is a fault.
function tablesOf(data, document) {
  try {
    return rowsOf(data, document);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("The plan cannot be read: its parts are not those of hormone/1.");
  }
}

// Rows that hold nothing yet are no faults.
function written(state) {
  return { rows: state.rows.filter((row) => row.amount || row.when || row.every),
    tests: state.tests.filter((row) => String(row.level).trim()) };
}

// The document of the state, with the faults at their rows in the tables.
function documentIn(data, state) {
  const { rows, tests } = written(state);
  const found = documentOf(data, rows, tests, state.more);
  for (const fault of found.faults) {
    const from = fault.place.table === "courses" ? rows : fault.place.table === "levels" ? tests : null;
    if (from) fault.place.row = (from === rows ? state.rows : state.tests).indexOf(from[fault.place.row]);
  }
  return found;
}

// What is held by a link: the plan as hormone/1, and the settings that differ from those that a page begins with.
function heldOf(document, view) {
  const settings = Object.fromEntries(Object.entries(view).filter(([name, value]) => value !== VIEW[name]));
  return Object.keys(settings).length ? { plan: document, view: settings } : { plan: document };
}

// A course to follow the others: the last one's product, amount and interval, from the end of the plan on.
function nextRow(data, state, plan) {
  const last = state.rows[state.rows.length - 1];
  if (!last || !plan) return { ...EMPTY, product: last ? last.product : data.products[0].name, amount: "5", when: "0", every: "7", count: "10" };
  const when = plan.clock.dated ? isoOf(plan.end + plan.clock.zero).replace("T", " ") : tidy(plan.end / 24);
  return { ...EMPTY, product: last.product, amount: last.amount, when, every: last.every, count: last.count };
}

// Every time of the state, from days to dates (day 0 at `zero` h since 1970) or back.
function converted(state, zero, toDates) {
  const one = (text) => {
    const found = readTime(text);
    if (!found || (found.kind === "days") !== toDates) return text;
    return toDates ? isoOf(found.h + zero).replace("T", " ") : tidy((found.h - zero) / 24);
  };
  const each = (text) => split(text).map(one).join(", ");
  const next = JSON.parse(JSON.stringify(state));
  for (const row of next.rows) {
    row.when = each(row.when);
    row.until = row.until && one(row.until);
    row.moved = split(row.moved).map((move) => {
      const parts = /^(\d+)\s*(?:to|→|=|:)\s*(.+)$/.exec(move);
      return parts ? `${parts[1]} to ${one(parts[2])}` : move;
    }).join(", ");
  }
  for (const row of next.tests) row.when = one(row.when);
  if (next.more.horizon) next.more.horizon = one(next.more.horizon);
  for (const name of ["cycle_start", "show_from", "show_to", "from", "to"]) if (next.view[name]) next.view[name] = one(next.view[name]);
  return next;
}

// A history of states, as text: `keep` after a change, `back` and `forth` through them.
function historyOf(first) {
  const past = [JSON.stringify(first)];
  let place = 0, kept = 0;
  return {
    keep(state, kind = "") {
      const text = JSON.stringify(state);
      if (text === past[place]) return;
      const joins = kind && kind === this.kind && Date.now() - kept < 1500 && place > 0; // keys typed in a row are one change
      past.splice(joins ? place : place + 1);
      past.push(text);
      place = past.length - 1;
      kept = Date.now();
      this.kind = kind;
    },
    back: () => (place > 0 ? JSON.parse(past[(place -= 1)]) : null),
    forth: () => (place < past.length - 1 ? JSON.parse(past[(place += 1)]) : null),
    can: () => ({ back: place > 0, forth: place < past.length - 1 }),
    kind: "",
  };
}
