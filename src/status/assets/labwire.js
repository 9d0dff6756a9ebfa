// Keeps an open page true: fetches it anew when the gateway says that something changed, and says so, loudly, when
// nothing is heard. Never takes the focus or what was typed. The page is whole without it.
"use strict";
// A scanner types and ends with Enter. It may go to the scan box, and to no decision: a decision takes a click, a tap or
// the space bar, and characters typed where nothing takes them go to the scan box.
(() => {
  const scan = document.getElementById("scan");
  // Nobody types so fast.
  const GAP = 50;
  // What comes within it may be one scan still, which stopped on its way.
  const LULL = 1000;
  const SHORTEST = 4;
  // A space that nothing follows for so long was pressed by a person.
  const REST = 150;
  const PRESSED = "button, summary, input[type=checkbox]";
  const BOXES = "form.decide textarea, form.decide input:not([type=hidden]):not([type=checkbox]):not([data-scans])";
  const takesText = (it) => it && it.matches("input:not([type=checkbox]), textarea");
  const isPlain = (event) => event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  // What came without a pause, where it began, and what stood there before.
  let burst = { box: null, before: "", text: "", at: -Infinity };
  // What came without a lull, and whether a scanner has shown itself in it.
  let run = { text: "", isScan: false };
  let press = 0;

  function lookUp(text) {
    scan.value = text;
    scan.focus();
    scan.select();
  }

  // The next scan replaces what stands in the scan box, wherever the caret is. By hand it is typed as anywhere. A scan that stopped
  // on its way is whole: its head alone or its tail alone would be another tube's number.
  function inScanBox(event, goesOn) {
    const length = burst.text.length;
    if (event.key === "Enter" ? goesOn && length > 1 : length === SHORTEST) {
      const text = event.key === "Enter" ? run.text : run.text.slice(0, -1);
      if (scan.value !== text) scan.value = text;
      scan.setSelectionRange(text.length, text.length);
    }
  }

  // A scan into a box of a decision is a specimen's number and no reason: the box stands as it stood before, and the number
  // goes to the scan box, where Enter looks it up. Where something was typed just before it, nobody knows where it began: all of it stays.
  function inDecision(event, goesOn) {
    if (event.key !== "Enter" || !goesOn || event.target !== burst.box || burst.text.length < SHORTEST) return;
    event.preventDefault();
    if (run.text !== burst.text) return;
    event.target.value = burst.before;
    if (scan) lookUp(burst.text);
  }

  // The same button, where the page was fetched anew meanwhile.
  function anew(it) {
    const now = document.activeElement;
    return it.name && now.tagName === it.tagName && now.name === it.name && now.value === it.value ? now : null;
  }

  // Where nothing takes text. A list of choices takes the arrows alone: by letters it would choose what a scan happens to begin
  // with. On a view without a scan box, a scan is looked up all the same.
  function inNothing(event, goesOn) {
    if (event.key === "Enter") {
      const isScan = goesOn && run.isScan;
      if (isScan && !document.querySelector(".wall") && document.getElementById("stale").hidden) {
        event.preventDefault();
        location.assign(`/specimen?id=${encodeURIComponent(run.text)}`);
      }
      return;
    }
    if (event.target.matches("select")) event.preventDefault();
    if (event.key === " ") {
      // A space of a scan presses nothing; one of a person does, once it is known for theirs.
      const it = event.target.closest(PRESSED);
      if (!it) return;
      event.preventDefault();
      if (!event.repeat && burst.text === " ") press = setTimeout(() => (it.isConnected ? it : anew(it))?.click(), REST);
    } else if (scan) {
      scan.value = run.text.slice(0, -1);
      scan.focus();
      scan.setSelectionRange(scan.value.length, scan.value.length);
    }
  }

  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key === "Enter" && box.closest("form.decide") && box.tagName !== "TEXTAREA") event.preventDefault();
    const goesOn = event.timeStamp - burst.at <= GAP && !event.repeat;
    if (isPlain(event)) {
      if (event.repeat || event.timeStamp - burst.at > LULL) run = { text: "", isScan: false };
      if (!goesOn) burst = { box, before: box.value, text: "", at: 0 };
      burst.text += event.key;
      run.text += event.key;
      run.isScan = run.isScan || burst.text.length >= SHORTEST;
      burst.at = event.timeStamp;
    }
    // A shift key belongs to the character that it changes.
    if (!isPlain(event) && event.key !== "Enter") {
      if (event.key !== "Shift") burst.at = -Infinity;
      return;
    }
    clearTimeout(press);
    if (box === scan) inScanBox(event, goesOn);
    else if (takesText(box)) box.matches(BOXES) && inDecision(event, goesOn);
    else inNothing(event, goesOn);
    if (event.key === "Enter") burst = { box: null, before: "", text: "", at: -Infinity };
  }, true);
  // While nothing is heard of the gateway, a form that is filled in is better than none.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form.decide") && !document.getElementById("stale").hidden) event.preventDefault();
  }, true);
  // A row that moves in under a hand isn't what the hand aimed at: for a moment a button takes a click only where it stood before.
  const AIMED = 1000;
  let stood = [];
  const called = (button) => `${button.name} ${button.value}`;
  window.labwireMoves = () => {
    const buttons = Array.from(document.querySelectorAll("form.decide button"), (it) => [called(it), it.getBoundingClientRect()]);
    stood = [...stood, { at: performance.now(), buttons }];
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("form.decide button");
    stood = stood.filter((it) => performance.now() - it.at < AIMED);
    // A key presses what has the focus.
    if (!button || event.detail === 0) return;
    const [x, y] = [event.clientX, event.clientY];
    const isUnder = (at) => at.left <= x && x <= at.right && at.top <= y && y <= at.bottom;
    const wasThere = (it) => it.buttons.some(([name, at]) => name === called(button) && isUnder(at));
    if (!stood.every(wasThere)) event.preventDefault();
  }, true);
  // Some browsers press as the key is let go.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target.closest(PRESSED)) event.preventDefault();
  }, true);
  // What was fetched anew takes decisions as well.
  window.labwireReady = (part) => {
    for (const button of part.querySelectorAll("form.decide button")) button.disabled = false;
  };
  window.labwireReady(document);
  // What somebody typed before they were away stands again in the form that was refused.
  const typed = JSON.parse(document.body.dataset.typed || "null");
  const wasSent = (it) => typed.fields.some(([name, value]) => name === it.name && value === it.value);
  const carries = (form) => {
    const buttons = Array.from(form.querySelectorAll("button[name]"));
    const hidden = Array.from(form.querySelectorAll("input[type=hidden]")).filter((it) => !["guard", "place"].includes(it.name));
    return hidden.every(wasSent) && (buttons.length === 0 || buttons.some(wasSent));
  };
  let stands = false;
  for (const form of typed ? document.querySelectorAll("form.decide") : []) {
    if (new URL(form.action).pathname !== typed.action || !carries(form)) continue;
    stands = true;
    for (const it of form.elements) {
      const sent = typed.fields.filter(([name]) => name === it.name).map(([, value]) => value);
      if (it.matches("input[type=checkbox], input[type=radio]")) it.checked = sent.includes(it.value);
      else if (it.matches("textarea, select, input:not([type=hidden])") && sent.length > 0) it.value = sent[0];
    }
  }
  if (typed) {
    // Where the form is gone, what was written by hand can still be copied.
    const CHOSEN = /^(decision|what|outcome|said|result|seen|differs|kind_.*)$/;
    const written = typed.fields.filter(([name, value]) => !CHOSEN.test(name) && value.trim() !== "");
    const gone = document.getElementById("typed-gone");
    gone.querySelector("pre").textContent = written.map(([, value]) => value).join("\n");
    (stands ? document.getElementById("typed-here") : gone).hidden = false;
  }
  // What wasn't done, and why, is what somebody must see who just pressed.
  const complaint = document.getElementById("complaint");
  if (complaint) complaint.focus();
  if (scan) {
    scan.form.addEventListener("submit", (event) => {
      // While nothing is heard of the gateway, the page that is there is better than none.
      if (!document.getElementById("stale").hidden) event.preventDefault();
      // While it takes its time, the next scan replaces this one.
      setTimeout(() => scan.select());
    });
  }
})();
(() => {
  // A page of what was, such as a day's reconciliation, stays as it was made.
  if (document.body.hasAttribute("data-still")) return;
  const PATIENCE = 6000;
  const RETRY = 3000;
  const asOf = document.getElementById("as-of");
  const banner = document.getElementById("stale");
  const scan = document.getElementById("scan");
  const title = document.title;
  const began = document.body.dataset.asOf;
  let heard = performance.now();
  let confirmed = began;
  let stale = false;
  let fetching = false;
  let again = false;
  let failed = false;
  let behind = false;
  let gone = false;
  let source = null;

  // In the page's language, with the time alone.
  const said = (words, at) => document.body.dataset[words].replaceAll("{at}", at.split(" ")[0]);

  function show() {
    // Without a stream it rests, and nobody looks.
    const silent = source !== null && performance.now() - heard > PATIENCE;
    const now = silent || failed;
    // Paper is never live.
    asOf.dataset.onPaper = document.body.dataset.wordsPaper.replace("{at}", confirmed);
    if (now) {
      const text = said("wordsStale", confirmed);
      if (banner.textContent !== text) banner.textContent = text;
      asOf.textContent = said("wordsSilent", confirmed);
    } else {
      asOf.textContent = document.body.dataset.wordsLive.replace("{at}", confirmed);
    }
    if (now !== stale) {
      stale = now;
      banner.hidden = !stale;
      document.documentElement.classList.toggle("is-stale", stale);
      document.title = stale ? `${said("wordsTitle", confirmed)} · ${title}` : title;
    }
  }

  // What lasts goes on, from what the gateway said, while something is heard of it. Written as the gateway writes it.
  function count() {
    if (stale) return;
    for (const it of document.querySelectorAll("[data-lasts]")) {
      if (!it.labwireSeen) it.labwireSeen = performance.now();
      const seconds = Number(it.dataset.lasts) + Math.floor((performance.now() - it.labwireSeen) / 1000);
      const minutes = Math.floor(seconds / 60);
      const [large, small] = minutes < 60 ? [`${minutes} min`, `${seconds % 60} s`] : [`${Math.floor(minutes / 60)} h`, `${minutes % 60} min`];
      const text = minutes === 0 ? `${seconds} s` : `${large} ${small}`;
      if (it.textContent !== text) it.textContent = text;
    }
  }

  function hear(text) {
    heard = performance.now();
    if (!fetching && !failed && !behind && !gone) confirmed = text;
    show();
  }

  const TYPED = "input[id], textarea[id], select[id]";
  const named = (it) => it.id || it.getAttribute("href") || `${it.name} ${it.value}`;

  function swap(fresh) {
    const focus = document.activeElement;
    // As what is shown was made: else it would always differ.
    window.labwireReady(fresh);
    for (const old of document.querySelectorAll("[data-live]")) {
      const next = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!next || next.innerHTML === old.innerHTML) continue;
      window.labwireMoves();
      const name = old.contains(focus) && named(focus);
      const scrolled = Array.from(old.querySelectorAll("pre, .wide"), (it) => it.scrollLeft);
      const typed = Array.from(old.querySelectorAll(TYPED), (it) => [it.id, it.value, it.selectionStart]);
      old.replaceChildren(...document.adoptNode(next).childNodes);
      old.querySelectorAll("pre, .wide").forEach((it, index) => { it.scrollLeft = scrolled[index] || 0; });
      const same = name && Array.from(old.querySelectorAll("a, button, input, select, textarea")).find((it) => named(it) === name);
      if (same) same.focus({ preventScroll: true });
      for (const [id, value, caret] of typed) {
        const it = document.getElementById(id);
        if (!it) continue;
        it.value = value;
        if (it === same && caret !== null && caret !== undefined) it.setSelectionRange(caret, caret);
      }
    }
  }

  // Two tones up when an alarm begins, one down when one is over; only where somebody switched the sound on.
  function ring(now) {
    const before = new Set(document.body.dataset.rings.split(" "));
    const begins = now.rings.split(" ").some((id) => id && !before.has(id));
    const ends = Number(now.alarms) < Number(document.body.dataset.alarms);
    document.body.dataset.rings = now.rings;
    document.body.dataset.alarms = now.alarms;
    if (begins) window.labwireTone && window.labwireTone([660, 880]);
    else if (ends) window.labwireTone && window.labwireTone([440]);
  }

  // Shows what was fetched.
  function take(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    // A selection is somebody copying: what they mark stays until they are done.
    const marking = document.getSelection();
    const busy = marking && !marking.isCollapsed && document.activeElement !== scan;
    ring(fresh.body.dataset);
    const visitor = document.body.dataset.visitor;
    if (visitor && fresh.body.dataset.visitor !== visitor && document.querySelector("form.decide")) signedOut();
    behind = busy;
    if (busy) { again = true; } else { swap(fresh); count(); confirmed = fresh.body.dataset.asOf; }
  }

  // After a restart of the gateway, or signed out elsewhere: what stands in a form can't be sent, and somebody may be writing.
  function signedOut() {
    document.getElementById("out").hidden = false;
    for (const button of document.querySelectorAll("form.decide button")) button.disabled = true;
  }

  // What was shown is decided, or isn't here any more, and the gateway says so: what stands here is of then, and nothing of it is
  // to be pressed. What was typed stays.
  async function isGone(answer) {
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = fresh.querySelector("main h1");
    const words = document.getElementById("gone");
    words.querySelector("b").textContent = told ? told.textContent : "";
    words.hidden = false;
    for (const button of document.querySelectorAll("form.decide button")) button.disabled = true;
    gone = true;
  }

  async function refresh() {
    if (gone) return;
    if (fetching) { again = true; return; }
    fetching = true;
    // Not AbortSignal.timeout: a browser of 2021 has none.
    const limit = new AbortController();
    const impatience = setTimeout(() => limit.abort(), PATIENCE);
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin", headers: { "X-Labwire-Refresh": "1" }, signal: limit.signal });
      const isThere = answer.status !== 404;
      if (isThere && !answer.ok) throw new Error("no page");
      if (!isThere) await isGone(answer);
      else take(await answer.text());
      failed = false;
    } catch {
      failed = true;
      again = true;
    }
    clearTimeout(impatience);
    fetching = false;
    show();
    if (again) { again = false; setTimeout(refresh, failed ? RETRY : 1000); }
  }

  // A browser keeps few connections to one host: a page that nobody looks at gives its own up, unless it is to be heard.
  function rest() {
    if (document.hidden && localStorage.getItem("labwire-sound") !== "on") {
      if (source) source.close();
      source = null;
    } else if (!source) {
      listen();
      show();
    }
  }

  function listen() {
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource("/events");
    source.addEventListener("open", refresh);
    source.addEventListener("as-of", (event) => hear(event.data));
    source.addEventListener("changed", (event) => { hear(event.data); refresh(); });
    source.addEventListener("error", () => {
      if (source && source.readyState === EventSource.CLOSED) setTimeout(() => source && listen(), RETRY);
    });
  }

  if (scan) {
    // The next scan replaces what stands there.
    scan.addEventListener("focus", () => scan.select());
    if (document.activeElement === scan) scan.select();
  }
  document.addEventListener("visibilitychange", rest);
  rest();
  setInterval(() => { show(); count(); }, 500);
})();
// The sound of alarms, on each screen as its people want it. A browser plays nothing before somebody has touched the page.
(() => {
  const KEY = "labwire-sound";
  const button = document.getElementById("sound");
  let context = null;
  const wanted = () => localStorage.getItem(KEY) === "on";
  const label = () => { button.textContent = wanted() ? button.dataset.wordsOff : button.dataset.wordsOn; };
  const unheard = document.getElementById("unheard");
  // A browser that lets no sound out says so by a context that doesn't run.
  const show = () => {
    if (unheard) unheard.hidden = !(wanted() && context && context.state === "suspended");
  };
  const open = () => {
    if (context || !window.AudioContext) return;
    context = new AudioContext();
    context.onstatechange = show;
  };
  if (wanted()) open();
  show();
  for (const touch of ["pointerdown", "keydown"]) {
    document.addEventListener(touch, () => context && context.state === "suspended" && context.resume());
  }
  window.labwireTone = (tones) => {
    if (!wanted() || !window.AudioContext) return;
    open();
    show();
    tones.forEach((hertz, index) => {
      const tone = context.createOscillator();
      const loud = context.createGain();
      const at = context.currentTime + index * 0.25;
      tone.frequency.value = hertz;
      loud.gain.value = 0.2;
      tone.connect(loud).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.2);
    });
  };
  if (!button) return;
  button.hidden = false;
  label();
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, wanted() ? "off" : "on");
    label();
    show();
    window.labwireTone([660]);
  });
})();
