// What the pages do in the browser: the zone of times, what is chosen in lists, and what a refresh keeps.
(() => {
  "use strict";
  const ZONE = "orchestration-zone";
  const pad = (number) => String(number).padStart(2, "0");
  const zone = () => localStorage.getItem(ZONE) === "local" ? "local" : "utc";

  function written(moment, isLocal) {
    const get = (part) => moment[`get${isLocal ? "" : "UTC"}${part}`]();
    return `${get("FullYear")}-${pad(get("Month") + 1)}-${pad(get("Date"))} ${pad(get("Hours"))}:${pad(get("Minutes"))}:${pad(get("Seconds"))}`;
  }

  function showTimes(root) {
    const isLocal = zone() === "local";
    const name = isLocal ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC";
    for (const one of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(one.dateTime);
      if (Number.isNaN(moment.valueOf())) continue;
      const text = written(moment, isLocal);
      one.textContent = "clock" in one.dataset ? text.slice(11) : text;
    }
    for (const one of document.querySelectorAll(".zone-name")) one.textContent = name;
    const button = document.getElementById("zone");
    if (button) {
      button.textContent = name;
      button.setAttribute("aria-pressed", String(isLocal));
    }
  }

  function countPicked() {
    const boxes = [...document.querySelectorAll("input[name=key][form=pick]")];
    const picked = boxes.filter((one) => one.checked).length;
    for (const one of document.querySelectorAll(".picked-count")) one.textContent = String(picked);
    for (const one of document.querySelectorAll(".pick-all")) one.checked = picked > 0 && picked === boxes.length;
  }

  // A refresh replaces the live part: what was ticked, opened and scrolled stays.
  let kept = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const live = document.getElementById("live");
    if (!live) return;
    kept = {
      ticked: new Set([...live.querySelectorAll("input[name=key]:checked")].map((one) => one.value)),
      open: [...live.querySelectorAll("details")].map((one) => one.open),
      scrolled: [...live.querySelectorAll(".scroll")].map((one) => one.scrollLeft),
      typed: [...live.querySelectorAll("input:not([type=hidden],[type=checkbox])")].map((one) => one.value),
      focused: [...live.querySelectorAll("a,button,input,select,summary,[tabindex]")].indexOf(document.activeElement),
    };
  });
  document.addEventListener("htmx:afterSettle", () => {
    const live = document.getElementById("live");
    if (!live || !kept) return;
    for (const one of live.querySelectorAll("input[name=key]")) one.checked = kept.ticked.has(one.value);
    live.querySelectorAll("details").forEach((one, place) => { one.open = kept.open[place] ?? one.open; });
    live.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = kept.scrolled[place] ?? 0; });
    live.querySelectorAll("input:not([type=hidden],[type=checkbox])").forEach((one, place) => { one.value = kept.typed[place] ?? one.value; });
    const focusable = [...live.querySelectorAll("a,button,input,select,summary,[tabindex]")];
    if (kept.focused >= 0 && focusable[kept.focused]) focusable[kept.focused].focus({ preventScroll: true });
    kept = null;
    showTimes(document);
    countPicked();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches(".pick-all")) {
      for (const one of document.querySelectorAll("input[name=key][form=pick]")) one.checked = event.target.checked;
    }
    countPicked();
  });
  document.addEventListener("click", (event) => {
    if (event.target.id !== "zone") return;
    localStorage.setItem(ZONE, zone() === "local" ? "utc" : "local");
    showTimes(document);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input,select,textarea")) {
      event.preventDefault();
      document.querySelector(".search input")?.focus();
    }
  });

  const menu = document.querySelector(".side .menu");
  if (menu && matchMedia("(max-width: 60rem)").matches) menu.open = false;
  showTimes(document);
  countPicked();
})();
