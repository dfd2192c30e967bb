"use strict";
// Sorts a table by a click on its head, and shows the rows that match what is typed: words, or "e1<0.01", "eps=1/8".
// Without this script the tables stay as they are.
(() => {
  const number = text => {
    const found = text.trim().match(/^([-+−]?[\d.]+(?:e[-+]?\d+)?)(?:\/(\d+))?/i);
    if (!found) return NaN;
    return parseFloat(found[1].replace("−", "-")) / (found[2] ? parseFloat(found[2]) : 1);
  };
  const compare = (a, b, sign) => {  // what is no number, or missing, stays at the end
    const [x, y] = [number(a), number(b)];
    if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
    return sign * (isNaN(x) ? a.localeCompare(b) : x - y);
  };
  const matches = (term, cells, head) => {
    const found = term.match(/^(.+?)(<=|>=|<|>|=)(.+)$/);
    const column = found ? head.indexOf(found[1].toLowerCase()) : -1;
    if (column < 0) return cells.some(cell => cell.toLowerCase().includes(term.toLowerCase()));
    const [x, y] = [number(cells[column]), number(found[3])];
    if (isNaN(x) || isNaN(y)) return found[2] === "=" && cells[column].toLowerCase() === found[3].toLowerCase();
    return { "<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y, "=": x === y }[found[2]];
  };
  for (const table of document.querySelectorAll("table.sorted")) {
    const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
    const text = new Map(rows.map(row => [row, [...row.cells].map(cell => cell.textContent)]));
    const names = heads.map(cell => cell.textContent.toLowerCase());
    heads.forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      cell.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = cell.getAttribute("aria-sort") === "ascending";
        heads.forEach(other => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        body.append(...[...rows].sort((one, other) => compare(text.get(one)[column], text.get(other)[column], sign)));
      });
    });
    if (rows.length < 8) continue;
    const label = document.createElement("label"), input = document.createElement("input"), count = document.createElement("span");
    label.className = "find";
    input.type = "search";
    const example = names.find(name => /^e\d|^eps$/.test(name));
    input.placeholder = example ? `words, or ${example}<0.1` : "words";
    count.setAttribute("role", "status");
    const show = () => {
      const terms = input.value.split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        row.hidden = !terms.every(term => matches(term, text.get(row), names));
        left += !row.hidden;
      }
      count.textContent = `${left} of ${rows.length} rows`;
    };
    input.addEventListener("input", show);
    label.append("Show", input, count);
    table.closest(".wide").before(label);
    show();
  }
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => { one.open = true; }));
})();
