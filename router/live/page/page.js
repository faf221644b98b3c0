"use strict";
// The page itself: it asks the service, and draws what the wall knows (wall.js, which stands before it).

function start() {
  const $ = (id) => document.getElementById(id);
  const names = new Map(), callers = new Map(), hidden = new Set(), tiles = new Map();
  let wall = newWall(), watching = new AbortController(), clock = new Intl.DateTimeFormat(), zone = "";
  let token = "", site = "main", refused = "", changed = new Set(), everything = true, drawn = 0, pressed = false;

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }
  const row = (...cells) => { const line = make("tr"); line.append(...cells); return line; };
  const badge = (tier) => make("span", isVip(tier) ? "tier vip" : "tier", tier);
  const isVip = (name) => (wall.tiers.find((tier) => tier.tier === name) || {}).head_start_ms > 0;
  const percent = (level) => (level && level.percent !== null ? `${level.percent.toFixed(1)} %` : "–");
  const missed = (level) => level && level.percent !== null && level.target_percent !== null && level.percent < level.target_percent;

  const aimed = (level) => level.within_ms === null
    ? `answered in the time each was promised, ${level.variant}, last hour`
    : `answered in ${level.within_ms / 1000} s, ${level.variant}, last hour; target ${level.target_percent} %`;

  // A token in the fragment never reaches the server's log; it is taken out of the address at once.
  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (given.get("token")) remember(given.get("token"), given.get("site") || "main");
    else if (given.get("site")) remember(sessionStorage.getItem("token") || "", given.get("site"));
    refused = given.get("refused") ? "The token in the address is unknown, expired or revoked." : "";
    if (location.hash) history.replaceState(null, "", location.pathname);
    token = sessionStorage.getItem("token") || "";
    site = sessionStorage.getItem("site") || "main";
  }
  function remember(someToken, someSite) {
    sessionStorage.setItem("token", someToken);
    sessionStorage.setItem("site", someSite);
  }
  const headers = () => ({ "X-Site": site, ...(token ? { Authorization: `Bearer ${token}` } : {}) });

  function say(state, words) { $("link").className = state; $("state").textContent = words; }

  /** Begin with nothing: another site's figures are not left standing, nor those of somebody who may not see them. */
  function forget() {
    watching.abort();
    watching = new AbortController();
    wall = newWall();
    names.clear(); callers.clear();
    everything = true;
    redraw();
  }
  function begin() {
    forget();
    $("enter").close();
    readAddress();
    try { new Headers(headers()); } catch { ask("The token and the site have only plain letters, digits and signs."); return; }
    say("", "connecting");
    watch(watching.signal);
  }

  async function watch(signal) {
    let pause = 500;
    while (!signal.aborted) {
      try {
        const sent = wall.lastId ? { ...headers(), "Last-Event-ID": wall.lastId } : headers();
        const response = await fetch("v1/live", { headers: sent, cache: "no-store", signal });
        if ([401, 403, 404].includes(response.status)) {
          const { detail } = await response.json();
          return ask(token ? detail : refused, response.status !== 401);
        }
        if (!response.ok) throw new Error(response.status);
        say("on", "live");
        if (!names.size) learnNames(signal);
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = ""; ;) {
          const { value, done } = await reader.read();
          if (done) break;
          const { events, rest } = split(text + value);
          text = rest;
          pause = 500;
          for (const one of events) {
            const agents = take(wall, one.kind, one.id, one.data);
            if (agents === null) everything = true; else for (const name of agents) changed.add(name);
          }
          draw();
        }
      } catch (error) { /* a network that is away comes back */ }
      if (signal.aborted) return;
      say("off", "connection lost, trying again");
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 8000);
    }
  }

  /** `keep`: the token is known, and may not see this site. */
  function ask(words, keep = false) {
    forget();
    say("off", "not allowed");
    if (!keep) sessionStorage.removeItem("token");
    showForm(words);
  }
  function showForm(words) {
    $("refused").textContent = words;
    $("token").value = "";
    $("token").placeholder = sessionStorage.getItem("token") ? "the one in use" : "";
    $("site").value = site;
    if (!$("enter").open) $("enter").showModal();
  }
  $("form").addEventListener("submit", () => {
    remember($("token").value.trim() || sessionStorage.getItem("token") || "", $("site").value.trim() || "main");
    begin();
  });
  $("change").addEventListener("click", () => showForm(""));
  // The service takes back what it had this browser keep.
  $("leave").addEventListener("click", () => { sessionStorage.clear(); location.assign("./?token="); });
  window.addEventListener("hashchange", () => { if (location.hash) begin(); });

  async function learnNames(signal) {
    let cursor = "";
    do {
      const response = await fetch(`v1/agents?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`, { headers: headers(), signal });
      if (!response.ok) return;
      const page = await response.json();
      for (const agent of page.items) names.set(agent.agent_id, agent.name || agent.agent_id);
      cursor = page.next_cursor;
    } while (cursor);
    everything = true;
    draw();
  }

  // The stream names no caller. Those of the rows on show are asked for, each once, a few at a time.
  async function learnCallers() {
    if (learnCallers.busy || !wall.lastId) return;
    learnCallers.busy = true;
    const { signal } = watching;
    try {
      for (const id of callsOnShow().filter((one) => !callers.has(one)).slice(0, 10)) {
        const response = await fetch(`v1/calls/${encodeURIComponent(id)}`, { headers: headers(), signal });
        const call = response.ok ? await response.json() : {};
        if (response.ok || response.status === 404) callers.set(id, call.customer ? call.customer.name || call.customer.customer_id : "");
      }
      for (const id of callers.keys()) if (callers.size > 2000) callers.delete(id);
    } catch (error) { /* the next second asks again */ }
    learnCallers.busy = false;
    draw();
  }
  function callsOnShow() {
    const found = new Set();
    for (const list of [$("calls"), $("feed")]) {
      const box = list.getBoundingClientRect();
      for (const one of list.querySelectorAll("[data-call]")) {
        const { top, bottom } = one.getBoundingClientRect();
        if (bottom > Math.max(0, box.top) && top < Math.min(innerHeight, box.bottom)) found.add(one.dataset.call);
      }
    }
    return [...found];
  }
  setInterval(learnCallers, 1000);
  const who = (id) => make("span", callers.get(id) ? "who" : "who id", callers.get(id) || id);
  const withNames = (text) => named(named(text || "", names), callers);

  // By the site's clock, wherever the page is looked at.
  function timeOf(at) {
    if (wall.figures.timezone && wall.figures.timezone !== zone) {
      zone = wall.figures.timezone;
      clock = new Intl.DateTimeFormat([], { timeZone: zone, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    }
    return clock.format(new Date(at));
  }

  // At most four times a second, whatever comes in; never between the two halves of a click.
  addEventListener("pointerdown", () => { pressed = true; });
  for (const over of ["pointerup", "pointercancel", "blur"]) addEventListener(over, () => { pressed = false; draw(); });
  function draw() {
    if (draw.due) return;
    draw.due = setTimeout(() => { draw.due = 0; redraw(); }, Math.max(0, 250 - (Date.now() - drawn)));
  }
  function redraw() {
    if (pressed) return;
    drawn = Date.now();
    $("main").hidden = !wall.lastId;
    const now = drawn + wall.ahead, found = summary(wall, now);
    $("clock").textContent = wall.lastId ? `${timeOf(now)} ${zone}` : "";
    drawFigures(found); drawQueues(found); drawCalls(now); drawFeed(); drawAgents(found);
  }
  setInterval(draw, 1000);

  function drawFigures({ all, talking }) {
    $("title").textContent = wall.figures.title || wall.figures.site || "vipline";
    const level = wall.figures.service_level;
    const duty = STATES.filter((state) => state !== "offline" && state !== "break").reduce((sum, state) => sum + (all.agents[state] || 0), 0);
    const vip = [...all.tiers].filter(([tier]) => isVip(tier)).reduce((sum, [, one]) => sum + one.waiting, 0);
    const line = [all.waiting && vip ? `in line, ${vip} of them VIP` : "in line", all.callbacks ? `${all.callbacks} to be called back` : ""];
    const figure = (value, words, mood = "") => { const box = make("div", `figure ${mood}`); box.append(make("b", "", value), make("span", "", words)); return box; };
    $("figures").replaceChildren(
      figure(percent(level), level ? aimed(level) : "service level", level && level.percent !== null && level.target_percent !== null ? (missed(level) ? "bad" : "good") : ""),
      figure(String(all.waiting), line.filter(Boolean).join("; ")),
      figure(all.waiting ? spoken(all.longest) : "–", "longest wait in line"),
      figure(String(talking), "talking"),
      figure(`${all.agents.ready || 0} / ${duty}`, "agents ready / on duty", duty && !all.agents.ready && all.waiting ? "bad" : ""),
    );
    $("window").textContent = level ? `service level: ${level.variant}, last ${level.window_ms / 60000} min` : "";
  }

  /** A place in line: its own row, and one for each tier that stands there. */
  function queue(title, place, level, staff) {
    const waiting = make("td", "n", place.waiting);
    if (place.callbacks) waiting.append(make("small", "", ` + ${place.callbacks} to call back`));
    const late = (longest) => level && longest > level.within_ms;
    const line = row(title, waiting, make("td", "n wait", place.waiting ? spoken(place.longest) : "–"), make("td", "n", level ? percent(level) : ""), staff);
    line.className = late(place.longest) ? "group late" : "group";
    const rows = [line];
    for (const tier of wall.tiers) {
      const one = place.tiers.get(tier.tier);
      if (!one) continue;
      const label = make("td");
      label.append(badge(tier.tier));
      const below = row(label, make("td", "n", one.waiting), make("td", "n wait", spoken(one.longest)), make("td"), make("td"));
      below.className = late(one.longest) ? "late" : "";
      rows.push(below);
    }
    return rows;
  }

  function drawQueues({ groups, own }) {
    const body = make("tbody");
    if (own.waiting || own.callbacks) body.append(...queue(make("td", "", "own agents"), own, null, make("td", "why", "who waits for the one agent they know; some stand in a queue as well")));
    for (const [name, group] of wall.groups) {
      const place = groups.get(name);
      const title = make("td", "", group.title || name);
      if (!group.open) title.append(make("span", "shut", "  closed"));
      const staff = make("td");
      const bar = make("div", "bar"), total = Object.values(place.agents).reduce((sum, n) => sum + n, 0);
      bar.title = STATES.map((state) => `${place.agents[state] || 0} ${state}`).join(", ");
      for (const state of STATES) {
        const part = make("i", state);
        part.style.flexGrow = place.agents[state] || 0;
        bar.append(part);
      }
      staff.append(`${place.agents.ready || 0} ready of ${total}`, bar);
      body.append(...queue(title, place, group.service_level, staff));
    }
    const head = make("thead");
    head.append(row(make("th", "", "queue"), make("th", "n", "waiting"), make("th", "n", "longest"), make("th", "n", "service level"), make("th", "", "agents")));
    const table = make("table");
    table.append(head, body);
    $("queues").replaceChildren(table);
  }

  function drawCalls(now) {
    const line = inLine(wall), top = line.slice(0, 100);
    $("shown").textContent = line.length > top.length ? `the first ${top.length} of ${line.length}` : "in the order of their places";
    if (!top.length) { $("calls").replaceChildren(make("p", "empty", "Nobody waits.")); return; }
    const body = make("tbody");
    for (const { id, call } of top) {
      const caller = make("td"), tier = make("td"), waited = make("td", "n wait", spoken(now - Date.parse(call.accepted_at)));
      caller.append(who(id));
      tier.append(badge(call.tier));
      if (call.callback) waited.append(make("div", "why", "to be called back"));
      const what = make("td");
      const where = call.lanes.map((lane) => withNames(lane)).join(", ");
      what.append(call.state === "choosing" ? "asked: wait or go on?" : where ? `in ${where}` : "greeting", make("div", "why", withNames(call.why)));
      const one = row(caller, tier, waited, make("td", "", call.step || ""), what);
      one.dataset.call = id;
      body.append(one);
    }
    const head = make("thead");
    head.append(row(make("th", "", "caller"), make("th", "", "tier"), make("th", "n", "waited"), make("th", "", "step"), make("th", "", "where, and why")));
    const table = make("table");
    table.append(head, body);
    $("calls").replaceChildren(table);
  }

  function drawFeed() {
    $("feed").replaceChildren(...wall.feed.map((one) => {
      const item = make("li");
      item.dataset.call = one.call;
      item.append(make("time", "", timeOf(one.at)), badge(one.tier), " ", who(one.call), make("div", "why", withNames(one.why)));
      return item;
    }));
    if (!wall.feed.length) $("feed").append(make("li", "empty", "Nothing has happened since you came."));
  }

  function drawAgents({ all }) {
    $("staff").textContent = `${wall.agents.size} in all`;
    $("agents").classList.toggle("many", wall.agents.size > 240);
    $("legend").replaceChildren(...STATES.map((state) => {
      const button = make("button", hidden.has(state) ? "off" : "");
      button.append(make("i", state), `${state} `, make("b", "", all.agents[state] || 0));
      button.addEventListener("click", () => { if (!hidden.delete(state)) hidden.add(state); everything = true; redraw(); });
      return button;
    }));
    if (everything) {
      tiles.clear();
      $("agents").replaceChildren();
      for (const name of [...wall.agents.keys()].sort()) $("agents").append(tile(name));
    }
    for (const name of everything ? wall.agents.keys() : changed) paint(name);
    everything = false;
    changed = new Set();
  }
  function tile(name) { const element = make("button"); tiles.set(name, element); return element; }
  function paint(name) {
    const agent = wall.agents.get(name);
    if (!agent) { tiles.get(name)?.remove(); tiles.delete(name); return; }
    const element = tiles.get(name) || $("agents").appendChild(tile(name));
    element.className = `tile ${agent.state}`;
    element.hidden = hidden.has(agent.state);
    element.textContent = names.get(name) || name;
    element.title = `${names.get(name) || name}: ${agent.state} since ${timeOf(agent.since)}; ${Object.keys(agent.groups).join(", ")}${agent.call_id ? `; call ${agent.call_id}` : ""}`;
    if (agent.call_id) element.dataset.call = agent.call_id; else delete element.dataset.call;
  }

  // The story of one call, as the service tells it.
  document.addEventListener("click", async (event) => {
    const from = event.target.closest("[data-call]");
    if (!from) return;
    const id = from.dataset.call;
    const response = await fetch(`v1/calls/${encodeURIComponent(id)}`, { headers: headers() });
    $("call-title").textContent = callers.get(id) ? `${callers.get(id)}, call ${id}` : `Call ${id}`;
    $("call-facts").textContent = "";
    $("timeline").replaceChildren();
    if (response.ok) {
      const call = await response.json();
      const who = call.customer ? `${call.customer.name || call.customer.customer_id}, ` : "";
      $("call-facts").append(who, badge(call.customer ? call.customer.tier : (wall.calls.get(id) || {}).tier || ""), ` ${call.outcome || call.state}`, call.agent_id ? `, ${names.get(call.agent_id) || call.agent_id}` : "");
      for (const told of call.timeline) {
        const item = make("li");
        item.append(make("b", "", told.event.replace(/^call\./, "").replaceAll("_", " ")), ` ${timeOf(told.at)}`, make("div", "why", withNames(told.why)));
        $("timeline").append(item);
      }
    } else {
      $("call-facts").textContent = "This call is not kept any more.";
    }
    if (!$("call").open) $("call").showModal();
  });
  $("close").addEventListener("click", () => $("call").close());

  begin();
}

start();
