"use strict";
// The tables of the regimen and of the blood tests: built from the state, which every input writes back to.

const MAIN = [["product", "Product"], ["amount", "Dose"], ["when", "From"], ["every", "Every, d"], ["count", "Doses"], ["steady", "Steady state"]];
const MORE = [["until", "No dose after", "end of the plan"], ["worn", "Worn, d", ""], ["missed", "Missed doses", "3, 5"],
  ["moved", "Moved doses", "4 to 30.5"], ["first", "First doses, if they differ", "8, 6"]];
const HINTS = { when: "Day or date of the first dose; several, with commas, are single doses", every: "Days between two doses; empty for a single dose",
  count: "How many doses; empty goes on to the end of the plan", steady: "The same had been given before until nothing changed any more",
  missed: "Numbers of the doses that were not given, from 1", moved: "Number of a dose and when it was given instead, as in 4 to 30.5",
  first: "Amounts of the first doses, in the same unit (loading doses)" };

function html(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (value === true) found.setAttribute(key, "");
    else if (value !== false && value !== null) found.setAttribute(key, String(value));
  }
  found.append(...children);
  return found;
}

// A field of a row; `changed(field, value)` is called with every change.
function fieldOf(table, i, name, label, value, changed, more = {}) {
  const common = { "aria-label": `${label}, row ${i + 1}`, "data-table": table, "data-row": i, "data-field": name, title: HINTS[name] || null };
  if (name === "steady") {
    return html("input", { type: "checkbox", ...common, checked: value, onchange: (event) => changed(name, event.target.checked) });
  }
  if (more.options) {
    const select = html("select", { ...common, onchange: (event) => changed(name, event.target.value) },
      ...more.options.map(([key, text]) => html("option", { value: key, selected: key === value }, text)));
    select.value = value;
    return select;
  }
  const input = html("input", { type: "text", autocomplete: "off", spellcheck: "false", inputmode: more.number ? "decimal" : null,
    placeholder: more.placeholder || null, ...common, oninput: (event) => changed(name, event.target.value) });
  input.value = value;
  return input;
}

function tool(text, label, key, act, disabled = false) {
  return html("button", { type: "button", "aria-label": label, title: key ? `${label} (${key})` : label, disabled, onclick: act }, text);
}

// The regimen: two lines for each course, the second folded.
function courseBodies(data, rows, open, act) {
  return rows.map((row, i) => {
    const product = productNamed(data, row.product), shown = open.has(row), changed = (name, value) => act.edit("courses", i, name, value);
    const options = data.products.map((one) => [one.name, `${one.name} · ${one.title.replace(/^Estradiol /, "")}`]);
    if (!product) options.unshift([row.product, row.product || "choose"]);
    const cell = (label, wide, ...children) => html("td", { class: wide === true ? "wide" : wide || null }, html("span", { class: "cell", "aria-hidden": "true" }, label), ...children);
    const swatch = html("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = product ? act.colour(product.name) : "transparent";
    const main = html("tr", {},
      cell("Product", true, html("div", { class: "who" }, swatch, fieldOf("courses", i, "product", "Product", product ? product.name : row.product, changed, { options }))),
      cell("Dose", false, html("div", { class: "amount" }, fieldOf("courses", i, "amount", "Dose", row.amount, changed, { number: true }),
        html("span", {}, product ? product.unit.replace("ug", "µg") : ""))),
      cell("From (day or date)", false, fieldOf("courses", i, "when", "From", row.when, changed, { placeholder: "0 or 2024-05-01" })),
      cell("Every, d", false, fieldOf("courses", i, "every", "Every, days", row.every, changed, { number: true, placeholder: "once" })),
      cell("Doses", false, fieldOf("courses", i, "count", "Number of doses", row.count, changed, { number: true, placeholder: row.every ? "to the end" : "1" })),
      cell("Steady state", "flag", fieldOf("courses", i, "steady", "Steady state", row.steady, changed)),
      html("td", { class: "tools" },
        html("button", { type: "button", "aria-expanded": String(shown), "aria-controls": `more-${i}`, "aria-label": `More of row ${i + 1}: until, worn, missed, moved, first doses`,
          title: "Until, worn, missed, moved, first doses", onclick: () => act.open(row, i) }, shown ? "Less" : "More"), " ",
        tool("↑", `Move row ${i + 1} up`, "Alt+↑", () => act.move("courses", i, -1), i === 0), " ",
        tool("↓", `Move row ${i + 1} down`, "Alt+↓", () => act.move("courses", i, 1), i === rows.length - 1), " ",
        tool("Copy", `Copy row ${i + 1}`, "", () => act.copy(i)), " ",
        tool("✕", `Delete row ${i + 1}`, "Alt+Delete", () => act.remove("courses", i))));
    const fields = MORE.filter(([name]) => name !== "worn" || !product || product.form === "patch").map(([name, label, placeholder]) =>
      html("label", {}, label, fieldOf("courses", i, name, label, row[name], changed,
        { placeholder: name === "worn" && product ? String(product.worn_h / 24) : placeholder })));
    const second = html("tr", { id: `more-${i}`, hidden: !shown }, html("td", { colspan: 7, class: "wide" }, html("div", { class: "more" }, ...fields)));
    return html("tbody", { "data-row": i }, main, second);
  });
}

function testBodies(tests, act) {
  return tests.map((row, i) => {
    const changed = (name, value) => act.edit("levels", i, name, value);
    const cell = (label, ...children) => html("td", {}, html("span", { class: "cell", "aria-hidden": "true" }, label), ...children);
    return html("tbody", { "data-row": i }, html("tr", {},
      cell("When", fieldOf("levels", i, "when", "When", row.when, changed, { placeholder: "63 or 2024-05-01 08:30" })),
      cell("Level", fieldOf("levels", i, "level", "Level", row.level, changed, { number: true })),
      cell("Unit", fieldOf("levels", i, "unit", "Unit", row.unit, changed, { options: [["pg/mL", "pg/mL"], ["pmol/L", "pmol/L"]] })),
      cell("Reported as", fieldOf("levels", i, "limit", "Reported as", row.limit, changed,
        { options: [["", "this level"], ["below", "less than this"], ["above", "more than this"]] })),
      html("td", { class: "tools" }, tool("✕", `Delete blood test ${i + 1}`, "Alt+Delete", () => act.remove("levels", i)))));
  });
}

// Keys within a table: Enter goes down, Alt with arrows moves a row, Alt+Delete removes it.
function tableKeys(event, act) {
  const field = event.target.closest("[data-field]");
  const body = event.target.closest("tbody[data-row]");
  if (!body) return;
  const table = body.parentElement.dataset.table, i = Number(body.dataset.row);
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    act.move(table, i, event.key === "ArrowUp" ? -1 : 1, field && field.dataset.field);
  } else if (event.altKey && event.key === "Delete") {
    event.preventDefault();
    act.remove(table, i);
  } else if (event.key === "Enter" && field && field.tagName === "INPUT") {
    event.preventDefault();
    focusField(table, i + (event.shiftKey ? -1 : 1), field.dataset.field) || (event.shiftKey ? false : act.add(table));
  }
}

function focusField(table, row, field) {
  const found = document.querySelector(`[data-table="${table}"][data-row="${row}"][data-field="${field}"]`);
  if (found) {
    found.focus();
    if (found.select) found.select();
  }
  return Boolean(found);
}

// Marks the fields of faults, and says the faults.
function showFaults(host, faults) {
  for (const field of document.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  const lines = faults.map((fault) => {
    const place = fault.place || {};
    const where = place.table === "courses" ? `Regimen, row ${place.row + 1}: ` : place.table === "levels" ? `Blood test ${place.row + 1}: ` : "";
    const field = place.row !== undefined
      ? document.querySelector(`[data-table="${place.table}"][data-row="${place.row}"][data-field="${place.field}"]`)
      : place.field ? document.getElementById(place.field) : null;
    if (field) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", host.id);
    }
    return html("p", {}, where + fault.message);
  });
  if (lines.length) lines.push(html("p", { class: "quiet" }, "The figure shows the last plan without a fault."));
  host.replaceChildren(...lines);
}
