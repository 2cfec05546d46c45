/* Keeps the bars of running jobs up to date while the page is open; without this file the page reloads itself. */
"use strict";

(() => {
  const box = document.querySelector("[data-progress]");
  if (!box) return;
  const EVERY_MS = 2000;
  const said = box.querySelector("[data-said]");
  const watched = new Set(box.dataset.watch.split(",").filter(Boolean));
  const newest = box.dataset.newest || "0"; /* runs that began later are told of even if they have ended already */
  const quarters = new Map();
  const ended = new Set();

  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  };

  /* A run that began after the page was loaded gets a bar of its own. */
  const rowOf = (run) => {
    const known = box.querySelector(`[data-run="${run.id}"]`);
    if (known) return known;
    const row = make("div", "run");
    row.dataset.run = run.id;
    row.id = `run-${run.id}`;
    const title = make("p", "run-title");
    title.append(make("span", "state state-now", "running"), " ", make("strong", "", run.title));
    const line = make("p", "run-line");
    const bar = make("progress");
    bar.setAttribute("aria-label", run.title);
    const words = make("span", "figure");
    words.dataset.words = "";
    line.append(bar, " ", words);
    row.append(title, line);
    box.insertBefore(row, said);
    box.hidden = false;
    return row;
  };

  /* Read out at the beginning, at each quarter and at the end: not every two seconds. */
  const say = (run) => {
    const quarter = run.state !== "running" ? run.state : run.total ? Math.floor((4 * run.done) / run.total) : 0;
    if (quarters.get(run.id) === quarter) return;
    quarters.set(run.id, quarter);
    said.textContent = `${run.title}: ${run.words}`;
  };

  const show = (run) => {
    if (ended.has(run.id)) return false;
    watched.add(String(run.id));
    const row = rowOf(run);
    row.querySelector("[data-words]").textContent = run.words;
    say(run);
    const bar = row.querySelector("progress");
    if (run.state === "running") {
      if (run.total) {
        bar.max = run.total;
        bar.value = Math.min(run.done, run.total);
      } else {
        bar.removeAttribute("value");
      }
      return true;
    }
    watched.delete(String(run.id));
    ended.add(run.id);
    if (bar) bar.remove();
    const mark = row.querySelector(".state");
    mark.className = run.state === "succeeded" ? "state state-good" : "state state-bad";
    mark.textContent = run.state;
    const link = make("a", "", "Show the page anew");
    link.href = location.href.split("#")[0];
    row.querySelector(".run-line").append(" ", link);
    document.querySelectorAll(`a[href="#${row.id}"]`).forEach((note) => {
      note.textContent = "has ended; show the page anew";
      note.href = link.href;
    });
    return false;
  };

  const poll = async () => {
    if (document.hidden) return true;
    const answer = await fetch(`${box.dataset.progress}?watch=${[...watched].join(",")}&after=${newest}`, {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      redirect: "error",
    });
    if (!answer.ok) return answer.status >= 500;
    const { runs } = await answer.json();
    return runs.map(show).some(Boolean) || watched.size > 0;
  };

  const again = () => {
    poll()
      .catch(() => true)
      .then((goOn) => {
        if (goOn) setTimeout(again, EVERY_MS);
      });
  };
  setTimeout(again, watched.size ? EVERY_MS : EVERY_MS / 2); /* what was started just now may not stand on the page yet */
})();
