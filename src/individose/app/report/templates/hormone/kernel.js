"use strict";
// Levels of a chain depot -> stage -> blood under doses over time, exact also where rates meet. Times in h, rates per h.
//
//   D(r_1, .., r_m; t) = (-1)^(m-1) exp(-r t)[r_1, .., r_m], the divided difference over the rates (>= 0, any order)
//
// as in the package's kinetics/linear (Opitz 1964; McCurdy, Ng & Parlett 1984): near rates by the power series about the
// fastest, all of whose terms are positive; far ones by the recurrence, whose subtraction is harmless there.

const TERMS = 28; // of the series: 2^28 / 30! is under the rounding
const INVERSE_FACTORIAL = [1];
for (let n = 1; n < TERMS + 8; n += 1) INVERSE_FACTORIAL.push(INVERSE_FACTORIAL[n - 1] / n);

// (1 - exp(-x)) / x, smooth through 0.
function quotient(x) {
  return x === 0 ? 1 : -Math.expm1(-x) / x;
}

// D of any number of rates.
function divided(rates, t) {
  const time = Math.max(t, 0), ordered = [...rates].sort((a, b) => a - b), slowest = ordered[0];
  const y = ordered.map((rate) => (rate - slowest) * time);
  const half = Math.exp(-0.5 * slowest * time);
  return (corner(y, 0, y.length - 1) * time ** (y.length - 1) * half) * half;
}

// (-1)^(j-i) exp(-y)[y_i, .., y_j] of ascending y >= 0.
function corner(y, i, j) {
  const count = j - i + 1, spread = y[j] - y[i];
  if (count === 1) return Math.exp(-y[i]);
  if (count === 2) return Math.exp(-y[i]) * quotient(spread);
  if (spread > Math.max(1, count / 2)) return (corner(y, i, j - 1) - corner(y, i + 1, j)) / spread;
  return Math.exp(-y[j]) * series(y, i, j);
}

// exp[z_i, .., z_j] with z = y_j - y >= 0: the sum of h_p(z) / (p + count - 1)!, h_p the complete symmetric polynomials.
function series(y, i, j) {
  const h = new Array(j - i).fill(1);
  let sum = INVERSE_FACTORIAL[j - i];
  for (let p = 1; p < TERMS; p += 1) {
    let below = 0;
    for (let a = 0; a < h.length; a += 1) {
      h[a] = below + (y[j] - y[i + a]) * h[a];
      below = h[a];
    }
    sum += below * INVERSE_FACTORIAL[p + j - i];
  }
  return sum;
}

// The same for two and three rates without lists: what every point of every curve needs.
function divided2(a, b, t) {
  return t * Math.exp(-Math.min(a, b) * t) * quotient(Math.abs(a - b) * t);
}

function divided3(a, b, c, t) {
  const low = Math.min(a, b, c), high = Math.max(a, b, c);
  const middle = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  const y1 = (middle - low) * t, y2 = (high - low) * t, gap = (high - middle) * t;
  let value;
  if (y2 > 1.5) {
    value = (quotient(y1) - Math.exp(-y1) * quotient(gap)) / y2;
  } else {
    let h1 = 1, h2 = 1, sum = 0.5;
    for (let p = 1; p < TERMS; p += 1) {
      h1 *= y2;
      h2 = h1 + gap * h2;
      const term = h2 * INVERSE_FACTORIAL[p + 2];
      sum += term;
      if (term < 1e-18) break;
    }
    value = Math.exp(-y2) * sum;
  }
  return value * t * t * Math.exp(-low * t);
}

// A state: mg that stay in the depot (`free`), patches that are worn (`left` mg, taken off at `until`), mg in the stage (a2)
// and, in the units of the level, in the blood (a3). `rates` are {k1, k2, k}.
function depotOf(state) {
  let sum = state.free;
  for (const patch of state.worn) sum += patch.left;
  return sum;
}

function levelAfter(rates, state, s) {
  const { k1, k2, k } = rates, depot = depotOf(state);
  let found = state.a3 * Math.exp(-k * s);
  if (depot > 0) found += depot * k1 * k2 * divided3(k1, k2, k, s);
  if (state.a2 > 0) found += state.a2 * k2 * divided2(k2, k, s);
  return found;
}

function stageAfter(rates, state, s) {
  return depotOf(state) * rates.k1 * divided2(rates.k1, rates.k2, s) + state.a2 * Math.exp(-rates.k2 * s);
}

// The integral of the level over s hours.
function areaAfter(rates, state, s) {
  const { k1, k2, k } = rates;
  return depotOf(state) * k1 * k2 * divided([k1, k2, k, 0], s) + state.a2 * k2 * divided([k2, k, 0], s)
    + state.a3 * divided([k, 0], s);
}

function advance(rates, state, s) {
  if (s === 0) return state;
  const kept = Math.exp(-rates.k1 * s);
  return {
    free: state.free * kept,
    worn: state.worn.map((patch) => ({ left: patch.left * kept, until: patch.until })),
    a2: stageAfter(rates, state, s),
    a3: levelAfter(rates, state, s),
  };
}

// What a dose adds at its time: itself, or with `steady` what all doses before it at its interval have left as well.
function added(rates, dose) {
  const { k1, k2, k } = rates, T = dose.interval_h, W = dose.worn_h;
  if (!dose.steady) {
    return W > 0
      ? { free: 0, worn: [{ left: dose.mg, until: dose.time_h + W }], a2: 0, a3: 0 }
      : { free: dose.mg, worn: [], a2: 0, a3: 0 };
  }
  const stays1 = -Math.expm1(-k1 * T), stays2 = -Math.expm1(-k2 * T), stays = -Math.expm1(-k * T);
  if (!(W > 0)) {
    const free = dose.mg / stays1;
    const a2 = free * k1 * divided2(k1, k2, T) / stays2;
    const a3 = (free * k1 * k2 * divided3(k1, k2, k, T) + a2 * k2 * divided2(k2, k, T)) / stays;
    return { free, worn: [], a2, a3 };
  }
  const found = { free: 0, worn: [], a2: 0, a3: 0 };
  let n = 0;
  for (; n * T < W; n += 1) { // patches that are still worn, one by one
    const age = n * T;
    found.worn.push({ left: dose.mg * Math.exp(-k1 * age), until: dose.time_h + W - age });
    found.a2 += dose.mg * k1 * divided2(k1, k2, age);
    found.a3 += dose.mg * k1 * k2 * divided3(k1, k2, k, age);
  }
  const past = n * T - W; // and all that were taken off: the geometric series of what one leaves
  const a2 = dose.mg * k1 * divided2(k1, k2, W) / stays2;
  const a3 = (dose.mg * k1 * k2 * divided3(k1, k2, k, W) + a2 * k2 * divided2(k2, k, T)) / stays;
  const rest = advance(rates, { free: 0, worn: [], a2, a3 }, past);
  found.a2 += rest.a2;
  found.a3 += rest.a3;
  return found;
}

// The states just after every dose and every removal, in order of time. Doses {time_h, mg, worn_h, steady, interval_h}.
function follow(rates, doses) {
  const waiting = [...doses].sort((a, b) => a.time_h - b.time_h);
  const course = [];
  let state = { free: 0, worn: [], a2: 0, a3: 0 }, now = waiting.length ? waiting[0].time_h : 0, place = 0;
  for (;;) {
    let next = place < waiting.length ? waiting[place].time_h : Infinity;
    for (const patch of state.worn) next = Math.min(next, patch.until);
    if (next === Infinity) return course;
    state = advance(rates, state, next - now);
    now = next;
    const worn = state.worn.filter((patch) => patch.until > now);
    state = { free: state.free, worn, a2: state.a2, a3: state.a3 };
    for (; place < waiting.length && waiting[place].time_h === now; place += 1) {
      const more = added(rates, waiting[place]);
      state.free += more.free;
      state.worn.push(...more.worn.filter((patch) => patch.until > now));
      state.a2 += more.a2;
      state.a3 += more.a3;
    }
    course.push({ from: now, state });
  }
}

// The place in a course of the state that holds at t, or -1 before all of them.
function placeAt(course, t) {
  let low = -1, high = course.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (course[middle].from <= t) low = middle; else high = middle - 1;
  }
  return low;
}

function levelAt(rates, course, t) {
  const i = placeAt(course, t);
  return i < 0 ? 0 : levelAfter(rates, course[i].state, t - course[i].from);
}

// How fast the level rises, per h.
function slopeAt(rates, course, t) {
  const i = placeAt(course, t);
  if (i < 0) return 0;
  const s = t - course[i].from, state = course[i].state;
  return rates.k2 * stageAfter(rates, state, s) - rates.k * levelAfter(rates, state, s);
}

// The integral of the level from `begin` to `end`.
function areaBetween(rates, course, begin, end) {
  let sum = 0;
  for (let i = Math.max(placeAt(course, begin), 0); i < course.length && course[i].from < end; i += 1) {
    const from = Math.max(course[i].from, begin);
    const to = Math.min(i + 1 < course.length ? course[i + 1].from : Infinity, end);
    if (to > from) sum += areaAfter(rates, advance(rates, course[i].state, from - course[i].from), to - from);
  }
  return sum;
}
