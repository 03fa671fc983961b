// On a phone a row of a wide table is a card (course.css), where a cell names its column.
for (const table of document.querySelectorAll("table.docutils")) {
  const names = [...table.querySelectorAll("thead th")].map(head => head.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr"))
    [...row.cells].forEach((cell, place) => {
      if (place && names[place]) cell.dataset.column = names[place];
    });
}
