// Follows a training: loads the report anew when the server says that it has changed, behind the one
// that is shown, and takes over where the reader was.
"use strict";
(() => {
  const status = document.getElementById("status");
  const pages = document.getElementById("pages");
  let shown = null; // the frame that is seen
  let version = null; // of the report in it
  let wanted = null;
  let loading = false;

  const say = (text, kind) => {
    if (status.textContent !== text) status.textContent = text;
    status.className = kind;
  };

  // What a reader may have set: fields by their id or place, and what is unfolded.
  const fields = page => [...page.querySelectorAll("input, select, textarea")];
  const folds = page => [...page.querySelectorAll("details")];
  const name = (element, place) => element.id || element.name || place;

  const read = frame => {
    const page = frame.contentDocument;
    const values = new Map();
    fields(page).forEach((field, place) => {
      // A slider at its end stays there: it is to follow the training.
      const atEnd = field.type === "range" && field.value === field.max;
      values.set(name(field, place), { value: field.value, checked: field.checked, atEnd });
    });
    return {
      x: frame.contentWindow.scrollX,
      y: frame.contentWindow.scrollY,
      values,
      open: new Map(folds(page).map((fold, place) => [name(fold, place), fold.open])),
      focus: page.activeElement ? page.activeElement.id : "",
    };
  };

  const restore = (frame, state) => {
    const page = frame.contentDocument;
    folds(page).forEach((fold, place) => {
      const open = state.open.get(name(fold, place));
      if (open !== undefined) fold.open = open;
    });
    fields(page).forEach((field, place) => {
      const before = state.values.get(name(field, place));
      if (!before) return;
      const value = before.atEnd ? field.max : before.value;
      if (field.value === value && field.checked === before.checked) return;
      if (field.type === "checkbox" || field.type === "radio") field.checked = before.checked;
      else field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    frame.contentWindow.scrollTo({ left: state.x, top: state.y, behavior: "instant" });
    const focused = state.focus && page.getElementById(state.focus);
    if (focused) focused.focus({ preventScroll: true });
  };

  // Charts draw themselves after the page has loaded, and push what is below them.
  const drawn = page => !page.querySelector("[data-spec]:not(.drawn)");
  const settled = async page => {
    for (let tries = 0; tries < 40 && !drawn(page); tries++) {
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  };

  const load = () => {
    if (loading || wanted === null || wanted === version) return;
    loading = true;
    const target = wanted;
    const next = document.createElement("iframe");
    next.title = "Report";
    next.className = "next";
    next.onload = async () => {
      if (next.contentDocument && next.contentDocument.querySelector("title")) {
        await settled(next.contentDocument);
        if (shown) {
          restore(next, read(shown));
          shown.remove();
        }
        next.className = "";
        shown = next;
        version = target;
        document.title = next.contentDocument.title;
      } else { // the server went away while it was asked
        next.remove();
      }
      loading = false;
      if (next === shown) load();
      else setTimeout(load, 2000);
    };
    next.src = `report?${encodeURIComponent(target)}`;
    pages.append(next);
  };

  const listen = () => {
    const events = new EventSource("events");
    events.onmessage = event => {
      const news = JSON.parse(event.data);
      say(news.status, news.waiting ? "waiting" : "");
      wanted = news.version;
      load();
    };
    events.onerror = () => {
      say("The connection is lost; trying again …", "lost");
      // The browser tries again by itself, except after an answer that was no stream of events.
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
    };
  };
  listen();
})();
