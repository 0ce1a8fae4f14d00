"use strict";
const root = document.documentElement;
const toggle = document.getElementById("theme");
const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : wantsDark.matches;
const nameToggle = () => {
  toggle.textContent = isDark() ? "Light theme" : "Dark theme";
};
toggle.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameToggle();
});
wantsDark.addEventListener("change", nameToggle);
nameToggle();

function sortable(board) {
  const headers = [...board.tHead.rows[0].cells].filter((h) => h.dataset.first);
  function sortBy(index, order) {
    const isText = headers[index].dataset.text === "yes";
    const sign = order === "ascending" ? 1 : -1;
    const key = (row) => row.cells[index].dataset.sort;
    const rows = [...board.tBodies[0].rows].sort((a, b) => {
      const x = key(a), y = key(b);
      // A missing value is neither high nor low: it comes last in both orders.
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (isText ? x.localeCompare(y) : Number(x) - Number(y));
    });
    board.tBodies[0].append(...rows);
    for (const header of headers) header.setAttribute("aria-sort", "none");
    headers[index].setAttribute("aria-sort", order);
  }
  headers.forEach((header, index) => {
    header.querySelector("button").addEventListener("click", () => {
      const opposite = { ascending: "descending", descending: "ascending" };
      sortBy(index, opposite[header.getAttribute("aria-sort")] ?? header.dataset.first);
    });
  });
}
document.querySelectorAll("table.board").forEach(sortable);

// The box above a table keeps the rows whose label has what is typed.
function filterable(box) {
  const rows = [...document.getElementById(box.dataset.board).tBodies[0].rows];
  const shown = box.closest(".filter").querySelector("output");
  function filter() {
    const wanted = box.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = !row.querySelector("th").textContent.toLowerCase().includes(wanted);
    }
    const count = rows.filter((row) => !row.hidden).length;
    shown.textContent = `${count} of ${rows.length} rows`;
  }
  box.addEventListener("input", filter);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.value = "", filter();
  });
  // A browser that goes back to a page fills in what was typed.
  filter();
}
document.querySelectorAll(".filter input").forEach(filterable);

// A link from a number opens the list of runs that it leads into.
function openRuns() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const list = target && target.closest("details");
  if (list) {
    list.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openRuns);
openRuns();
