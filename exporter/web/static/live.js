// Keeps the status page live: fetches the page again when the exporter tells of a change, and now
// and then, puts what differs in its place, lets durations tick, and says when it is not live.
"use strict";
(() => {
  const connection = document.getElementById("connection");
  const news = document.getElementById("news");
  const every = Number(document.body.dataset.refresh) * 1000;
  let ahead = Number(document.body.dataset.now) - Date.now(); // of the exporter's clock before ours
  let heard = Date.now();
  let stream = null;
  let fetching = false;
  let again = false;

  // The same words as duration() in words.py.
  const duration = (ms) => {
    const left = Math.max(0, Math.floor(ms / 1000));
    if (left === 0) return ms <= 0 ? "0 s" : "less than 1 s";
    const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const place = units.findIndex(([, size]) => left >= size);
    const [unit, size] = units[place];
    const [smaller, smallerSize] = units[Math.min(place + 1, units.length - 1)];
    const rest = Math.floor((left % size) / smallerSize);
    return `${Math.floor(left / size)} ${unit}` + (rest ? ` ${rest} ${smaller}` : "");
  };

  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const tick = () => {
    const now = Date.now() + ahead;
    for (const element of document.querySelectorAll("[data-since]")) {
      put(element, duration(now - Number(element.dataset.since)));
    }
  };

  const live = () => {
    heard = Date.now();
    document.body.classList.remove("lost");
    connection.classList.remove("lost");
    connection.removeAttribute("role");
    put(connection, stream && stream.readyState === EventSource.OPEN
      ? "Live" : `Not live: looked at every ${every / 1000} s`);
  };

  const lost = () => {
    document.body.classList.add("lost");
    connection.classList.add("lost");
    connection.setAttribute("role", "alert");
    const since = new Date(heard).toLocaleTimeString("en-GB", { timeZoneName: "short" });
    put(connection, `Not live since ${since}: the exporter does not answer. What is shown may be out of date.`);
  };

  const states = () => new Map(Array.from(document.querySelectorAll("[data-title]"),
    (home) => [home.dataset.title, home.dataset.state]));

  const swap = (fresh) => {
    const old = document.getElementById("live");
    const next = fresh.getElementById("live");
    if (!next) throw new Error("not the status page");
    const before = states();
    for (const details of next.querySelectorAll("details")) {
      const shown = document.getElementById(details.id);
      if (shown) details.open = shown.open;
    }
    const focused = document.activeElement;
    const href = old.contains(focused) ? focused.getAttribute("href") : null;
    const inside = focused && focused.tagName === "SUMMARY" ? focused.parentElement.id : null;
    if (old.innerHTML === next.innerHTML) return;
    old.replaceChildren(...next.childNodes);
    const kept = inside ? document.querySelector(`#${CSS.escape(inside)} > summary`)
      : href ? old.querySelector(`a[href="${CSS.escape(href)}"]`) : null;
    if (kept) kept.focus({ preventScroll: true });
    document.title = fresh.title;
    const changed = Array.from(states()).filter(([title, state]) => before.get(title) !== state);
    if (changed.length) {
      put(news, changed.slice(0, 3).map(([title, state]) => `${title}: ${state}.`).join(" ") +
        (changed.length > 3 ? ` And ${changed.length - 3} more homes.` : ""));
    }
  };

  const refresh = async () => {
    if (fetching) { again = true; return; }
    fetching = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      ahead = Number(fresh.body.dataset.now) - Date.now();
      swap(fresh);
      tick();
      live();
    } catch {
      lost();
    } finally {
      fetching = false;
    }
    if (again) { again = false; setTimeout(refresh, 300); }
  };

  const listen = () => {
    stream = new EventSource("api/v1/events");
    stream.addEventListener("open", refresh);
    stream.addEventListener("transition", refresh);
    stream.addEventListener("error", refresh); // finds out whether the exporter is there at all
  };

  listen();
  setInterval(tick, 1000);
  setInterval(() => {
    if (stream.readyState === EventSource.CLOSED) listen();
    if (!document.hidden) refresh();
  }, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
