"use strict";
// Every column's head becomes a button that sorts its table: up, then down. A line without a name of its own belongs to the
// line above it and moves with it.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const groups = [];
  for (const row of body.rows) {
    const isUnder = row.cells[0].textContent.trim() === "" && groups.length > 0;
    row.classList.toggle("under", isUnder);
    if (isUnder) groups[groups.length - 1].push(row);
    else groups.push([row]);
  }
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const isDown = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const compare = head.classList.contains("number") ? byNumber : byText;
      const keyed = groups.map((group) => [group[0].cells[column].textContent.trim(), group]);
      keyed.sort(([a], [b]) => (a === "") - (b === "") || (isDown ? -1 : 1) * compare(a, b));
      body.append(...keyed.flatMap(([, group]) => group));
    });
  });
}

function byText(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

function byNumber(a, b) {
  return number(a) - number(b);
}

function number(text) {
  const found = text.replace(/\u2212/g, "-").replace(/,(?=\d{3})/g, "").match(/-?\d+(\.\d+)?(e[+-]?\d+)?/i);
  return found ? Number(found[0]) : 0;
}
