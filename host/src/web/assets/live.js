// Keeps an open page as the host would render it now: when the host says that something has changed, the page is
// fetched again, and each part marked `data-live` that differs takes the place of the old one. Without this script
// every page works; it only grows old.
"use strict";

// A page that answers a form cannot be fetched again: it stays as it is.
const still = document.querySelector("main[data-still]");
const sign = still ? null : document.getElementById("live");
let fetching = false;
let again = false;

function show(on) {
  if (!sign) return;
  sign.textContent = on ? "live" : "not live";
  sign.classList.toggle("on", on);
}

// Whether somebody is in the middle of filling in a part: it must not be taken from under their hands.
function inUse(part) {
  const field = part.querySelector("input:focus, select:focus, textarea:focus, details[open]");
  if (field) return true;
  return [...part.querySelectorAll("input, textarea")].some(
    (f) => f.type !== "hidden" && (f.type === "checkbox" || f.type === "radio"
      ? f.checked !== f.defaultChecked : f.value !== f.defaultValue));
}

// What finds the focused element again in the new part.
function mark(element) {
  if (!element || element === document.body) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  if (href) return `a[href="${CSS.escape(href)}"]`;
  const action = element.closest("form")?.getAttribute("action");
  return action ? `form[action="${CSS.escape(action)}"] ${element.localName}` : null;
}

async function refresh() {
  if (document.hidden || !document.querySelector("[data-live]")) return;
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { "x-live": "1" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { location.reload(); return; }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || next.outerHTML === part.dataset.seen || inUse(part)) continue;
      const seen = next.outerHTML;
      if (seen !== part.outerHTML) {
        const focused = part.contains(document.activeElement) ? mark(document.activeElement) : null;
        part.replaceWith(next);
        if (focused) next.querySelector(focused)?.focus({ preventScroll: true });
        next.dataset.seen = seen;
      }
    }
    tick();
  } catch {
    // The host restarts, or the network is gone: the event stream says when it is back.
  } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

// Times that are shown as how far away they are go on while nothing changes.
function relative(ms) {
  const s = Math.round(Math.abs(ms) / 1000);
  if (s < 2) return "now";
  const text = s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min`
    : s < 172800 ? `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min` : `${Math.floor(s / 86400)} days`;
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = relative(Date.parse(time.dateTime) - Date.now());
  }
}

if (sign) {
  const events = new EventSource("/live");
  events.addEventListener("open", () => { show(true); refresh(); });
  events.addEventListener("error", () => show(false));
  events.addEventListener("changed", refresh);
  document.addEventListener("visibilitychange", refresh);
  setInterval(tick, 5000);
}
