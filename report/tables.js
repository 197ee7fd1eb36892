// The tables of a report: sorted by the buttons in their heads, filtered by a field.
// Without this script they are plain tables.
"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const element = (name, more) => Object.assign(document.createElement(name), more);

  // value is what a row is sorted by: data-value, a number, else its text.
  const value = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button", className: "sort", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const first = head.classList.contains("n") ? "descending" : "ascending"; // of figures, the greatest
        const second = first === "ascending" ? "descending" : "ascending";
        const order = before === first ? second : first;
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...body.rows].sort((a, b) => sign * compare(value(a, column), value(b, column)));
        body.append(...rows);
      });
    });
  }

  function filterable(table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) return;
    const what = table.caption.textContent;
    const input = element("input", { type: "search", autocomplete: "off", spellcheck: false });
    input.setAttribute("aria-label", `Filter: ${what}`);
    const label = element("label");
    label.append(element("span", { textContent: "Filter" }), input);
    const shown = element("output", { className: "quiet" });
    const bar = element("div", { className: "filter" });
    bar.append(label, shown);
    table.closest(".scroll").before(bar);
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of rows) {
        row.hidden = !words.every((word) => texts.get(row).includes(word));
        if (!row.hidden) n++;
      }
      shown.textContent = words.length ? `${n} of ${rows.length} rows` : "";
    });
  }

  for (const table of document.querySelectorAll("table")) {
    sortable(table);
    filterable(table);
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((d) => { d.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((d) => { d.open = false; }));
})();
