// How far the work of a form has come, while its answer is awaited: <form data-progress="address">.
"use strict";

{
  const PAUSE = 1000;
  const place = document.querySelector("#busy");
  const bar = place.querySelector("progress");
  const count = document.createElement("span");
  let next;

  const ask = async (address) => {
    try {
      const { done, of } = await (await fetch(address)).json();
      if (of) {
        bar.max = of;
        bar.value = done;
        count.textContent = `${done} / ${of}`;
        place.append(count);
      }
    } catch {
      // The bar goes on without a number.
    }
    next = setTimeout(ask, PAUSE, address);
  };

  document.addEventListener("submit", (event) => {
    const address = event.target.dataset.progress;
    if (!address || event.defaultPrevented) return;
    clearTimeout(next);
    next = setTimeout(ask, PAUSE, address);
  });
  // The reader has come back to this page.
  addEventListener("pageshow", () => {
    clearTimeout(next);
    bar.removeAttribute("value");
    count.remove();
  });
}
