"use strict";
// The page: its state, what every control does, and the drawing anew after each change.

const COLOURS = ["#e69f00", "#0072b2", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a8a00", "#8c6bb1"];
const SETTINGS = { view: ["unit", "basis", "probability", "low", "high", "cycle", "cycle_start", "show_from", "show_to", "from", "to"],
  more: ["horizon", "baseline", "baseline_unit"] };
const data = JSON.parse(document.getElementById("data").textContent);
const colours = Object.fromEntries(data.products.map((one, i) => [one.name, COLOURS[i % COLOURS.length]]));
const open = new WeakSet();
const at = (id) => document.getElementById(id);
let state, past, seen = null, drawn = null, waiting = null, linked = "";

function begin() {
  const initial = freshState(data, data.initial.held);
  data.initial.key = keyOf(documentIn(data, initial).document, initial.view);
  state = initial;
  try {
    const held = linkedPlan();
    if (held) state = freshState(data, held);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(error.message);
  }
  past = historyOf(state);
  wire();
  render();
  refresh();
  check(initial);
}

function keyOf(document, view) {
  return JSON.stringify([document, view.basis, view.probability, view.show_from, view.show_to]);
}

function linkedPlan() {
  const found = /^#plan=(.+)$/.exec(window.location.hash);
  return found ? heldIn(found[1]) : null;
}

function say(text) {
  at("said").textContent = text;
}

// The kernel of the page against the curve that came with it.
function check(initial) {
  const off = selfCheck(data, planOf(data, documentIn(data, initial).document), data.initial.curve);
  at("check").textContent = off < 1e-9
    ? `The script of this page agrees with the curve computed by the package to ${off.toExponential(1)} of its highest level.`
    : `The script of this page differs from the curve computed by the package by ${off.toExponential(1)} of its highest level: do not use it.`;
  at("check").dataset.off = String(off);
}

// After a change: draw soon; keep it as a step to come back to.
function changed(kind = "", tables = false) {
  past.keep(state, kind);
  if (tables) render();
  window.clearTimeout(waiting);
  document.body.dataset.waiting = "yes";
  waiting = window.setTimeout(refresh, tables ? 0 : 120);
}

const act = {
  colour: (name) => colours[name],
  edit(table, i, name, value) {
    (table === "courses" ? state.rows : state.tests)[i][name] = value;
    changed(`${table}${i}${name}`, table === "courses" && name === "product");
    if (name === "product") focusField(table, i, name);
  },
  open(row, i) {
    if (open.has(row)) open.delete(row); else open.add(row);
    render();
    const button = document.querySelector(`#courses tbody[data-row="${i}"] [aria-expanded]`);
    button.focus();
  },
  move(table, i, by, field = null) {
    const list = table === "courses" ? state.rows : state.tests, to = i + by;
    if (to < 0 || to >= list.length) return;
    [list[i], list[to]] = [list[to], list[i]];
    changed("", true);
    if (!field || !focusField(table, to, field)) focusTool(table, to, by < 0 ? "up" : "down");
    say(`Row ${i + 1} is now row ${to + 1}.`);
  },
  copy(i) {
    state.rows.splice(i + 1, 0, { ...state.rows[i] });
    changed("", true);
    focusField("courses", i + 1, "product");
    say(`Row ${i + 1} was copied.`);
  },
  remove(table, i) {
    const list = table === "courses" ? state.rows : state.tests;
    list.splice(i, 1);
    changed("", true);
    if (!focusField(table, Math.min(i, list.length - 1), table === "courses" ? "product" : "when")) at(table === "courses" ? "add" : "add-test").focus();
    say(`Row ${i + 1} was deleted. Undo brings it back.`);
  },
  add(table) {
    if (table === "courses") state.rows.push(nextRow(data, state, seen && seen.plan));
    else state.tests.push({ when: seen ? (seen.clock.dated ? isoOf(seen.plan.end + seen.clock.zero).replace("T", " ") : tidy(seen.plan.end / 24)) : "", level: "",
      unit: state.view.unit, limit: "" });
    changed("", true);
    focusField(table, (table === "courses" ? state.rows : state.tests).length - 1, table === "courses" ? "product" : "when");
  },
};

function focusTool(table, row, word) {
  const found = [...document.querySelectorAll(`[data-table="${table}"] tbody[data-row="${row}"] .tools button`)];
  const wanted = found.find((one) => one.getAttribute("aria-label").includes(word) && !one.disabled) || found[0];
  if (wanted) wanted.focus();
}

function render() {
  at("courses").replaceChildren(at("courses").querySelector("thead"), ...courseBodies(data, state.rows, open, act));
  at("levels").replaceChildren(at("levels").querySelector("thead"), ...testBodies(state.tests, act));
  at("levels").hidden = !state.tests.length;
  for (const [part, names] of Object.entries(SETTINGS)) {
    for (const name of names) {
      if (name === "cycle") at(name).checked = state.view.cycle;
      else if (document.activeElement !== at(name)) at(name).value = String(state[part][name]);
    }
  }
}

function refresh() {
  window.clearTimeout(waiting);
  const { document: plan, faults } = documentIn(data, state);
  if (!faults.length) {
    try {
      seen = { ...resultOf(data, plan, state.view, keyOf(plan, state.view) === data.initial.key ? data.initial.curve : null), colours };
      paint();
      link(plan);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      faults.push(error);
    }
  }
  showFaults(at("faults"), faults);
  const can = past.can();
  at("undo").disabled = !can.back;
  at("redo").disabled = !can.forth;
  document.body.dataset.ready = "yes";
  delete document.body.dataset.waiting;
}

function paint() {
  draw();
  at("basis-says").textContent = seen.basis.sentence;
  at("basis-says").classList.toggle("rough", seen.basis.worth < CARRIED || (seen.basis.missed || []).length > 0 || Boolean(seen.basis.odd));
  at("fit").hidden = !seen.levels.length;
  at("fit").disabled = seen.basis.key === "here";
  const [from, to] = seen.window;
  at("window-says").textContent = `From ${sayTime(seen.clock, from)} to ${sayTime(seen.clock, to)}${state.view.from || state.view.to ? "" : ", between the last two doses"}.`;
  sheet("quantities", ["", seen.ownName, "median", `${trim(100 * state.view.probability, 1)} %`, "when"], quantityRows(seen));
  const rows = productRows(data, seen);
  sheet("products", ["a single one", "time to peak", `peak, ${seen.unit}`, `area, ${seen.unit} · d`, "half-life, 90 %"],
    rows.map(([name, time, peak, area, life, unit]) => [`1 ${unit} ${name}`, time, peak, area, life]));
  at("cycle-says").hidden = !seen.cycle;
  at("cycle_start").parentElement.hidden = !seen.cycle;
  at("convert").textContent = seen.clock.dated ? "Dates to days" : "Days to dates";
}

function draw() {
  drawn = drawFigure(seen, Math.max(320, Math.round(at("chart").clientWidth)));
  at("chart").replaceChildren(drawn.svg);
}

function sheet(id, heads, rows) {
  at(id).replaceChildren(html("thead", {}, html("tr", {}, ...heads.map((text, i) => html("th", { scope: "col", class: i ? null : "words" }, text)))),
    html("tbody", {}, ...rows.map(([name, ...cells]) => html("tr", {}, html("th", { scope: "row", class: "words" }, name), ...cells.map((text) => html("td", {}, text))))));
}

// The address holds the plan: a reload, a bookmark and a copy of it bring it back.
function link(plan) {
  linked = `#plan=${linkText(heldOf(plan, state.view))}`;
  if (keyOf(plan, state.view) === data.initial.key && !window.location.hash) {
    at("link").value = window.location.href + linked;
    return;
  }
  try {
    window.history.replaceState(null, "", linked);
  } catch {
    window.location.replace(linked);
  }
  at("link").value = window.location.href;
}

function restore(next, said) {
  state = next;
  past.keep(state);
  render();
  refresh();
  say(said);
}

function step(next) {
  if (!next) return;
  state = next;
  render();
  refresh();
}

function attempt(work) {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say("");
    at("faults").replaceChildren(html("p", {}, error.message));
  }
}

// Text that was pasted or opened: a plan (JSON), a table of doses, or one of blood tests.
function take(text, { kind = null, replace = false } = {}) {
  attempt(() => {
    if (text.trim().startsWith("{")) {
      let held;
      try { held = JSON.parse(text); } catch { throw new Fault("This is no JSON that can be read."); }
      restore(freshState(data, held.plan ? held : { plan: held, view: state.view }), "The plan was opened.");
      return;
    }
    const found = tableOf(data, text, kind), next = { ...state };
    if (found.rows) next.rows = [...(replace ? [] : state.rows.filter((row) => row.amount || row.when)), ...found.rows];
    if (found.tests) next.tests = [...(replace ? [] : state.tests.filter((row) => String(row.level).trim())), ...found.tests];
    restore(next, found.rows ? `${found.rows.length} rows of the regimen were taken over.` : `${found.tests.length} blood tests were taken over.`);
  });
}

function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const anchor = html("a", { href: address, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  window.setTimeout(() => URL.revokeObjectURL(address), 2000);
}

begin();
