"use strict";
// The controls of the page.

function wire() {
  wireSettings();
  wireTables();
  wireFiles();
  wireChart();
}

function on(id, act, kind = "click") {
  at(id).addEventListener(kind, act);
}

function wireSettings() {
  for (const [part, names] of Object.entries(SETTINGS)) {
    for (const name of names) {
      const field = at(name), number = name === "probability";
      on(name, () => {
        const value = name === "cycle" ? field.checked : number ? Number(field.value) : field.value;
        if (name === "unit") rescale(value);
        state[part][name] = value;
        changed(`setting ${name}`, name === "unit");
      }, field.tagName === "SELECT" || field.type === "checkbox" ? "change" : "input");
    }
  }
  on("theme", () => {
    if (at("theme").value) document.documentElement.dataset.theme = at("theme").value;
    else delete document.documentElement.dataset.theme;
  }, "change");
}

// The wanted range follows the unit.
function rescale(unit) {
  if (unit === state.view.unit) return;
  const by = unit === "pmol/L" ? 1000 / data.molar_mass : data.molar_mass / 1000;
  for (const name of ["low", "high"]) {
    const value = numberOf(state.view[name]);
    if (value >= 0) state.view[name] = String(Number((value * by).toPrecision(4)));
  }
}

function wireTables() {
  for (const table of ["courses", "levels"]) {
    on(table, (event) => tableKeys(event, act), "keydown");
    on(table, (event) => {
      const text = event.clipboardData ? event.clipboardData.getData("text/plain") : "";
      if (!/[\t\n]/.test(text.trim())) return;
      event.preventDefault();
      take(text, { kind: table });
    }, "paste");
  }
  on("add", () => act.add("courses"));
  on("add-test", () => act.add("levels"));
  on("fit", () => {
    state.view.basis = "here";
    past.keep(state);
    render();
    refresh();
    const fitted = seen !== null && seen.basis.key === "here" && !at("faults").textContent;
    at(fitted ? "basis-says" : "faults").scrollIntoView({ block: "center" });
    say(fitted ? "Your curve is fitted to these blood tests." : "");
  });
  on("undo", () => step(past.back()));
  on("redo", () => step(past.forth()));
  on("first", () => restore(freshState(data, data.initial.held), "The plan that came with the page is back."));
  on("convert", () => {
    if (!seen) return;
    const today = new Date();
    const zero = Date.UTC(today.getFullYear(), today.getMonth(), today.getDate(), 12) / HOUR;
    if (!seen.clock.dated) {
      const asked = readTime(at("day-zero").value) || { kind: "date", h: zero };
      restore(converted(state, asked.kind === "days" ? zero : asked.h, true), "All days are dates now.");
    } else restore(converted(state, seen.plan.begin + seen.clock.zero, false), "All dates are days now, counted from the first dose.");
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName) && document.activeElement.type !== "checkbox";
    if (typing || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key === "z") { event.preventDefault(); step(event.shiftKey ? past.forth() : past.back()); }
    if (key === "y") { event.preventDefault(); step(past.forth()); }
  });
}

function wireFiles() {
  const document_ = () => documentIn(data, state).document;
  on("paste", () => at("dialog").showModal());
  on("paste-cancel", () => at("dialog").close());
  const takeText = (replace) => {
    at("dialog").close();
    take(at("paste-text").value, { kind: at("paste-kind").value, replace });
    at("paste-text").value = "";
  };
  on("paste-add", () => takeText(false));
  on("paste-replace", () => takeText(true));
  on("open", () => at("file").click());
  on("file", async () => {
    const [file] = at("file").files;
    if (file) take(await file.text(), { replace: true });
    at("file").value = "";
  }, "change");
  on("copy-link", async () => {
    at("link").value = window.location.href.split("#")[0] + linked;
    at("link").select();
    try {
      await navigator.clipboard.writeText(at("link").value);
      say("The link is copied. It holds the whole plan and your blood tests: whoever has it can read them.");
    } catch {
      say("The link is selected: copy it with Ctrl+C. It holds the whole plan and your blood tests.");
    }
  });
  on("save-plan", () => save("plan.json", `${JSON.stringify(document_(), null, 2)}\n`, "application/json"));
  on("save-regimen", () => save("regimen.csv", regimenCsv(state.rows), "text/csv"));
  on("save-tests", () => save("blood-tests.csv", testsCsv(state.tests), "text/csv"));
  on("save-curve", () => seen && save("levels.csv", curveCsv(seen.plan, seen.times, [seen.own, seen.low, seen.median, seen.high], seen.scale, seen.unit), "text/csv"));
  on("save-figure", () => drawn && save("levels.svg", svgFile(drawn.svg), "image/svg+xml"));
  on("print", () => window.print());
  window.addEventListener("hashchange", () => {
    if (window.location.hash === linked || !window.location.hash) return;
    attempt(() => restore(freshState(data, linkedPlan()), "The plan of the link is shown."));
  });
}

function wireChart() {
  const chart = at("chart");
  let place = null;
  const read = (t, spoken) => {
    if (!seen || !drawn) return;
    place = Math.min(Math.max(t, seen.begin), seen.end);
    const [low, , high] = quantiles(seen.draws.map((curve) => curve.level(place)), state.view.probability);
    const value = seen.curve.level(place);
    const text = `${sayTime(seen.clock, place)}: ${figure(value * seen.scale, 3)} ${seen.unit} (${figure(low * seen.scale, 3)} to ${figure(high * seen.scale, 3)})`;
    at("readout").textContent = text;
    if (spoken) at("spoken").textContent = text;
    drawn.cursor.setAttribute("x1", drawn.x(place));
    drawn.cursor.setAttribute("x2", drawn.x(place));
  };
  chart.addEventListener("pointermove", (event) => {
    if (!drawn) return;
    const box = drawn.svg.getBoundingClientRect();
    read(drawn.at(((event.clientX - box.left) / box.width) * drawn.width), false);
  });
  chart.addEventListener("keydown", (event) => {
    if (!seen) return;
    const by = (seen.end - seen.begin) / (event.shiftKey ? 20 : 200), from = place === null ? seen.begin : place;
    const to = { ArrowRight: from + by, ArrowLeft: from - by, Home: seen.begin, End: seen.end }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    read(to, true);
  });
  let wide = 0;
  new ResizeObserver(() => {
    if (seen && chart.clientWidth !== wide) {
      wide = chart.clientWidth;
      draw();
    }
  }).observe(chart);
}
