"use strict";
/** Sort the table by the column whose heading is clicked; what is not known comes last. */
for (const heading of document.querySelectorAll("th:not([data-sort=none])")) {
  heading.tabIndex = 0;
  const sort = () => {
    const column = heading.cellIndex, rows = [...document.querySelectorAll("tbody tr")];
    const up = heading.ariaSort !== "ascending";
    document.querySelectorAll("th").forEach((each) => { each.ariaSort = null; });
    heading.ariaSort = up ? "ascending" : "descending";
    const value = (row) => row.cells[column].dataset.value;
    const numbers = rows.every((row) => value(row) === "" || !Number.isNaN(Number(value(row))));
    rows.sort((a, b) => {
      const [p, q] = [value(a), value(b)];
      if (p === "" || q === "") return (p === "") - (q === "");
      return (up ? 1 : -1) * (numbers ? p - q : p.localeCompare(q));
    });
    document.querySelector("tbody").append(...rows);
  };
  heading.addEventListener("click", sort);
  heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
