"use strict";
// A document's courses as single doses up to the horizon: the rules of the package's events.plan, in hours and mg.

const MOST = 10000; // doses of one plan; more would be a slip
const LATEST = 4; // intervals that a patch may be worn where a steady state is asked for

// {clock, doses, levels, begin, end, body} of a document; throws a Fault where it cannot be.
function planOf(data, document) {
  const read = [], time = (value) => {
    const found = readTime(value);
    read.push(found);
    return found;
  };
  const courses = document.courses.map((one) => ({
    one, product: productNamed(data, one.product),
    starts: (one.times || [one.start]).map(time), until: one.until === undefined ? null : time(one.until),
    moved: (one.moved || []).map((move) => [move.dose, time(move.to)]),
  }));
  const levels = (document.levels || []).map((one) => ({ one, at: time(one.time) }));
  const horizon = document.horizon === undefined ? null : time(document.horizon);
  const clock = clockOf(read);
  if (clock.mixed) {
    throw new Fault("Times are of several kinds; write all as days, or all as dates (none or all with an offset).",
      { table: "plan" });
  }
  const on = (found) => (found === null ? null : found.h - clock.zero);
  const flat = courses.flatMap(({ one, product, starts, until, moved }, course) => starts.map((start) => ({
    course, product, start: on(start), interval: 24 * (one.every || 0), count: one.count || null, until: on(until),
    worn: product.form === "patch" ? (one.worn !== undefined ? 24 * one.worn : product.worn_h) : 0,
    amount: one.amount, first: one.first_amounts || [], steady: Boolean(one.steady_state),
    missed: new Set(one.missed || []), moved: new Map(moved.map(([n, to]) => [n, on(to)])),
  })));
  const end = horizon === null ? lastOf(flat) : on(horizon);
  const doses = flat.flatMap((course) => dosesOf(course, end)).sort((a, b) => a.time_h - b.time_h);
  if (!doses.length) {
    throw new Fault(`No dose is given up to the end, ${sayTime(clock, end)}; move the end behind the first dose.`,
      { table: "plan", field: "horizon" });
  }
  if (doses.length > MOST) {
    throw new Fault(`The plan has more than ${MOST} doses; correct an interval, or end it earlier.`, { table: "plan" });
  }
  return { clock, doses, end, begin: doses[0].time_h, levels: levels.map(({ one, at }) => levelOn(data, one, on(at))),
    body: bodyOf(data, document, doses[0].time_h) };
}

function lastOf(flat) {
  return Math.max(...flat.map((one) => {
    let last = one.start + ((one.count || 1) - 1) * one.interval;
    if (one.interval > 0 && one.count === null) {
      last = one.until !== null ? one.until : one.start + Math.max(28 * 24, 4 * one.interval);
    }
    return Math.max(last, ...one.moved.values()) + (one.interval || 28 * 24);
  }));
}

function dosesOf(course, horizon) {
  const end = course.until === null ? horizon : Math.min(course.until, horizon);
  const latest = end * (1 + 1e-12) + 1e-9;
  let last = course.count !== null ? course.count : course.interval <= 0 ? 1 : null;
  if (last === null) {
    last = Math.max(0, Math.floor(((end - course.start) / course.interval) * (1 + 1e-12) + 1e-9) + 1);
  }
  const found = [];
  let carries = course.steady;
  for (let number = 1; number <= Math.min(last, MOST + 1); number += 1) {
    const planned = course.start + (number - 1) * course.interval;
    const time_h = course.moved.has(number) ? course.moved.get(number) : planned;
    if (course.missed.has(number) || time_h > latest) continue;
    const amount = number <= course.first.length ? course.first[number - 1] : course.amount;
    found.push({ product: course.product.name, course: course.course, number, amount, unit: course.product.unit,
      moved: course.moved.has(number), time_h, mg: amount * course.product.mg_per_unit, worn_h: course.worn,
      steady: carries, interval_h: course.interval });
    carries = false;
  }
  return found;
}

// The doses that were missed, for the drawing.
function missedOf(data, document, plan) {
  const found = [];
  document.courses.forEach((one, course) => {
    for (const number of one.missed || []) {
      const time_h = readTime(one.start).h - plan.clock.zero + (number - 1) * 24 * (one.every || 0);
      if (time_h <= plan.end) found.push({ course, number, time_h, product: one.product });
    }
  });
  return found;
}

function inPg(data, value, unit) {
  const [own, scale] = levelUnit(unit);
  return value * scale * (own === "pmol/L" ? data.molar_mass / 1000 : 1);
}

function levelOn(data, one, time_h) {
  const bound = one.below_limit ? "below" : one.above_limit ? "above" : "none";
  return { time_h, value: inPg(data, one.value, one.unit), bound };
}

// What a level holds beside the products, in pg/mL.
function bodyOf(data, document, begin) {
  const start = document.start_level;
  return {
    baseline: document.baseline ? inPg(data, document.baseline.value, document.baseline.unit) : 0,
    sd: document.baseline ? document.baseline.sd_log || 0 : 0,
    start: start ? { value: inPg(data, start.value, start.unit), from: begin,
      rate: Math.LN2 / (24 * start.half_life * span(start.half_life_unit || "d", "half_life_unit")) } : null,
  };
}
