"use strict";
// What is computed of a plan for the figure and the tables beside it.

// A time of the settings on the plan's clock, or null where it is empty.
function onClock(plan, text, field) {
  if (!String(text).trim()) return null;
  const found = readTime(text);
  if (!found || (found.kind !== "days") !== plan.clock.dated) {
    throw new Fault(`“${text}” is no ${plan.clock.dated ? "date" : "day"} of this plan.`, { table: "plan", field });
  }
  return found.h - plan.clock.zero;
}

function targetOf(view) {
  if (!view.low.trim() && !view.high.trim()) return null;
  const low = view.low.trim() ? numberOf(view.low) : 0, high = numberOf(view.high);
  if (!(low >= 0 && high > low)) {
    throw new Fault(`The wanted range is “${view.low}” to “${view.high}”; give two levels, the lower first.`, { table: "plan", field: "high" });
  }
  return { low, high };
}

// Everything that is drawn: throws a Fault where a setting cannot be used.
function resultOf(data, document, view, embedded) {
  const plan = planOf(data, document), basis = basisOf(data, plan, view.basis);
  const scale = view.unit === "pmol/L" ? 1000 / data.molar_mass : 1;
  const first = Math.min(plan.begin, ...plan.levels.map((one) => one.time_h)), last = Math.max(plan.end, ...plan.levels.map((one) => one.time_h));
  const from = onClock(plan, view.show_from, "show_from"), to = onClock(plan, view.show_to, "show_to");
  const begin = from === null ? first : from, end = to === null ? last : to;
  if (!(begin < end)) throw new Fault("What is shown ends before it begins.", { table: "plan", field: "show_to" });
  const own = centre(data, basis, plan), all = draws(data, basis, plan);
  const times = embedded ? embedded.times_h : drawingTimes(plan, begin, end, 320);
  const band = embedded || bandOf(all, times, view.probability);
  const window = windowOf(plan, onClock(plan, view.from, "from"), onClock(plan, view.to, "to"));
  const cycle = view.cycle ? { ...data.cycle, start: onClock(plan, view.cycle_start, "cycle_start") ?? plan.begin } : null;
  return {
    plan, clock: plan.clock, begin, end, times, own: embedded ? embedded.published : times.map(own.level), low: band.low, median: band.median,
    high: band.high, scale, unit: view.unit, doses: plan.doses, missed: missedOf(data, document, plan), levels: plan.levels, target: targetOf(view),
    cycle, ownName: basis.centre ? "this person" : "published curve", bandName: `${trim(100 * view.probability, 1)} %, ${basis.label}`,
    curve: own, draws: all, window, quantities: quantitiesOf(own, all, plan, ...window, view.probability), basis,
  };
}

// How far the page's own kernel is from the curve that was embedded, of its highest level.
function selfCheck(data, plan, embedded) {
  const own = centre(data, data.bases.find((one) => one.key === data.initial.basis), plan);
  const most = Math.max(...embedded.published);
  return Math.max(...embedded.times_h.map((t, i) => Math.abs(own.level(t) - embedded.published[i]))) / most;
}

const NAMES = { average: "average", auc: "area under the curve", peak: "peak", minimum: "lowest level (true trough)", trough: "trough, just before a dose",
  highest_trough: "highest trough" };

// The rows of the table of quantities: [what, own, median, interval, when].
function quantityRows(seen) {
  const rows = [], { plan, scale } = seen;
  for (const [name, label] of Object.entries(NAMES)) {
    const one = seen.quantities[name];
    if (!one || (name === "highest_trough" && Math.abs(one.value - seen.quantities.trough.value) < 5e-4 * one.value)) continue;
    const unit = name === "auc" ? `${seen.unit} · d` : seen.unit, at = { peak: "tpeak", minimum: "tminimum" }[name];
    rows.push([`${label}, ${unit}`, figure(one.value * scale, 4), figure(one.median * scale, 4),
      `${figure(one.low * scale, 4)} to ${figure(one.high * scale, 4)}`, at ? sayTime(plan.clock, seen.quantities[at].value) : ""]);
  }
  return rows;
}

// Of one unit of each product in the plan: [product, time to peak, peak, area, half-life].
function productRows(data, seen) {
  return [...new Set(seen.doses.map((dose) => dose.product))].map((name) => {
    const product = data.products.find((one) => one.name === name);
    const rates = parameters(seen.basis.centre ? doubles(seen.basis.centre[name]) : product.published);
    const dose = { product: name, time_h: 0, mg: product.mg_per_unit, worn_h: product.worn_h, steady: false, interval_h: 0 };
    const alone = { doses: [dose], body: { baseline: 0, start: null } }, slow = 24 * halfLife(rates);
    const curve = curveOf(alone, () => rates, 0), { peak } = extremes(curve, 0, 12 * slow + product.worn_h);
    const lives = quantiles(drawList(data, seen.basis, name).map(halfLife), 0.9);
    return [`${name}, ${product.title}`, `${figure(peak.t / 24, 3)} d`, `${figure(peak.value * seen.scale, 3)}`,
      figure((curve.area(0, 60 * slow) * seen.scale) / 24, 4), `${figure(halfLife(rates), 3)} d (${figure(lives[0], 3)} to ${figure(lives[2], 3)})`,
      product.unit.replace("ug", "µg")];
  });
}

function drawList(data, basis, name) {
  const list = doubles(basis.draws[name]);
  return Array.from({ length: data.count }, (_, i) => parameters(list, i));
}
