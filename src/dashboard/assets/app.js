// What pages do besides links and forms: keys, copying, times in the reader's zone, live rows. Everything here may
// fail or be off: every action works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const kept = (name) => { try { return localStorage.getItem("angarium." + name); } catch { return null; } };
  const keep = (name, value) => { try { localStorage.setItem("angarium." + name, value); } catch { /* private mode */ } };
  root.classList.add("js");

  const say = (text) => { const place = one("#said"); if (place) place.textContent = text; };

  // Times: UTC as the server writes them, or local.
  const two = (number) => String(number).padStart(2, "0");
  const local = (date) => {
    const offset = -date.getTimezoneOffset();
    const zone = (offset < 0 ? "-" : "+") + two(Math.floor(Math.abs(offset) / 60)) + ":" + two(Math.abs(offset) % 60);
    const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
    return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}${zone}`;
  };
  const showTimes = (within) => {
    const utc = kept("times") !== "local";
    for (const time of all("time[datetime]:not([data-relative])", within)) {
      const date = new Date(time.dateTime);
      if (Number.isNaN(date.valueOf())) continue;
      time.dataset.utc ??= time.textContent;
      time.textContent = utc ? time.dataset.utc : local(date);
    }
  };
  const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
  const span = (seconds) => {
    const at = Math.max(0, units.findIndex(([size]) => seconds >= size));
    const [size, unit] = seconds < 1 ? [1, "s"] : units[at];
    const next = units[at + 1];
    const rest = next ? Math.floor(seconds % size / next[0]) : 0;
    return `${Math.floor(seconds / size)} ${unit}` + (rest ? ` ${rest} ${next[1]}` : "");
  };
  const countDown = () => {
    for (const time of all("time[data-relative]")) {
      const seconds = Math.round((new Date(time.dateTime) - Date.now()) / 1000);
      time.textContent = seconds > 0 ? "in " + span(seconds) : seconds > -5 ? "now" : span(-seconds) + " ago";
    }
  };

  // The clipboard of scripts is there only on https and localhost; elsewhere the old way still works.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "hidden";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    say("Copied");
  };

  // Rows: moving, selecting, opening.
  const rows = () => all("table[data-keys] tbody tr");
  const current = () => document.activeElement?.closest?.("table[data-keys] tbody tr");
  const focusRow = (row) => { if (row) { row.tabIndex = -1; row.focus(); row.scrollIntoView({ block: "nearest" }); } };
  const step = (by) => {
    const list = rows();
    const at = list.indexOf(current());
    focusRow(list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + by))]);
  };
  let lastPicked = null;
  const pick = (row, on, range) => {
    const list = rows();
    const [from, to] = range && lastPicked ? [list.indexOf(lastPicked), list.indexOf(row)].sort((a, b) => a - b) : [list.indexOf(row), list.indexOf(row)];
    for (const each of list.slice(Math.max(0, from), to + 1)) {
      const box = one("input[name=id]", each);
      if (box) box.checked = on;
    }
    lastPicked = row;
    countPicked();
  };
  const picked = () => all("table[data-keys] input[name=id]:checked").length;
  const countPicked = () => {
    const count = picked();
    const place = one("[data-count]");
    if (place) place.textContent = count ? `${count} selected:` : "Selected:";
    for (const button of all("#selected button[name=action], #selected button[formaction$='/discard']")) button.disabled = count === 0;
    if (place) say(count ? `${count} selected` : "");
    showLive();
  };

  // Live rows: new ones come on top, changed ones in their place.
  let source = null;
  let paused = false;
  const tbody = one("#rows[data-live]");
  const place = one(".live");
  const holds = () => paused ? "paused" : picked() ? `paused (${picked()} selected)` : document.hidden ? "paused" : "";
  const showLive = () => {
    if (!place) return;
    const why = holds();
    place.textContent = why || (source ? "live" : "off");
    place.classList.toggle("on", !why && !!source);
    if (why) stop(); else start();
  };
  const put = (html, onlyChanged) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const row = template.content.firstElementChild;
    if (!row) return;
    showTimes(row);
    const old = document.getElementById(row.id);
    if (!old && onlyChanged) return;
    if (old) { old.replaceWith(row); } else { tbody.prepend(row); row.classList.add("arrived"); }
    for (const none of all("[data-without-rows]")) none.remove();
    for (const some of all("[data-with-rows][hidden]")) some.hidden = false;
    for (const extra of rows().slice(Number(tbody.dataset.live))) extra.remove();
  };
  const showMore = (count) => {
    let more = one(".more-rows");
    if (!more) {
      more = document.createElement("a");
      more.className = "button more-rows";
      more.href = location.href;
      tbody.closest(".scroll").prepend(more);
    }
    more.dataset.count = (Number(more.dataset.count) || 0) + count;
    more.textContent = `+${more.dataset.count} new – show`;
  };
  // What came while nobody listened is asked for by the server's time, which may not be ours.
  let after = Number(tbody?.dataset.after);
  const ahead = after - Date.now();
  let failures = 0;
  let timer = 0;
  const stop = () => { clearTimeout(timer); if (source) { source.close(); source = null; after = Date.now() + ahead - 2000; } };
  const start = () => {
    if (source || !tbody) return;
    const url = new URL(tbody.dataset.stream, location.href);
    url.searchParams.set("after", after);
    source = new EventSource(url);
    source.addEventListener("row", (event) => put(event.data));
    source.addEventListener("changed", (event) => put(event.data, true));
    source.addEventListener("more", (event) => showMore(Number(event.data) || 0));
    source.onopen = () => { failures = 0; place.textContent = "live"; place.classList.add("on"); };
    source.onerror = () => {
      stop();
      place.textContent = "off";
      place.classList.remove("on");
      failures += 1;
      timer = setTimeout(showLive, Math.min(60, 2 ** failures) * 1000);
    };
  };

  // Keys.
  const keys = [
    ["g then a letter", "go to a screen: " + all("nav [data-key]").map((a) => `${a.dataset.key} ${a.textContent}`).join(", ")],
    ["/", "search"], ["j / k", "next or previous row"], ["Enter", "open the row"], ["x", "select it; Shift+x a range"],
    ["a", "select all rows, or none"], ["r", "retry the row"], ["p", "pause live rows"], ["[ / ]", "previous or next attempt"],
    ["u", "times in UTC or local"], ["t", "theme"], ["?", "this help"],
  ];
  const help = () => {
    let dialog = one("dialog#keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys";
      const title = document.createElement("h2");
      title.textContent = "Keys";
      const list = document.createElement("dl");
      for (const [key, what] of keys) {
        const term = document.createElement("dt");
        term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
        list.append(term, Object.assign(document.createElement("dd"), { textContent: what }));
      }
      const off = document.createElement("label");
      off.className = "check";
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: kept("keys") !== "off" });
      box.addEventListener("change", () => keep("keys", box.checked ? "on" : "off"));
      off.append(box, "Use these keys");
      const form = document.createElement("form");
      form.method = "dialog";
      form.append(Object.assign(document.createElement("button"), { textContent: "Close" }));
      dialog.append(title, list, off, form);
      document.body.append(dialog);
    }
    dialog.showModal();
  };
  const themes = ["system", "light", "dark"];
  const nextTheme = () => {
    const form = one("form[action='/ui/preferences']");
    if (!form) return;
    form.elements.theme.value = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    form.submit();
  };
  const nextAttempt = (by) => {
    const attempts = all("details.attempt");
    const at = attempts.findIndex((attempt) => attempt.open);
    const next = attempts[Math.min(attempts.length - 1, Math.max(0, at + by))];
    if (!next) return;
    for (const attempt of attempts) attempt.open = attempt === next;
    one("summary", next).focus();
  };
  let going = false;
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]")) return;
    if (kept("keys") === "off" && event.key !== "?") return;
    if (going) {
      going = false;
      const link = all("nav [data-key]").find((a) => a.dataset.key === event.key);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const row = current();
    const act = {
      "g": () => { going = true; setTimeout(() => { going = false; }, 1500); },
      "/": () => one("#find")?.focus(),
      "j": () => step(1), "k": () => step(-1),
      "Enter": () => row && event.target === row && one("th a, th button", row)?.click(),
      "x": () => row && pick(row, !one("input[name=id]", row)?.checked, false),
      "X": () => row && pick(row, true, true),
      "a": () => { const on = picked() < rows().length; for (const each of rows()) { const box = one("input[name=id]", each); if (box) box.checked = on; } countPicked(); },
      "r": () => one("[data-key=r]", row ?? document)?.click(),
      "p": () => { paused = !paused; showLive(); },
      "[": () => nextAttempt(-1), "]": () => nextAttempt(1),
      "u": () => { keep("times", kept("times") === "local" ? "utc" : "local"); showTimes(document); },
      "t": nextTheme, "?": help,
    }[event.key];
    if (!act) return;
    if (event.key !== "Enter" || (row && event.target === row)) event.preventDefault();
    act();
  };

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from], [data-copy-link], [data-help]");
    if (button?.dataset.copy !== undefined) copy(button.dataset.copy);
    else if (button?.dataset.copyFrom !== undefined) copy(one("#" + button.dataset.copyFrom)?.textContent ?? "");
    else if (button?.dataset.copyLink !== undefined) copy(location.href);
    else if (button?.dataset.help !== undefined) help();
    const box = event.target.closest("table[data-keys] input[name=id]");
    if (box) pick(box.closest("tr"), box.checked, event.shiftKey);
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("visibilitychange", showLive);
  addEventListener("pagehide", stop);

  // In a narrow window the menu is a line that scrolls.
  one("nav.side [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  showTimes(document);
  countPicked();
  if (one("time[data-relative]") || tbody) setInterval(countDown, 1000);
})();
