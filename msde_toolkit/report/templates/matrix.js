// A matrix is one stop of the tab key; arrow keys move between its cells.
for (const grid of document.querySelectorAll("table.matrix")) {
  const rows = [...grid.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
  grid.addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const row = rows.findIndex((cells) => cells.includes(document.activeElement));
    if (row < 0 || !(event.key in moves)) return;
    const column = rows[row].indexOf(document.activeElement);
    const next = (rows[row + moves[event.key][0]] || [])[column + moves[event.key][1]];
    event.preventDefault();
    if (!next) return;
    rows[row][column].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
