// The charts of a report. Each is drawn from the data of the page, in the colours of
// page.css, and has its figures again in a table for who cannot see it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  root.classList.add("js");

  // color is a custom property as the scheme of now resolves it.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const color = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  // plain is a stored name on one line: in a chart nothing isolates what turns the
  // direction of text, or ends a line.
  const plain = (name) => name.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "\ufffd");
  const count = (n) => n.toLocaleString("en");
  const compact = new Intl.NumberFormat("en", { notation: "compact" });
  const duration = (ms) => {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${+(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
    if (ms < 3_600_000) return `${+(ms / 60_000).toFixed(1)} min`;
    return `${+(ms / 3_600_000).toFixed(1)} h`;
  };
  const times = (x) => `${+x.toPrecision(3)}×`;

  // tip is what a tooltip shows, as nodes: no name becomes markup.
  const tip = (title, lines) => {
    const box = document.createElement("div");
    box.append(Object.assign(document.createElement("b"), { textContent: title }));
    for (const line of lines) box.append(Object.assign(document.createElement("span"), { textContent: line }));
    return box;
  };

  const base = (c) => ({
    animation: !still.matches,
    animationDuration: 300,
    textStyle: { color: c("text"), fontFamily: "system-ui, sans-serif" },
    tooltip: { className: "tip", confine: true, transitionDuration: 0 },
    legend: { top: 0, left: 0, itemGap: 12, itemWidth: 14, itemHeight: 14, textStyle: { color: c("text") }, inactiveColor: c("muted") },
    grid: { left: 8, right: 20, top: 40, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
  });
  const axis = (c, more) => ({
    axisLabel: { color: c("muted"), hideOverlap: true, ...more?.axisLabel },
    axisLine: { lineStyle: { color: c("line") } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: c("grid") } },
    nameTextStyle: { color: c("muted") },
    ...Object.fromEntries(Object.entries(more ?? {}).filter(([key]) => key !== "axisLabel")),
  });

  // Patterns tell the statuses apart without colour.
  const statuses = [
    ["passed", null],
    ["partial", { symbol: "circle", symbolSize: 0.6, dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [4, 0] }],
    ["cancelled", { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5] }],
    ["failed", { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4 }],
  ];

  function timeline(c) {
    const day = 86_400_000;
    const buckets = data.timeline.map((b) => ({
      ...b,
      total: b.passed + b.failed + b.partial + b.cancelled,
      label: Date.parse(b.end) - Date.parse(b.start) >= day ? b.start.slice(0, 10) : b.start.slice(0, 16).replace("T", " "),
    }));
    return {
      ...base(c),
      tooltip: {
        ...base(c).tooltip, trigger: "axis", axisPointer: { type: "shadow" },
        formatter: (at) => {
          const b = buckets[at[0].dataIndex];
          return tip(b.label, [`${count(b.total)} executions`, ...statuses.filter(([s]) => b[s]).map(([s]) => `${s}: ${count(b[s])}`)]);
        },
      },
      xAxis: axis(c, { type: "category", data: buckets.map((b) => b.label), axisLabel: { alignMinLabel: "left", alignMaxLabel: "right" } }),
      yAxis: axis(c, { type: "value", minInterval: 1, axisLabel: { formatter: count } }),
      series: statuses.map(([status, pattern]) => ({
        name: status, type: "bar", stack: "all", barCategoryGap: "15%", large: false,
        data: buckets.map((b) => b[status]),
        itemStyle: { color: c(status), decal: pattern && { ...pattern, color: c("panel") } },
      })),
    };
  }

  // ranges is a row for each name, with a mark for each value and a line between the
  // least and the greatest. marks are [label, key, colour, symbol].
  function ranges(c, rows, marks, format, more) {
    const low = (r) => Math.min(...marks.map(([, key]) => r[key]));
    const high = (r) => Math.max(...marks.map(([, key]) => r[key]));
    const bar = { type: "bar", stack: "range", barWidth: 4, silent: true, tooltip: { show: false }, legendHoverLink: false };
    return {
      ...base(c),
      legend: { ...base(c).legend, data: marks.map(([label]) => label) },
      tooltip: {
        ...base(c).tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: c("hover"), opacity: 0.6 }, z: 0 },
        formatter: (at) => {
          const r = rows[at[0].dataIndex];
          return tip(r.name, [...marks.map(([label, key]) => `${label}: ${format(r[key])}`), ...r.lines]);
        },
      },
      xAxis: axis(c, { type: "value", min: 0, axisLabel: { formatter: format } }),
      yAxis: axis(c, {
        type: "category", inverse: true, data: rows.map((r) => plain(r.name)), splitLine: { show: false },
        axisLabel: { color: c("text"), hideOverlap: false, interval: 0, width: Math.min(220, innerWidth / 4), overflow: "truncate" },
      }),
      series: [
        { ...bar, data: rows.map(low), itemStyle: { color: "transparent" } },
        { ...bar, data: rows.map((r) => high(r) - low(r)), itemStyle: { color: c("line") } },
        ...marks.map(([name, key, mark, symbol]) => ({
          name, type: "scatter", symbol, symbolSize: 13, z: 3, data: rows.map((r) => r[key]),
          itemStyle: { color: c(mark), borderColor: c("panel"), borderWidth: 1.5 },
        })),
        ...(more ?? []),
      ],
    };
  }
  const percentiles = [["p50", "p50_ms", "p50", "circle"], ["p95", "p95_ms", "p95", "diamond"], ["p99", "p99_ms", "p99", "triangle"]];

  const stages = (c) => ranges(c, data.stages.map((r) => ({ ...r, name: r.stage, lines: [`${count(r.count)} runs`] })), percentiles, duration);
  const agents = (c) => ranges(c, data.agents.map((r) => ({ ...r, name: r.agent_id, lines: [`${count(r.count)} executions`] })), percentiles, duration);

  // slos are multiples of each target, since the targets differ in unit and size.
  function slos(c) {
    const rows = data.slos.filter((r) => r.violations > 0 && r.target > 0).map((r) => ({
      name: r.metric, median: r.median / r.target, worst: r.worst / r.target,
      lines: [`target: ${r.target} ${r.unit}`, `${count(r.violations)} violations, ${count(r.critical)} critical`],
    }));
    const target = {
      type: "scatter", data: [], silent: true,
      markLine: { symbol: "none", silent: true, animation: false, data: [{ xAxis: 1 }], lineStyle: { color: c("text"), type: "solid", width: 1.5 }, label: { formatter: "target", position: "start", distance: 4, color: c("text") } },
    };
    return ranges(c, rows, [["median of the violations", "median", "partial", "circle"], ["worst", "worst", "failed", "triangle"]], times, [target]);
  }

  function collisions(c) {
    const { agents, pairs } = data.collisions;
    const at = new Map(agents.map((name, i) => [name, i]));
    const counts = agents.map(() => agents.map(() => 0));
    for (const { agent_id_1: a, agent_id_2: b, count: n } of pairs) {
      counts[at.get(a)][at.get(b)] = n;
      counts[at.get(b)][at.get(a)] = n;
    }
    const most = Math.max(...counts.flat());
    const names = { type: "category", data: agents.map(plain), axisTick: { show: false }, splitLine: { show: false } };
    const cells = counts.flatMap((row, y) => row.map((n, x) => ({
      value: [x, y, n],
      itemStyle: n ? undefined : { color: c(x === y ? "panel" : "none") },
      label: { show: n > 0, color: n > 0.7 * most ? c("panel") : c("text") },
    })));
    return {
      ...base(c),
      legend: undefined,
      grid: { ...base(c).grid, top: 8 },
      tooltip: { ...base(c).tooltip, formatter: ({ value: [x, y, n] }) => (x === y && !n ? "" : tip(`${agents[y]} and ${agents[x]}`, [`${count(n)} collisions`])) },
      visualMap: { show: false, min: 0, max: Math.max(most, 1), inRange: { color: [c("few"), c("many")] } },
      xAxis: axis(c, { ...names, axisLabel: { color: c("text"), interval: 0, hideOverlap: false, rotate: 45, width: 110, overflow: "truncate" } }),
      yAxis: axis(c, { ...names, inverse: true, axisLabel: { color: c("text"), interval: 0, hideOverlap: false, width: 110, overflow: "truncate" } }),
      series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: c("panel"), borderWidth: 2 }, label: { formatter: ({ value: [, , n] }) => (n < 10_000 ? count(n) : compact.format(n)) } }],
    };
  }

  const options = { timeline, stages, agents, slos, collisions };
  const charts = [];
  for (const box of document.querySelectorAll(".chart")) {
    const rows = Number(box.dataset.rows);
    if (rows) box.style.height = `${rows * Number(box.dataset.row || 34) + Number(box.dataset.more || 80)}px`;
    if (box.dataset.chart === "collisions") box.style.width = `${130 + 40 * rows}px`;
    const chart = echarts.init(box, null, { renderer: "svg" });
    charts.push([chart, options[box.dataset.chart]]);
    new ResizeObserver(() => chart.resize()).observe(box);
  }
  const draw = () => charts.forEach(([chart, option]) => chart.setOption(option(color), true));
  draw();
  for (const query of [dark, still, matchMedia("print")]) query.addEventListener("change", draw);

  const theme = document.querySelector(".theme");
  theme.hidden = false;
  theme.addEventListener("change", ({ target }) => {
    root.dataset.theme = target.value;
    draw();
  });
})();
