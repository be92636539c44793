"use strict";
// Curves of a plan, their band (one draw of the parameters for each whole curve, never one for each dose), and what is read
// off them. Levels are pg/mL.

const QUANTITIES = ["average", "auc", "peak", "tpeak", "minimum", "tminimum", "trough", "highest_trough"];

// Doubles as they were embedded: base64 of little-endian float64.
function doubles(text) {
  if (typeof text !== "string") return text; // made on the page
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return new Float64Array(bytes.buffer);
}

// The parameters of a product: rates per h, and the level (pg/mL) that 1 mg in the blood stands for.
function parameters(list, at = 0) {
  return { k1: list[4 * at], k2: list[4 * at + 1], k: list[4 * at + 2], scale: list[4 * at + 3] };
}

// One curve: the courses of all products of a plan, at one set of parameters.
function curveOf(plan, chosen, baseline = null) {
  const parts = [];
  for (const name of new Set(plan.doses.map((dose) => dose.product))) {
    const rates = chosen(name);
    parts.push({ rates, course: follow(rates, plan.doses.filter((dose) => dose.product === name)) });
  }
  const { start } = plan.body;
  const constant = baseline === null ? plan.body.baseline : baseline;
  const rest = (t) => constant + (start && t >= start.from ? start.value * Math.exp(-start.rate * (t - start.from)) : 0);
  return {
    level: (t) => parts.reduce((sum, one) => sum + one.rates.scale * levelAt(one.rates, one.course, t), rest(t)),
    slope: (t) => parts.reduce((sum, one) => sum + one.rates.scale * slopeAt(one.rates, one.course, t),
      start && t >= start.from ? -start.rate * start.value * Math.exp(-start.rate * (t - start.from)) : 0),
    area: (a, b) => {
      const since = start ? Math.max(a, start.from) : b;
      const falling = start && b > since
        ? (start.value / start.rate) * (Math.exp(-start.rate * (since - start.from)) - Math.exp(-start.rate * (b - start.from)))
        : 0;
      return parts.reduce((sum, one) => sum + one.rates.scale * areaBetween(one.rates, one.course, a, b),
        constant * (b - a) + falling);
    },
    turns: parts.flatMap((one) => one.course.map((piece) => piece.from)),
  };
}

// The published curve, or a fitted person's own.
function centre(data, basis, plan) {
  const own = basis.centre;
  const list = (name) => (own ? doubles(own[name]) : data.products.find((one) => one.name === name).published);
  return curveOf(plan, (name) => parameters(list(name)), basis.centre_baseline === undefined ? null : basis.centre_baseline);
}

// Every draw of a basis as a curve; the draw of a product is the same at each of its doses.
function draws(data, basis, plan) {
  const lists = {}, normal = doubles(data.normal), sd = plan.body.sd || 0;
  const baseline = basis.baseline ? doubles(basis.baseline) : sd > 0 ? normal.map((z) => plan.body.baseline * Math.exp(sd * z)) : null;
  for (const dose of plan.doses) lists[dose.product] = lists[dose.product] || doubles(basis.draws[dose.product]);
  return Array.from({ length: data.count }, (_, i) =>
    curveOf(plan, (name) => parameters(lists[name], i), baseline ? baseline[i] : null));
}

// The quantile of ascending values, linear between them.
function quantile(ascending, probability) {
  const place = probability * (ascending.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (place - below) * (ascending[above] - ascending[below]);
}

function quantiles(values, probability) {
  const ascending = Float64Array.from(values).sort();
  return [0.5 - probability / 2, 0.5, 0.5 + probability / 2].map((p) => quantile(ascending, p));
}

// {low, median, high} of all draws at each time.
function bandOf(curves, times, probability) {
  const found = { low: [], median: [], high: [] };
  for (const t of times) {
    const [low, median, high] = quantiles(curves.map((curve) => curve.level(t)), probability);
    found.low.push(low);
    found.median.push(median);
    found.high.push(high);
  }
  return found;
}

// Times to draw at: evenly, and denser after each dose or removal, where a level turns fastest.
function drawingTimes(plan, begin, end, points) {
  const found = new Set();
  for (let i = 0; i < points; i += 1) found.add(begin + ((end - begin) * i) / (points - 1));
  const events = plan.doses.flatMap((dose) => (dose.worn_h > 0 ? [dose.time_h, dose.time_h + dose.worn_h] : [dose.time_h]))
    .filter((t) => t >= begin && t <= end);
  if (events.length <= 120) for (const t of events) for (const s of [0, 1, 3, 6, 12, 24]) if (t + s <= end) found.add(t + s);
  return [...found].sort((a, b) => a - b);
}

// The window between the last two doses, unless another is asked for.
function windowOf(plan, begin = null, end = null) {
  const times = [...new Set(plan.doses.map((dose) => dose.time_h))];
  const to = end !== null ? end : times.length > 1 && begin === null ? times[times.length - 1] : plan.end;
  const earlier = times.filter((t) => t < to);
  const from = begin !== null ? begin : earlier.length ? earlier[earlier.length - 1] : times[0];
  if (!(from < to)) throw new Fault("The window of the quantities does not run forward.", { table: "plan", field: "from" });
  return [from, to];
}

// The highest and the lowest level between two times: ends, and the roots of the slope between events.
function extremes(curve, begin, end) {
  const cuts = [begin, ...curve.turns.filter((t) => t > begin && t < end).sort((a, b) => a - b), end];
  let peak = { value: -Infinity, t: begin }, minimum = { value: Infinity, t: begin };
  const see = (t) => {
    const value = curve.level(t);
    if (value > peak.value) peak = { value, t };
    if (value < minimum.value) minimum = { value, t };
  };
  for (let c = 0; c + 1 < cuts.length; c += 1) {
    const from = cuts[c], length = cuts[c + 1] - from, steps = 40;
    if (!(length > 0)) continue;
    see(from);
    let before = curve.slope(from), last = from;
    for (let i = 1; i <= steps; i += 1) {
      const t = i === steps ? cuts[c + 1] - 1e-9 * length : from + length * (i / steps) ** 2;
      const slope = curve.slope(t);
      if (before * slope < 0) see(root(curve.slope, last, t, before));
      [last, before] = [t, slope];
    }
  }
  if (cuts.length > 1) see(end);
  return { peak, minimum };
}

// The root of `slope` between two times of opposite signs, by bisection with a secant.
function root(slope, a, b, atA) {
  let low = a, high = b, left = atA, right = slope(b);
  for (let i = 0; i < 80 && high - low > 1e-13 * Math.max(1, Math.abs(high)); i += 1) {
    let middle = low - (left * (high - low)) / (right - left);
    if (i % 3 === 2 || !(middle > low && middle < high)) middle = 0.5 * (low + high);
    const value = slope(middle);
    if (value === 0) return middle;
    if (value * left > 0) [low, left] = [middle, value]; else [high, right] = [middle, value];
  }
  return 0.5 * (low + high);
}

// What one curve comes to in a window: levels pg/mL, area pg/mL.d, times h.
function read(curve, plan, begin, end) {
  const { peak, minimum } = extremes(curve, begin, end);
  const troughs = [...new Set(plan.doses.map((dose) => dose.time_h))].filter((t) => t >= begin && t <= end).map(curve.level);
  const area = curve.area(begin, end);
  return {
    average: area / (end - begin), auc: area / 24, peak: peak.value, tpeak: peak.t, minimum: minimum.value,
    tminimum: minimum.t, trough: Math.min(...troughs), highest_trough: Math.max(...troughs),
  };
}

// Each quantity: {value, low, median, high}.
function quantitiesOf(own, curves, plan, begin, end, probability) {
  const value = read(own, plan, begin, end), all = curves.map((curve) => read(curve, plan, begin, end));
  const found = {};
  for (const name of QUANTITIES) {
    if (!Number.isFinite(value[name])) continue;
    const [low, median, high] = quantiles(all.map((one) => one[name]), probability);
    found[name] = { value: value[name], low, median, high };
  }
  return found;
}

// The half-life of the slowest phase, d.
function halfLife({ k1, k2, k }) {
  return Math.LN2 / Math.min(k1, k2, k) / 24;
}
