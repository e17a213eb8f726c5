// Keeps an open page up to date. Without this file every page works the same, once it is loaded anew.
const live = document.body.dataset.live;
const state = document.getElementById("live-state");
let wanted = false;
let busy = false;

function say(word, text) {
  if (state) {
    state.dataset.state = word;
    state.textContent = text;
  }
}

// What somebody opened, is typing or is looking at stays as it is: a film with a fresh link would begin anew.
const keeping = {
  morphStyle: "outerHTML",
  ignoreActiveValue: true,
  callbacks: {
    beforeNodeMorphed: (node) => node.tagName !== "VIDEO",
    beforeAttributeUpdated: (name, element) => !(element.tagName === "DETAILS" && name === "open"),
  },
};

async function refresh() {
  if (busy || document.hidden) {
    wanted = true;
    return;
  }
  busy = true;
  wanted = false;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (fresh.getElementById("sign-in")) location.reload(); // the session is over
      for (const part of document.querySelectorAll("[data-part]")) {
        const next = fresh.getElementById(part.id);
        if (next) window.Idiomorph.morph(part, next, keeping);
      }
    }
  } catch {
    say("lost", "Reconnecting");
  } finally {
    busy = false;
    if (wanted) setTimeout(refresh, 1000);
  }
}

if (live && document.querySelector("[data-part]")) {
  say("wait", "Connecting");
  const source = new EventSource(live);
  source.addEventListener("open", () => say("live", "Live"));
  source.addEventListener("error", () => say("lost", "Reconnecting"));
  source.addEventListener("changed", refresh);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && wanted) refresh();
  });
  addEventListener("pagehide", () => source.close());
}

// Where the row of pages is wider than the screen, the one that is open is to be seen.
const here = document.querySelector(".top nav [aria-current]");
if (here) {
  const row = here.closest("ul");
  const end = here.offsetLeft - row.offsetLeft + here.offsetWidth;
  if (end > row.clientWidth) row.scrollLeft = end - row.clientWidth;
}

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// A form that shows what it would make, while somebody types.
const trial = document.querySelector("form[data-preview]");
if (trial) {
  let timer;
  let asked = 0;
  const show = async () => {
    const mine = (asked += 1);
    try {
      const answer = await fetch(trial.action, { method: "POST", body: new URLSearchParams(new FormData(trial)) });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = fresh.getElementById("preview");
      if (mine === asked && next) window.Idiomorph.morph(document.getElementById("preview"), next, keeping);
    } catch {
      // The button of the form still works.
    }
  };
  trial.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 300);
  });
}
