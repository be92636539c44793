"use strict";
// The figure: curve with its band, target, cycle, blood tests, and a lane of doses for each product.

const SVG = "http://www.w3.org/2000/svg";
const LIGHT = { "--page": "#fff", "--ink": "#1a1a1a", "--grey": "#595959", "--line": "#8c8c8c", "--faint": "#d9d9d9", "--blue": "#0072b2",
  "--green": "#007a5a", "--orange": "#d55e00", "--purple": "#8a3f78", "--red": "#b00020" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LANE = 20; // height of a product's doses

function shape(name, attributes = {}, ...children) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, String(value));
  found.append(...children);
  return found;
}

function titled(text) {
  return shape("title", {}, text);
}

function niceStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= wanted * (1 - 1e-9));
}

// Ticks of the time axis: {t, text}; dates at midnight, or days.
function timeTicks(clock, begin, end, count) {
  const wanted = (end - begin) / 24 / count, found = [];
  const step = [1, 2, 3, 7, 14, 28, 56, 91, 182, 364].find((one) => one >= wanted) || niceStep(wanted);
  if (!clock.dated) {
    const small = wanted < 0.6 ? niceStep(wanted) : step;
    for (let i = Math.ceil(begin / 24 / small - 1e-9); i * small * 24 <= end + 1e-6; i += 1) {
      found.push({ t: 24 * i * small, text: trim(i * small, 3) });
    }
    return found;
  }
  const shift = clock.zero + clock.offset;
  let year = null;
  for (let day = Math.ceil((begin + shift) / 24 - 1e-9); day * 24 - shift <= end + 1e-6; day += step) {
    const date = new Date(day * 24 * HOUR), here = date.getUTCFullYear();
    const said = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    found.push({ t: day * 24 - shift, text: said, more: here === year ? "" : String(here) });
    year = here;
  }
  return found;
}

// The cycle at t: {low, median, high} in pg/mL, repeated, linear between days.
function cycleAt(cycle, start, t) {
  const length = cycle.median.length, day = (((t - start) / 24) % length + length) % length;
  const i = Math.floor(day), j = (i + 1) % length, part = day - i;
  const mix = (list) => list[i] + part * (list[j] - list[i]);
  return { low: mix(cycle.low), median: mix(cycle.median), high: mix(cycle.high) };
}

function drawFigure(seen, width) {
  const size = width < 560 ? 12 : 13.5, left = 4.1 * size, right = width - 10;
  const legend = legendOf(seen, left, right, size);
  const top = legend.height + 12, high = width < 560 ? 250 : 330, base = top + high;
  const lanes = [...new Set([...seen.doses, ...seen.missed].map((dose) => dose.product))];
  const bottom = base + 6 + LANE * lanes.length, height = bottom + 3.6 * size + (seen.clock.dated ? size : 0);
  const most = topOf(seen), step = niceStep(most / 5), ceiling = step * Math.ceil(most / step - 1e-9);
  const x = (t) => left + ((t - seen.begin) / (seen.end - seen.begin)) * (right - left);
  const y = (value) => base - (value / ceiling) * high;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height.toFixed(1)}`, role: "img", "aria-labelledby": "figure-title figure-text" });
  svg.append(shape("title", { id: "figure-title" }, "Level of estradiol over time"),
    shape("desc", { id: "figure-text" }, describe(seen)),
    shape("clipPath", { id: "inside" }, shape("rect", { x: left, y: top, width: right - left, height: high })));
  svg.append(legend.group);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (String(step).includes("25") && step < 10 ? 1 : 0));
  for (let i = 0; i * step <= ceiling * (1 + 1e-9); i += 1) {
    svg.append(shape("line", { x1: left, x2: right, y1: y(i * step), y2: y(i * step), stroke: "var(--faint)" }),
      shape("text", { x: left - 7, y: y(i * step) + size * 0.35, "font-size": size, "text-anchor": "end" }, trim(i * step, decimals)));
  }
  svg.append(layers(seen, x, y, top, base, left, right));
  svg.append(shape("line", { x1: left, x2: right, y1: base, y2: base, stroke: "var(--ink)" }));
  lanes.forEach((name, i) => svg.append(lane(seen, name, base + 6 + LANE * i, x, left, right, size)));
  for (const tick of timeTicks(seen.clock, seen.begin, seen.end, Math.max(3, (right - left) / (seen.clock.dated ? 72 : 52)))) {
    const at = Math.min(Math.max(x(tick.t), left), right);
    svg.append(shape("line", { x1: at, x2: at, y1: bottom, y2: bottom + 5, stroke: "var(--ink)" }),
      shape("text", { x: at, y: bottom + 6 + size, "font-size": size, "text-anchor": at > right - 20 ? "end" : "middle" }, tick.text));
    if (tick.more) svg.append(shape("text", { x: at, y: bottom + 6 + 2.1 * size, "font-size": size, "text-anchor": "middle" }, tick.more));
  }
  svg.append(shape("line", { x1: left, x2: right, y1: bottom, y2: bottom, stroke: "var(--ink)" }));
  svg.append(shape("text", { x: (left + right) / 2, y: height - 4, "font-size": size, "text-anchor": "middle" },
    seen.clock.dated ? "date" : "time (d)"));
  svg.append(shape("text", { x: size, y: top + high / 2, "font-size": size, "text-anchor": "middle",
    transform: `rotate(-90 ${size} ${top + high / 2})` }, `estradiol (${seen.unit})`));
  const cursor = shape("line", { id: "cursor", x1: -9, x2: -9, y1: top, y2: bottom, stroke: "var(--ink)", "stroke-dasharray": "2 2" });
  svg.append(cursor);
  return { svg, x, at: (place) => seen.begin + ((place - left) / (right - left)) * (seen.end - seen.begin), cursor, width };
}

function topOf(seen) {
  const inside = (list) => list.filter((one) => one.time_h >= seen.begin && one.time_h <= seen.end).map((one) => one.value * seen.scale);
  const most = (list) => list.reduce((found, value) => Math.max(found, value), 0);
  const own = most(seen.own) * seen.scale, high = most(seen.high) * seen.scale;
  return 1.04 * Math.max(own, Math.min(high, 2.5 * own), most(inside(seen.levels)), seen.target ? seen.target.high : 0,
    seen.cycle ? 1.02 * most(seen.cycle.high) * seen.scale : 0, 1e-6);
}

function pathOf(times, values, x, y) {
  return times.map((t, i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(values[i]).toFixed(1)}`).join("");
}

function layers(seen, x, y, top, base, left, right) {
  const group = shape("g", { "clip-path": "url(#inside)" });
  const scaled = (list) => list.map((value) => value * seen.scale);
  if (seen.target) {
    const { low, high } = seen.target;
    group.append(shape("rect", { x: left, width: right - left, y: y(high), height: Math.max(0, y(low) - y(high)), fill: "var(--green)",
      "fill-opacity": 0.12, class: "target" }, titled(`wanted: ${low} to ${high} ${seen.unit}`)));
    for (const edge of [low, high]) {
      group.append(shape("line", { x1: left, x2: right, y1: y(edge), y2: y(edge), stroke: "var(--green)", "stroke-dasharray": "2 3",
        "stroke-width": 1.2 }));
    }
  }
  if (seen.cycle) {
    const times = [], days = (seen.end - seen.begin) / 24, every = days > 400 ? 24 : 6;
    for (let t = seen.begin; t < seen.end; t += every) times.push(t);
    times.push(seen.end);
    const all = times.map((t) => cycleAt(seen.cycle, seen.cycle.start, t));
    const back = [...times].reverse(), lows = scaled(all.map((one) => one.low)).reverse();
    group.append(shape("path", { d: `${pathOf(times, scaled(all.map((one) => one.high)), x, y)}${pathOf(back, lows, x, y).replace("M", "L")}Z`,
      fill: "var(--purple)", "fill-opacity": 0.13, class: "cycle" }),
    shape("path", { d: pathOf(times, scaled(all.map((one) => one.median)), x, y), fill: "none", stroke: "var(--purple)", "stroke-width": 1.5,
      "stroke-dasharray": "1 3", "stroke-linecap": "round" }));
  }
  const back = [...seen.times].reverse(), lows = scaled(seen.low).reverse();
  group.append(
    shape("path", { d: `${pathOf(seen.times, scaled(seen.high), x, y)}${pathOf(back, lows, x, y).replace("M", "L")}Z`, fill: "var(--blue)",
      "fill-opacity": 0.2, class: "band" }),
    shape("path", { d: pathOf(seen.times, scaled(seen.median), x, y), fill: "none", stroke: "var(--grey)", "stroke-width": 1.6,
      "stroke-dasharray": "7 4", class: "median" }),
    shape("path", { d: pathOf(seen.times, scaled(seen.own), x, y), fill: "none", stroke: "var(--blue)", "stroke-width": 2.2,
      "stroke-linejoin": "round", class: "own" }));
  for (const one of seen.levels) {
    const at = x(one.time_h), value = one.value * seen.scale, place = y(value);
    const text = titled(`blood test: ${{ none: "", below: "below ", above: "above " }[one.bound]}${figure(value, 4)} ${seen.unit}, ${sayTime(seen.clock, one.time_h)}`);
    const mark = { fill: one.bound === "none" ? "var(--orange)" : "var(--page)", stroke: one.bound === "none" ? "var(--ink)" : "var(--orange)",
      "stroke-width": one.bound === "none" ? 1.2 : 2, class: "level" };
    const turned = one.bound === "above" ? -1 : 1;
    group.append(one.bound === "none" ? shape("circle", { cx: at, cy: place, r: 5, ...mark }, text)
      : shape("path", { d: `M${at - 6} ${place - 5 * turned}L${at + 6} ${place - 5 * turned}L${at} ${place + 5 * turned}Z`, ...mark }, text));
  }
  return group;
}

function lane(seen, name, top, x, left, right, size) {
  const group = shape("g"), colour = seen.colours[name], middle = top + LANE / 2;
  const label = name.length > 6 ? name.replace("patch-", "p-").slice(0, 7) : name;
  group.append(shape("text", { x: left - 7, y: middle + size * 0.33, "font-size": size - 1.5, "text-anchor": "end", class: "grey" }, label, titled(name)));
  const mine = seen.doses.filter((dose) => dose.product === name && dose.time_h <= seen.end && dose.time_h + dose.worn_h >= seen.begin);
  let free = -Infinity, said = null;
  mine.forEach((dose) => {
    const from = Math.max(x(dose.time_h), left), to = Math.min(Math.max(x(dose.time_h + dose.worn_h) - 1, from + 2), right + 2);
    const text = `${trim(dose.amount, 4)} ${dose.unit}`, wide = text.length * size * 0.5;
    group.append(shape("rect", { x: from - 1, y: top + 2, width: to - from + (dose.worn_h > 0 ? 0 : 1), height: LANE - 5, fill: colour,
      "fill-opacity": dose.worn_h > 0 ? 0.55 : 1, class: "dose" },
    titled(`${text} ${name}, dose ${dose.number}${dose.moved ? " (moved)" : ""}${dose.steady ? ", at steady state" : ""}, ${sayTime(seen.clock, dose.time_h)}`)));
    const next = [...mine, ...seen.missed.filter((one) => one.product === name)].map((other) => other.time_h).filter((t) => t > dose.time_h);
    const room = next.length ? x(Math.min(...next)) - 4 : right + 4;
    if (dose.worn_h === 0 && text !== said && from > free && from + 5 + wide < room) {
      group.append(shape("text", { x: from + 5, y: middle + size * 0.3, "font-size": size - 2.5 }, text));
      free = from + 5 + wide;
      said = text;
    }
  });
  for (const dose of seen.missed.filter((one) => one.product === name && one.time_h >= seen.begin && one.time_h <= seen.end)) {
    const at = x(dose.time_h);
    group.append(shape("path", { d: `M${at - 4} ${middle - 5}l8 8m0 -8l-8 8`, stroke: "var(--red)", "stroke-width": 1.8, fill: "none", class: "missed" },
      titled(`dose ${dose.number} of ${name} missed, ${sayTime(seen.clock, dose.time_h)}`)));
  }
  return group;
}

function legendOf(seen, left, right, size) {
  const line = { x1: 0, x2: 24, y1: 0, y2: 0 }, box = { x: 0, y: -6, width: 24, height: 12 };
  const entries = [[shape("line", { ...line, stroke: "var(--blue)", "stroke-width": 2.2 }), seen.ownName],
    [shape("rect", { ...box, fill: "var(--blue)", "fill-opacity": 0.2 }), seen.bandName],
    [shape("line", { ...line, stroke: "var(--grey)", "stroke-width": 1.6, "stroke-dasharray": "7 4" }), "median"]];
  if (seen.levels.length) entries.push([shape("circle", { cx: 12, cy: 0, r: 5, fill: "var(--orange)", stroke: "var(--ink)" }), "blood test"]);
  if (seen.target) entries.push([shape("rect", { ...box, fill: "var(--green)", "fill-opacity": 0.15, stroke: "var(--green)", "stroke-dasharray": "2 3" }), "wanted"]);
  if (seen.cycle) entries.push([shape("rect", { ...box, fill: "var(--purple)", "fill-opacity": 0.2 }), "menstrual cycle, 5–95 %"]);
  if (seen.missed.length) entries.push([shape("path", { d: "M8 -4l8 8m0 -8l-8 8", stroke: "var(--red)", "stroke-width": 1.8 }), "missed"]);
  const group = shape("g", { "aria-hidden": "true" });
  let at = left, row = 14;
  for (const [sign, text] of entries) {
    const wide = 32 + text.length * size * 0.53;
    if (at > left && at + wide > right) { at = left; row += size + 8; }
    group.append(shape("g", { transform: `translate(${at.toFixed(1)} ${row})` }, sign, shape("text", { x: 30, y: size * 0.35, "font-size": size }, text)));
    at += wide + 12;
  }
  return { group, height: row + 8 };
}

function describe(seen) {
  const tests = seen.levels.length ? `${seen.levels.length} blood tests` : "no blood test";
  return `${seen.ownName} with its band from ${sayTime(seen.clock, seen.begin)} to ${sayTime(seen.clock, seen.end)}, `
    + `${seen.doses.length} doses, ${tests}${seen.target ? `, the range ${seen.target.low} to ${seen.target.high} ${seen.unit} shaded` : ""}.`;
}

// The figure as a file of its own, in the colours of paper.
function svgFile(svg) {
  const own = svg.cloneNode(true);
  own.setAttribute("xmlns", SVG);
  own.setAttribute("font-family", "Arial, Helvetica, sans-serif");
  own.querySelector("#cursor").remove();
  return own.outerHTML.replace(/var\((--\w+)\)/g, (_, name) => LIGHT[name]);
}
