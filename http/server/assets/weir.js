// Reads the API every two seconds and draws three tables. Texts become text nodes, never markup.
"use strict";

const GLYPHS = {
  open: ["●", "busy"], processing: ["●", "busy"], paused: ["‖", "warn"], retrying: ["↻", "warn"], restarting: ["↻", "warn"],
  committed: ["✓", "good"], committedWithWarnings: ["✓", "warn"], up: ["✓", "good"],
  waiting: ["○", "good"], rolledBack: ["✗", "bad"], failed: ["✗", "bad"], down: ["✗", "bad"],
};
const number = new Intl.NumberFormat();
const words = (text) => text.replace(/[A-Z]/g, (it) => " " + it.toLowerCase());

function age(time) {
  if (!time) return "–";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

const text = (name, value) => ({ name, value });
const count = (name, value) => ({ name, value: (it) => number.format(value(it)), kind: "number" });
const why = (value) => ({ name: "What is wrong", value, kind: "why" });
const state = (value) => ({ name: "State", value, kind: "state" });

const TABLES = {
  workflows: [
    text("Name", (it) => it.name), text("Project", (it) => it.project), state((it) => it.state),
    count("Open", (it) => it.openStreams), count("Committed", (it) => it.committed),
    count("With warnings", (it) => it.committedWithWarnings),
    count("Rolled back", (it) => it.rolledBack), count("Records in", (it) => it.counts.recordsIn),
    count("Records out", (it) => it.counts.recordsOut),
    count("Dead letters", (it) => it.counts.deadLetters),
    text("Last stream", (it) => age(it.lastStreamAt)), why((it) => it.fault?.message ?? ""),
  ],
  streams: [
    text("Item", (it) => it.item), text("Workflow", (it) => it.workflow), state((it) => it.state),
    count("Records in", (it) => it.counts.recordsIn),
    count("Records out", (it) => it.counts.recordsOut),
    count("Dead letters", (it) => it.counts.deadLetters), count("Attempts", (it) => it.attempts),
    text("Opened", (it) => age(it.openedAt)), why((it) => it.fault?.message ?? ""),
  ],
  nodes: [
    text("Name", (it) => it.name), state((it) => it.status), text("Version", (it) => it.version),
    count("Workflows", (it) => it.workflowInstances), count("Open streams", (it) => it.openStreams),
    text("Memory", (it) => `${number.format(Math.round(it.memoryBytes / 1048576))} MiB`),
    text("Up for", (it) => age(it.startedAt)), text("Address", (it) => it.address),
  ],
};

function cell(tag, column, value) {
  const node = document.createElement(tag);
  if (column.kind) node.classList.add(column.kind);
  if (column.kind === "state" && tag === "td") {
    const [glyph, tone] = GLYPHS[value] ?? ["○", ""];
    if (tone) node.classList.add(tone);
    node.textContent = `${glyph} ${words(value)}`;
  } else {
    node.textContent = value;
  }
  return node;
}

function draw(noun, items) {
  const place = document.getElementById(noun);
  if (items.length === 0) {
    const none = document.createElement("p");
    none.className = "empty";
    none.textContent = `No ${noun} yet.`;
    place.replaceChildren(none);
    return;
  }
  // A column that is empty everywhere says nothing.
  const columns = TABLES[noun].filter((it) => it.kind !== "why" || items.some(it.value));
  const table = document.createElement("table");
  table.createTHead().insertRow().append(...columns.map((it) => cell("th", it, it.name)));
  const body = table.createTBody();
  for (const item of items) {
    body.insertRow().append(...columns.map((it) => cell("td", it, it.value(item))));
  }
  place.replaceChildren(table);
}

async function read(noun) {
  const query = noun === "streams" ? "?limit=20" : "";
  const response = await fetch(`/api/v1/${noun}${query}`, { signal: AbortSignal.timeout(10000) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  draw(noun, answer.items);
}

async function refresh() {
  const status = document.getElementById("status");
  try {
    await Promise.all(Object.keys(TABLES).map(read));
    status.className = "";
    status.textContent = `as of ${new Date().toLocaleTimeString()}`;
  } catch (error) {
    status.className = "bad";
    status.textContent = error.message;
  }
  setTimeout(refresh, 2000);
}

refresh();
