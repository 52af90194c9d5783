// Small comforts. Every page works without this file.
"use strict";

document.documentElement.classList.add("js");

// Copy buttons: <button data-copy="#id-of-the-text" data-done="Copied">
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = button.dataset.done;
  } catch {
    // Without the clipboard (plain http, old browser) the text is at least selected.
    window.getSelection().selectAllChildren(source);
  }
  setTimeout(() => { label.textContent = before; }, 2000);
});

// Menus close when the reader turns elsewhere; so does the sheet of the narrow view.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};
document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
  if (location.hash === "#side" && !event.target.closest("#side, .opener")) location.hash = "";
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  closeMenus(null);
  open?.querySelector("summary").focus();
  if (location.hash === "#side") location.hash = "";
});

// On a telephone the rows of a list are blocks (app.css): each cell says of which column it is.
for (const table of document.querySelectorAll("table.list, #result_list")) {
  const heads = [...table.querySelectorAll("thead th")].map((head) => {
    const told = head.querySelector(".text") ?? head;
    return told.querySelector(".visually-hidden, input") ? "" : told.textContent.trim();
  });
  if (!heads.length) continue;
  table.classList.add("labelled");
  for (const cell of table.querySelectorAll("tbody td")) {
    if (heads[cell.cellIndex]) cell.dataset.column = heads[cell.cellIndex];
    // An e-mail address is longer than half a row of a telephone.
    if (cell.textContent.includes("@")) cell.classList.add("wide");
  }
}

// Keys, from wherever nothing is being typed: "/" goes to the search, j and k to the next row and the one before,
// x ticks the row. None of them changes anything.
const goToSearch = () => {
  const box = ["#q", "#everywhere"].map((id) => document.querySelector(id)).find((each) => each?.checkVisibility());
  box?.select();
  return Boolean(box);
};
const rowAt = () => document.activeElement.closest("[data-row]");
const goToRow = (step) => {
  const rows = [...document.querySelectorAll("[data-row]")];
  const next = rows[Math.max(rows.indexOf(rowAt()) + step, 0)];
  next?.querySelector("a").focus();
  return Boolean(next);
};
const KEYS = {
  "/": goToSearch,
  j: () => goToRow(1),
  k: () => goToRow(-1),
  x: () => { rowAt()?.querySelector("[type=checkbox]")?.click(); return Boolean(rowAt()); },
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  if (KEYS[event.key]()) event.preventDefault();
});

// A form is sent once: a second click while the first is on its way changes nothing.
// A download leaves the page where it is, so its button comes back.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || button.dataset.again !== undefined) return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => { delete event.target.dataset.sent; }, 4000);
  if (event.target.method === "post" && event.target.dataset.file === undefined) showThatWorkGoesOn();
});

// What takes its time is seen to be under way: first that it is, then that nobody has to wait for it.
const busy = document.querySelector("#busy");
let whenSlow = [];
const showThatWorkGoesOn = () => {
  if (!busy) return;
  whenSlow = [
    setTimeout(() => { busy.hidden = false; }, 400),
    setTimeout(() => { busy.querySelector("[data-working]").hidden = false; }, 3000),
  ];
};
// The reader has come back to this page.
addEventListener("pageshow", () => {
  whenSlow.forEach(clearTimeout);
  if (busy) busy.hidden = true;
});
