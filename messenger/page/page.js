// What the page does: it asks, counts and draws. It keeps nothing, and asks nobody but the address
// that it came from. Each part below has its own data and one function that shows them.

const MINUTE = 60_000;
const Z = 3.2905267; // of the normal distribution, for 99.9 %
const MOST_IN_FLIGHT = 2; // browsers open six connections to a host: the others are for the probes
const KEPT_LATENCIES = 500;
const STAGES = ["BOOTING", "WARMING", "SERVING", "DRAINING", "STOPPING"];
const OF_CALLS = ["error:15%", "latency:200ms@50%", "latency:lognormal(50ms,p99=400ms)", "hang:5%", "reset:5%", "slow-body:1s", "garbage:5%", "fail-next:3"];
const OF_PROCESS = ["stall=sleep:5s", "stall=cpu:15s", "worker=crash", "worker=hang", "leak"];
const FOR_GOOD = ["deadlock=tasks", "deadlock=threads", "deadlock=mixed", "lock-orphan", "pool=starve"];

const facts = document.documentElement.dataset;
const asked = new URLSearchParams(location.search);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);

// Small things.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  return filled(made, attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return filled(made, attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setState(node, state, text) {
  if (node.dataset.state !== state) node.dataset.state = state;
  say(node, text);
}

function showOnce(node, children) {
  // What has not changed is left alone: selections stay, and readers are not disturbed.
  const holder = element("div", {}, ...children);
  if (node.innerHTML !== holder.innerHTML) node.replaceChildren(...holder.childNodes);
}

const said = [];
function announce(text) {
  // What comes at the same time is told together: a second sentence would cut the first one off.
  if (!said.length) setTimeout(() => say($("announcer"), said.splice(0).join(" ")), 300);
  if (!said.includes(text)) said.push(text);
}

const time = (text) => new Date(text).toLocaleTimeString([], { hour12: false });
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const seconds = (number) => (number < 10 ? `${number.toFixed(1)} s` : `${Math.round(number)} s`);
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

function milliseconds(number) {
  if (number === undefined) return "–";
  return number < 10 ? `${+number.toFixed(1)} ms` : number < 1000 ? `${Math.round(number)} ms` : `${(number / 1000).toFixed(1)} s`;
}

function newKey() {
  // Not randomUUID, which is missing where the address is no https and no loopback.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function ask(path, patience, options = {}) {
  // A connection of its own after a time-out: the aborted one is closed by the browser.
  return fetch(path, { cache: "no-store", signal: AbortSignal.timeout(patience), ...options });
}

async function again(period, turn, isIdle = () => false) {
  for (;;) {
    try {
      if (!document.hidden && !isIdle()) await turn();
    } catch (error) {
      reportError(error); // and go on: the next answer may be in order
    }
    await pause(period());
  }
}

// Requests by version.

const DRAFT = JSON.stringify({ sender: "alice", recipient: "bob", channel: "push", body: "Hello from the live page" });
const stream = { marks: [], versions: new Map(), inFlight: 0, paused: false };

function figures(version) {
  if (!stream.versions.has(version)) stream.versions.set(version, { requests: 0, errors: 0, degraded: 0, latencies: [] });
  return stream.versions.get(version);
}

async function send(kind) {
  const began = performance.now();
  const mark = { at: Date.now(), version: "none", isError: true };
  let missing = [];
  try {
    const answer = kind === "version"
      ? await ask("version", 4000)
      : await ask("v1/messages", 4000, { method: "POST", body: DRAFT, headers: { "content-type": "application/json", "idempotency-key": `page-${newKey()}` } });
    mark.version = answer.headers.get("x-messenger-version") ?? "none";
    const body = await answer.json();
    mark.isError = !answer.ok || answer.headers.has("x-fault");
    missing = body.degraded ?? [];
  } catch {
    // No answer, half of one, or one that is no JSON: an error of whoever began to answer.
  }
  mark.took = performance.now() - began;
  stream.marks.push(mark);
  const counted = figures(mark.version);
  counted.requests += 1;
  counted.errors += mark.isError;
  counted.degraded += missing.length > 0;
  counted.latencies.push(mark.took);
  if (counted.latencies.length > KEPT_LATENCIES) counted.latencies.shift();
}

async function tick() {
  if (stream.paused || stream.inFlight >= MOST_IN_FLIGHT) return;
  stream.inFlight += 1;
  send($("ask").value).finally(() => (stream.inFlight -= 1));
}

function known() {
  // Versions in order, those that answered nothing last.
  return [...stream.versions.keys()].sort((a, b) => (a === "none") - (b === "none") || a.localeCompare(b, "en", { numeric: true }));
}

function look(version) {
  // 1.x and 2.x look the same on each visit, whichever was seen first; others take what is left.
  if (version === "none") return "none";
  const major = Number.parseInt(version, 10);
  const rank = known().filter((each) => Number.parseInt(each, 10) === major).indexOf(version);
  return ((major === 2 ? 1 : major > 2 ? major - 1 : 0) + 2 * Math.max(rank, 0)) % 4;
}

const SHAPES = [
  (x, y) => `M${x - 3.6} ${y}a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z`,
  (x, y) => `M${x} ${y - 4.6}l4.6 8.2h-9.2z`,
  (x, y) => `M${x} ${y - 4.8}l4.8 4.8l-4.8 4.8l-4.8-4.8z`,
  (x, y) => `M${x - 3.6} ${y - 3.6}h7.2v7.2h-7.2z`,
];
const cross = (x, y, shape) => (shape % 2 ? `M${x - 4.5} ${y}h9m-4.5-4.5v9` : `M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7`);

function drawStream() {
  const now = Date.now();
  stream.marks = stream.marks.filter((mark) => now - mark.at < MINUTE);
  const svg = $("stream");
  const [width, height, left, top, bottom] = [svg.clientWidth, svg.clientHeight, 54, 30, 14];
  const down = (took) => height - bottom - (Math.log10(Math.max(took, 1)) / Math.log10(4000)) * (height - bottom - top);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const grid = [1, 10, 100, 1000].flatMap((took) => [
    drawn("line", { x1: left, x2: width - 10, y1: down(took), y2: down(took) }),
    drawn("text", { x: 10, y: down(took) + 4 }, took < 1000 ? `${took} ms` : "1 s"),
  ]);
  grid.push(drawn("text", { x: 10, y: 18 }, "error"));
  const paths = new Map();
  for (const mark of stream.marks) {
    const x = (width - 14 - ((now - mark.at) / MINUTE) * (width - 14 - left)).toFixed(1);
    const key = `${mark.version} ${mark.isError}`;
    if (!paths.has(key)) paths.set(key, { mark, shape: look(mark.version), d: [] });
    const path = paths.get(key);
    path.d.push(mark.isError ? cross(+x, 14, path.shape) : SHAPES[path.shape](+x, +down(mark.took).toFixed(1)));
  }
  const marks = [...paths.values()].map(({ mark, shape, d }) =>
    drawn("path", { class: `mark v-${shape}${mark.isError ? " error" : ""}`, "data-version": mark.version, "data-count": d.length, d: d.join("") }));
  svg.replaceChildren(...grid, ...marks);
}

function wilson(hits, of) {
  const share = hits / of;
  const spread = (Z / (1 + Z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  const middle = (share + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of);
  return [Math.max(0, middle - spread), Math.min(1, middle + spread)];
}

function intended(version, answered) {
  // The newest of several is the canary; of two, the other one is to get the rest.
  const weight = Number.parseFloat($("weight").value);
  if (Number.isNaN(weight) || version === "none" || answered.length > 2) return undefined;
  const isCanary = answered.length > 1 && version === answered.at(-1);
  return (isCanary ? weight : 100 - weight) / 100;
}

function shareBar(share, low, high, meant, shape) {
  const at = (part) => 3 + 138 * part;
  return drawn("svg", { viewBox: "0 0 144 20", "aria-hidden": "true" },
    drawn("line", { class: "rail", x1: 3, x2: 141, y1: 10, y2: 10 }),
    drawn("line", { class: `reach v-${shape}`, x1: at(low), x2: at(high), y1: 10, y2: 10 }),
    drawn("circle", { class: `v-${shape}`, cx: at(share), cy: 10, r: 4 }),
    meant === undefined ? undefined : drawn("line", { class: "meant", x1: at(meant), x2: at(meant), y1: 2, y2: 18 }));
}

function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

function versionRow(version, total, answered) {
  const { requests, errors, degraded, latencies } = stream.versions.get(version);
  const shape = look(version);
  const sorted = latencies.toSorted((a, b) => a - b);
  const [low, high] = wilson(requests, total);
  const meant = intended(version, answered);
  const isWithin = meant >= low && meant <= high;
  const symbol = shape === "none" ? cross(8, 8) : SHAPES[shape](8, 8);
  const number = (text, kind = "n") => element("td", { class: kind }, String(text));
  return element("tr", { "data-version": version },
    element("th", { scope: "row" }, drawn("svg", { class: "key", viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn("path", { class: `v-${shape}`, d: symbol })), version === "none" ? "no answer" : version),
    number(requests),
    element("td", {}, element("div", { class: "share" }, shareBar(requests / total, low, high, meant, shape), element("span", {}, `${percent(requests / total)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`))),
    meant === undefined ? number("–") : number(`${+(100 * meant).toFixed(2)} % ${isWithin ? "✓ within" : "✕ outside"}`, isWithin ? "n good" : "n bad"),
    number(errors ? `✕ ${errors} (${percent(errors / requests)})` : "0", errors ? "n bad" : "n"),
    number(milliseconds(quantile(sorted, 0.5))), number(milliseconds(quantile(sorted, 0.95))), number(degraded));
}

function showVersions() {
  const versions = known();
  if (!versions.length) return;
  const counts = [...stream.versions.values()];
  const total = counts.reduce((sum, each) => sum + each.requests, 0);
  const answered = versions.filter((version) => version !== "none");
  showOnce($("versions").tBodies[0], versions.map((version) => versionRow(version, total, answered)));
  const words = versions.map((version) => {
    const { requests, errors } = stream.versions.get(version);
    return `${version === "none" ? "no answer" : `version ${version}`}: ${plural(requests, "request")}, ${plural(errors, "error")}`;
  });
  $("stream").setAttribute("aria-label", `Requests by version. ${words.join("; ")}. The table below has the figures.`);
}

// Health: the life cycle, the downstreams, the waits and the probes, all from one answer.

const before = {};
let isCold = true;

async function readHealth() {
  const [whole, ready, alive] = await Promise.all(["health?verbose", "health/ready", "health/alive"].map(async (path) => {
    try {
      const answer = await ask(path, 1500);
      return { code: answer.status, body: await answer.json() };
    } catch {
      return { code: 0, body: {} };
    }
  }));
  const body = whole.body.checks ? whole.body : undefined;
  isCold = body?.lifecycle === "BOOTING" || body?.lifecycle === "WARMING";
  showPills(body, ready, alive);
  if (!body) return;
  showLife(body);
  showDownstreams(body);
  showWaits(body);
  showProbes(body);
}

function showPills(body, ready, alive) {
  const lifecycle = body?.lifecycle ?? "no answer";
  setState($("pill-lifecycle"), !body ? "none" : lifecycle === "SERVING" ? "pass" : "warn", lifecycle.toLowerCase());
  for (const [id, answer] of [["pill-ready", ready], ["pill-alive", alive]]) {
    const isOk = answer.code === 200;
    const state = !answer.code ? "none" : !isOk ? "fail" : answer.body.status;
    setState($(id), state, !answer.code ? "no answer" : isOk ? (answer.body.output ? `yes, ${answer.body.output}` : "yes") : `no: ${answer.body.output}`);
  }
  const word = (answer, name) => (answer.code === 200 ? name : `not ${name} (${answer.body.output ?? "no answer"})`);
  const told = `Messenger is ${lifecycle.toLowerCase()}, ${word(ready, "ready")}, ${word(alive, "alive")}.`;
  if (before.told !== undefined && before.told !== told) announce(told);
  before.told = told;
}

function showLife({ lifecycle, since, transitions, checks, notes }) {
  const now = STAGES.indexOf(lifecycle);
  showOnce($("stages"), STAGES.map((stage, n) =>
    element("li", { class: n < now ? "past" : undefined, "aria-current": n === now ? "step" : undefined }, stage.toLowerCase())));
  say($("why"), `Since ${time(since)}: ${transitions.at(-1)?.cause ?? "the beginning"}.`);
  const wrong = Object.entries(checks).filter(([name, [check]]) => check.status !== "pass" && name !== "lifecycle" && !name.startsWith("warmup:"));
  showOnce($("amiss"), wrong.map(([name, [check]]) =>
    element("li", {}, element("span", {}, name), element("span", { class: "state", "data-state": check.status }, check.output ?? check.status))));
  const gates = Object.entries(checks).filter(([name]) => name.startsWith("warmup:"));
  showOnce($("gates"), gates.map(([name, [check]]) => gateItem(name.slice("warmup:".length), check, notes)));
}

function gateItem(name, check, notes) {
  const note = notes.find((each) => each.startsWith(`waiting for ${name} `));
  const [done, total] = (note?.split(" ").at(-1) ?? "").split("/").map(Number);
  const isOpen = check.output === "open" || check.output === "blocked";
  const word = check.status === "pass" ? `passed in ${milliseconds(check.observedValue)}` : check.output;
  return element("li", {},
    element("span", {}, name),
    element("span", { class: "state", "data-state": check.status }, note && total ? `${done} of ${total}` : word),
    isOpen ? element("progress", { "aria-label": `Progress of ${name}`, max: total || 1, value: total ? done : undefined }) : undefined);
}

const snapshots = new Map();
const doneWithout = new Map();

async function readMetrics() {
  // Which snapshots are stale, and what messages did without, is told to Prometheus already.
  const text = await ask("metrics", 3000).then((answer) => (answer.ok ? answer.text() : ""), () => "");
  for (const [, name, labelled, value] of text.matchAll(/^messenger_(directory_stale|directory_age_seconds|degraded_total)\{\w+="(\w+)"\} (\S+)$/gm)) {
    if (name === "degraded_total") doneWithout.set(labelled, Number(value));
    else snapshots.set(labelled, { ...snapshots.get(labelled), [name]: Number(value) });
  }
}

function standing(name, check, gate) {
  const snapshot = snapshots.get(name);
  const calls = Number(check.observedUnit?.match(/\d+/)?.[0] ?? 0);
  if (check.status !== "pass") return ["warn", "failing"];
  if (gate?.output === "open") return ["none", "loading"];
  if (snapshot?.directory_stale) return ["warn", "stale"];
  if (gate) return ["pass", "fresh"];
  return calls ? ["pass", "answering"] : ["none", "not asked"];
}

function showDownstreams({ checks }) {
  const amiss = [];
  const tiles = Object.entries(checks).filter(([name]) => name.startsWith("downstream:")).map(([key, [check]]) => {
    const name = key.slice("downstream:".length);
    const [state, word] = standing(name, check, checks[`warmup:cache:${name}`]?.[0]);
    if (state === "warn") amiss.push(`${name} (${word})`);
    const age = snapshots.get(name)?.directory_age_seconds;
    const small = [
      check.observedUnit === "of 0 calls" ? undefined : `${check.observedValue} ${check.observedUnit} failed`,
      age === undefined ? undefined : `loaded ${seconds(age)} ago`,
      doneWithout.get(name) ? `done without ${plural(doneWithout.get(name), "time")}` : undefined,
    ].filter(Boolean);
    return element("li", { "data-name": name }, element("span", {}, name), element("span", { class: "state", "data-state": state }, word), ...small.map((text) => element("small", {}, text)));
  });
  showOnce($("downstreams"), tiles);
  say($("degraded"), amiss.length ? `Degraded: ${amiss.join(", ")}.` : "Nothing is degraded.");
}

// Who waits for whom.

function closed(edges) {
  // Those who wait, by way of others, for themselves.
  const next = new Map(edges.map((edge) => [edge.waiter, edge.owner]));
  const found = new Set();
  for (const start of next.keys()) {
    let party = next.get(start);
    for (let steps = 0; party !== undefined && steps < next.size; steps += 1) {
      if (party === start) found.add(start);
      party = next.get(party);
    }
  }
  return found;
}

function showWaits({ waits = [], checks }) {
  const edges = waits.filter((wait) => wait.owner !== null);
  const cause = checks["locks:waitcycle"]?.[0].output;
  say($("cause"), cause ? `Found: ${cause}.` : waits.length ? "No cycle so far." : "Nobody waits for a lock for longer than a second.");
  if (cause && before.cause !== cause) announce(`Found: ${cause}.`);
  before.cause = cause;
  const inCycle = closed(edges);
  const shape = JSON.stringify([edges.map(({ waiter, owner, lock }) => [waiter, owner, lock]), $("waits").clientWidth]);
  if (before.shape !== shape) $("waits").replaceChildren(...(edges.length ? [graph(edges, inCycle)] : []));
  before.shape = shape;
  showOnce($("waits-list"), waits.map((wait) =>
    element("li", {}, element("strong", {}, wait.waiter), ` waits ${seconds(wait.seconds)} for `, element("code", {}, wait.lock), ...(wait.owner === null ? [] : [", held by ", element("strong", {}, wait.owner)]), wait.timed ? ", with a time-out" : "")));
}

function graph(edges, inCycle) {
  const width = $("waits").parentElement.clientWidth - 48;
  const height = 240;
  const parties = [...new Set(edges.flatMap((edge) => [edge.waiter, edge.owner]))];
  const waiters = new Set(edges.map((edge) => edge.waiter));
  const isAbove = (party) => (inCycle.size ? inCycle.has(party) : !waiters.has(party));
  const rows = [parties.filter(isAbove), parties.filter((party) => !isAbove(party))];
  const places = new Map();
  rows.forEach((row, n) => row.forEach((party, column) => places.set(party, {
    x: (width * (column + 0.5)) / row.length,
    y: rows[1].length ? [76, 214][n] : height / 2,
    half: Math.min(8 * party.length + 24, width / row.length - 12) / 2,
  })));
  const marker = (id) => drawn("marker", { id, class: id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 6, markerHeight: 6, orient: "auto-start-reverse" }, drawn("path", { d: "M0 0L10 5L0 10z" }));
  const arrows = edges.map((edge) => arrow(edge, places, inCycle.has(edge.waiter) && inCycle.has(edge.owner)));
  const nodes = parties.map((party) => {
    const { x, y, half } = places.get(party);
    const fit = Math.max(3, Math.floor((2 * half - 10) / 7.5));
    const name = party.length > fit ? `${party.slice(0, fit - 1)}…` : party;
    return drawn("g", { class: inCycle.has(party) ? "node closed" : "node" }, drawn("rect", { x: x - half, y: y - 17, width: 2 * half, height: 34, rx: 9 }), drawn("text", { x, y: y + 5 }, name));
  });
  const words = `${plural(edges.length, "wait")} among ${parties.length} parties${inCycle.size ? `; ${[...inCycle].join(" and ")} wait for each other` : ""}. The list below names them.`;
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words }, drawn("defs", {}, marker("open"), marker("closed")), ...arrows.map(([line]) => line), ...nodes, ...arrows.map(([, text]) => text));
}

function arrow(edge, places, isClosed) {
  const [from, to] = [places.get(edge.waiter), places.get(edge.owner)];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const bend = (dy ? 0.05 : 0.42) * Math.min(Math.hypot(dx, dy), 200);
  const long = Math.hypot(dx, dy) || 1;
  const middle = { x: (from.x + to.x) / 2 + (dy / long) * bend, y: (from.y + to.y) / 2 - (dx / long) * bend };
  const edgeOf = (place, gap) => {
    const [ax, ay] = [middle.x - place.x, middle.y - place.y];
    const part = Math.min(place.half / Math.abs(ax || 1e-9), 17 / Math.abs(ay || 1e-9), 1);
    const far = Math.hypot(ax, ay) || 1;
    return [place.x + ax * part + (ax / far) * gap, place.y + ay * part + (ay / far) * gap];
  };
  const kind = isClosed ? "closed" : "open";
  const line = drawn("path", { d: `M${edgeOf(from, 0)}Q${middle.x} ${middle.y} ${edgeOf(to, 3)}`, "marker-end": `url(#${kind})` });
  // On the curve: in its middle, but near the waiter where another row's labels are in the way.
  const t = dy ? 0.3 : 0.5;
  const on = (axis) => (1 - t) ** 2 * from[axis] + 2 * t * (1 - t) * middle[axis] + t ** 2 * to[axis];
  const at = { x: on("x"), y: on("y") };
  return [drawn("g", { class: isClosed ? "edge closed" : "edge" }, line), drawn("text", { x: at.x, y: at.y + (dy ? 4 : dx > 0 ? -12 : 22) }, edge.lock)];
}

function showProbes({ history, asked: counts }) {
  say($("asked"), Object.entries(counts).map(([probe, count]) => `${probe} ${count}`).join(" · ") + " times asked, this page’s included.");
  const rows = [...history].reverse().map((change) => element("tr", {},
    element("td", {}, time(change.time)), element("td", {}, change.probe === "health" ? "/health" : `/health/${change.probe}`),
    element("td", {}, element("span", { class: "state", "data-state": change.code !== 200 ? "fail" : change.output ? "warn" : "pass" }, String(change.code))),
    element("td", {}, change.output || "–"), element("td", {}, change.source === "loop" ? "the event loop" : change.source)));
  if (rows.length) showOnce($("probes").tBodies[0], rows);
}

// Faults.

const force = { faults: "", process: [], passesAt: null };

async function readFaults() {
  try {
    const answer = await ask("debug/faults", 1500);
    if (answer.ok) takeFaults(await answer.json());
  } catch {
    // The life cycle says so.
  }
}

function takeFaults({ faults, ttl_seconds: left, process }) {
  Object.assign(force, { faults, process, passesAt: left === null ? null : performance.now() + 1000 * left });
  showFaults();
}

function showFaults() {
  const left = force.passesAt === null ? null : Math.max(0, (force.passesAt - performance.now()) / 1000);
  const calls = left === 0 ? "" : force.faults;
  const texts = [calls && left !== null ? `${calls}, for ${Math.ceil(left)} s more` : calls, ...force.process].filter(Boolean);
  setState($("in-force"), texts.length ? "warn" : "none", texts.length ? `In force: ${texts.join(" · ")}` : "No fault is in force.");
  const inForce = [...calls.split(/,(?![^(]*\))/), ...force.process];
  for (const button of document.querySelectorAll(".buttons button")) button.setAttribute("aria-pressed", inForce.includes(button.textContent));
  const told = [calls, ...force.process].filter(Boolean).join(", ");
  if (before.force !== undefined && before.force !== told) announce(told ? `In force: ${told}.` : "No fault is in force.");
  before.force = told;
}

async function order(method, body) {
  try {
    const answer = await ask("debug/faults", 3000, { method, body: body && JSON.stringify(body) });
    const told = await answer.json();
    say($("fault-answer"), answer.ok ? "" : told.detail ?? told.title);
    if (answer.ok) takeFaults(told);
  } catch {
    say($("fault-answer"), "No answer: the event loop may stand still already.");
  }
}

function setUpFaults() {
  $("faults").hidden = false;
  const putInForce = (faults) => order("PUT", { faults, ttl_seconds: Number($("ttl").value) });
  for (const [id, list] of [["of-calls", OF_CALLS], ["of-process", OF_PROCESS], ["for-good", FOR_GOOD]]) {
    $(id).append(...list.map((fault) => {
      const button = element("button", { type: "button", "aria-pressed": "false" }, fault);
      button.addEventListener("click", () => putInForce(fault));
      return button;
    }));
  }
  $("clear").addEventListener("click", () => order("DELETE"));
  $("own").addEventListener("submit", (event) => {
    event.preventDefault();
    putInForce($("list").value);
  });
  again(() => 1000, readFaults, () => isCold);
}

// One message, by hand.

async function sendByHand(event) {
  event.preventDefault();
  const { key, ...draft } = Object.fromEntries(new FormData($("send")));
  try {
    const answer = await ask("v1/messages", 10_000, { method: "POST", body: JSON.stringify(draft), headers: { "content-type": "application/json", "idempotency-key": key } });
    const body = await answer.json();
    const degraded = body.degraded?.length ? `, without ${body.degraded.join(", ")}` : "";
    say($("send-answer"), answer.ok
      ? `${answer.status} ${body.status}${degraded}, by version ${body.version}, id ${body.id}. Sent again with the same key it stays one message.`
      : `${answer.status} ${body.title}${body.detail ? `: ${body.detail}` : ""}`);
  } catch {
    say($("send-answer"), "No answer. Send it again with the same key: it goes out once.");
  }
}

// The beginning.

function remember() {
  for (const id of ["ask", "rate", "weight"]) {
    if ($(id).value) asked.set(id, $(id).value);
    else asked.delete(id);
  }
  history.replaceState(null, "", `?${asked}`);
  showVersions();
}

function start() {
  // Real downstreams deliver what they are sent: then the page sends nothing unless it is told to.
  $("ask").value = facts.embedded === "true" ? "messages" : "version";
  for (const id of ["ask", "rate", "weight"]) {
    const wanted = asked.get(id);
    if (wanted !== null && (id === "weight" || [...$(id).options].some((option) => option.value === wanted))) $(id).value = wanted;
    $(id).addEventListener("change", remember);
  }
  $("pause").addEventListener("click", () => {
    stream.paused = !stream.paused;
    $("pause").setAttribute("aria-pressed", stream.paused);
  });
  $("reset").addEventListener("click", () => {
    stream.versions.clear();
    stream.marks = [];
  });
  const freshKey = () => ($("send").elements.key.value = newKey());
  freshKey();
  $("new-key").addEventListener("click", freshKey);
  $("send").addEventListener("submit", sendByHand);
  say($("mode"), facts.embedded === "true" ? "The twelve downstreams are embedded mocks: messages go nowhere." : "");
  if (facts.faults === "true") setUpFaults();
  // While it warms up it answers no more than this page and the probes.
  again(() => 1000 / Number($("rate").value), tick, () => isCold);
  again(() => 1000, readHealth);
  again(() => 2000, readMetrics, () => isCold);
  again(() => (calm.matches ? 1000 : 200), drawStream);
  again(() => 500, () => {
    showVersions();
    showFaults();
  });
}

start();
