"use strict";
// A person's own curve from their blood tests, on the page: of the many persons whom the cards expect, each counts as much as
// it explains the tests (importance sampling), and draws are taken by weight. Prior and error are those of the package.

const CARRIED = 100; // draws that the weights must be worth, or a fit is rough
const LEAST = 10; // under which there is no band to draw
const MISSED = 4; // SDs of the error beyond which a test is not explained
const RARE = 0.01; // probability, over all tests, under which one is named
const EFFORT = 1e6; // doses times persons that are followed at most
const FITTED = { key: null, found: null };

// The persons of a product as parameters (k1, k2, k, level of 1 mg): logarithms in 65,535 steps between their extremes.
function crowdOf(data, name) {
  const { low, high, steps } = data.crowd.products[name];
  return Float64Array.from(shorts(steps), (step, i) => Math.exp(low[i % 4] + ((high[i % 4] - low[i % 4]) * step) / 65535));
}

function shorts(text) {
  const raw = atob(text);
  return Uint16Array.from({ length: raw.length / 2 }, (_, i) => raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8));
}

// What the body makes by itself, for each person: the plan's own, or what is expected of anybody.
function baselines(data, plan, count) {
  const { low, high, steps } = data.crowd.normal, own = plan.body.baseline > 0 || plan.body.start;
  const { baseline, sd } = own ? plan.body : data.crowd.expected;
  return Float64Array.from(shorts(steps).subarray(0, count), (step) => baseline * Math.exp(sd * (low + ((high - low) * step) / 65535)));
}

// The logarithm of the standard normal's probability below z.
function logBelow(z) {
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (Math.abs(z) < 3) {
    let term = z, sum = z;
    for (let n = 1; n < 80; n += 1) { term *= (z * z) / (2 * n + 1); sum += term; }
    return Math.log(0.5 + density * sum);
  }
  let below = Math.abs(z);
  for (let n = 100; n > 0; n -= 1) below = Math.abs(z) + n / below;
  return z < 0 ? -0.5 * z * z - 0.5 * Math.log(2 * Math.PI) - Math.log(below) : Math.log1p(-density / below);
}

function spreadAt(data, level) {
  return Math.hypot(data.residual.additive, data.residual.proportional * level);
}

// The log likelihood of one test at a level (without a constant), and the probability that a test there is lower.
function tested(data, level, one) {
  const sd = spreadAt(data, level), z = (one.value - level) / sd, below = logBelow(z);
  return [one.bound === "none" ? -0.5 * z * z - Math.log(sd) : one.bound === "below" ? below : logBelow(-z), Math.exp(below)];
}

// Weights that add up to 1, from their logarithms.
function shares(logs) {
  const most = Math.max(...logs), weights = logs.map((one) => Math.exp(one - most));
  const total = weights.reduce((sum, one) => sum + one, 0);
  return weights.map((one) => one / total);
}

function worthOf(weights) {
  return 1 / weights.reduce((sum, weight) => sum + weight * weight, 0);
}

// The weights of all persons, which add up to 1, with their parameters.
function weighed(data, plan) {
  const last = Math.max(...plan.levels.map((one) => one.time_h)), doses = plan.doses.filter((dose) => dose.time_h <= last);
  const count = Math.min(data.crowd.count, Math.max(512, Math.floor(EFFORT / Math.max(doses.length, 1))));
  const crowd = {};
  for (const name of new Set(plan.doses.map((dose) => dose.product))) crowd[name] = crowdOf(data, name);
  const made = baselines(data, plan, count), past = { doses, body: plan.body };
  const logs = plan.levels.map(() => new Float64Array(count)), below = plan.levels.map(() => new Float64Array(count));
  for (let i = 0; i < count; i += 1) {
    const curve = curveOf(past, (name) => parameters(crowd[name], i), made[i]);
    plan.levels.forEach((one, j) => { [logs[j][i], below[j][i]] = tested(data, curve.level(one.time_h), one); });
  }
  const sums = Float64Array.from({ length: count }, (_, i) => logs.reduce((sum, one) => sum + one[i], 0));
  return { crowd, baselines: made, weights: shares(sums), odd: oddOf(plan.levels, sums, logs, below) };
}

// The test that the others contradict most, or else that fewest persons have, where that is rare: by the package's limits.
// Each gives the probability that a test is lower: by what the others foretell (where enough persons explain them), and of anybody.
function oddOf(levels, sums, logs, below) {
  const rare = (one, p) => levels.length * (one.bound === "below" ? p : one.bound === "above" ? 1 - p : 2 * Math.min(p, 1 - p));
  const found = levels.map((one, j) => {
    const others = shares(sums.map((sum, i) => sum - logs[j][i])), known = levels.length > 1 && worthOf(others) >= LEAST;
    const among = known ? others.reduce((sum, weight, i) => sum + weight * below[j][i], 0) : NaN;
    const anybody = below[j].reduce((sum, one) => sum + one, 0) / below[j].length;
    return { number: j + 1, bound: one.bound, among, anybody, contradicted: known ? rare(one, among) : Infinity, unusual: rare(one, anybody) };
  });
  const least = (name) => found.reduce((a, b) => (b[name] < a[name] ? b : a));
  const [accused, strange] = [least("contradicted"), least("unusual")];
  if (accused.contradicted < RARE) return { ...accused, kind: "contradicted" };
  return strange.unusual < RARE ? { ...strange, kind: "unusual" } : null;
}

function oddSaid(odd) {
  if (!odd) return "";
  const p = odd.kind === "contradicted" ? odd.among : odd.anybody, share = `${Math.max(p, 1 - p) > 0.9999 ? "more than 99.99" : figure(100 * Math.max(p, 1 - p), 4)} %`;
  const side = odd.bound === "none" ? `${p > 0.5 ? "above" : "below"} ${share}` : `${odd.bound} a limit where ${share} are not`;
  return odd.kind === "contradicted"
    ? `Blood test ${odd.number} is ${side} of what the others foretell: they contradict it. Check its unit, its time and the doses.`
    : `Blood test ${odd.number} is ${side} of what persons have under this plan. Check its unit, its time and the doses.`;
}

// As many persons as `count`, by weight, at even steps of the cumulative weight.
function takenBy(weights, count) {
  const found = [];
  let sum = weights[0], i = 0;
  for (let n = 0; n < count; n += 1) {
    while (sum < (n + 0.5) / count && i < weights.length - 1) sum += weights[(i += 1)];
    found.push(i);
  }
  return found;
}

// The basis of a person fitted here: draws by weight, and a centre at the mean of the logarithms.
function fittedHere(data, plan) {
  if (!plan.levels.length) {
    throw new Fault("There is no blood test to fit to; add one, or choose another band.", { table: "plan", field: "basis" });
  }
  const key = JSON.stringify([plan.doses, plan.levels, plan.body]);
  if (FITTED.key === key) return FITTED.found;
  const { crowd, baselines: made, weights, odd } = weighed(data, plan), taken = takenBy(weights, data.count);
  const mean = (value) => Math.exp(weights.reduce((sum, weight, i) => sum + weight * Math.log(value(i)), 0));
  const draws = {}, centres = {};
  for (const [name, list] of Object.entries(crowd)) {
    draws[name] = Float64Array.from({ length: 4 * data.count }, (_, i) => list[4 * taken[i >> 2] + (i & 3)]);
    centres[name] = Float64Array.from([0, 1, 2, 3], (j) => mean((i) => list[4 * i + j]));
  }
  const worth = worthOf(weights);
  const basis = { key: "here", label: "this person", draws, centre: centres, baseline: Float64Array.from(taken, (i) => made[i]),
    centre_baseline: mean((i) => made[i]), worth, odd, persons: weights.length };
  basis.missed = missedBy(data, curveOf(plan, (name) => parameters(centres[name]), basis.centre_baseline), plan.levels);
  if (worth < LEAST) {
    throw new Fault(`Of ${said(weights.length)} possible persons fewer than ${LEAST} explain the blood tests: no band can be made of them. ${oddSaid(odd)} ${missedSaid(basis.missed)}`
      + ` ${CLOSER} Or choose another band.`, { table: "plan", field: "basis" });
  }
  basis.sentence = saidOf(basis, plan.levels.length);
  Object.assign(FITTED, { key, found: basis });
  return basis;
}

// The tests that a curve does not explain: [number, SDs].
function missedBy(data, curve, levels) {
  return levels.map((one, i) => {
    const level = curve.level(one.time_h), off = (one.value - level) / spreadAt(data, level);
    return [i + 1, (one.bound === "below" && off > 0) || (one.bound === "above" && off < 0) ? 0 : off];
  }).filter(([, off]) => !(Math.abs(off) <= MISSED));
}

function said(count) {
  return Number(count.toPrecision(4)).toLocaleString("en");
}

const CLOSER = "Save the plan and give it to the program, which searches on: individose hormone fit plan.json.";

function missedSaid(missed) {
  return missed.map(([i, off]) => `Blood test ${i} lies ${figure(Math.abs(off), 2)} SDs of its error ${off > 0 ? "above" : "below"} `
    + "the nearest curve, which does not explain it: check the doses, its time and its unit.").join(" ");
}

function saidOf({ worth, persons, missed, odd }, count) {
  const tests = count === 1 ? "one blood test" : `${count} blood tests`;
  return `The band is that of this person, given ${tests}; how persons differ, from which it starts, is an assumption of the cards. `
    + `Of ${said(persons)} possible persons about ${said(Number(worth.toPrecision(2)))} explain the tests. ${missedSaid(missed) || oddSaid(odd)}`
    + (worth < CARRIED ? ` They are few, and the band is rough. ${CLOSER}` : "");
}

function basisOf(data, plan, key) {
  return key === "here" ? fittedHere(data, plan) : data.bases.find((one) => one.key === key);
}
