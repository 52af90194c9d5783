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

// "/" goes to the search, from wherever nothing is being typed.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = ["#q", "#everywhere"].map((id) => document.querySelector(id)).find((each) => each?.checkVisibility());
  if (!box) return;
  event.preventDefault();
  box.select();
});

// A form is sent once: a second click while the first is on its way changes nothing.
// A download leaves the page where it is, so its button comes back.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || button.dataset.again !== undefined) return;
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "1";
  setTimeout(() => { delete event.target.dataset.sent; }, 4000);
});
