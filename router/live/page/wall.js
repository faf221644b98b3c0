"use strict";
// What a wall knows of a site. Pure: events go in, figures come out; tests run it without a browser.

const STATES = ["ready", "offered", "talking", "wrapping", "cooling", "break", "offline"];
const IN_LINE = new Set(["waiting", "choosing"]);

/** What a wall knows. Pure: events go in, figures come out. */
function newWall() {
  return { calls: new Map(), agents: new Map(), tiers: [], groups: new Map(), figures: {}, feed: [], lastId: "", ahead: 0 };
}

/** Takes one server-sent event; answers the ids of agents that changed, or null for all. */
function take(wall, kind, id, data) {
  // The site's clock counts: this one may be wrong, and a played day runs faster.
  if (data.at) wall.ahead = Date.parse(data.at) - Date.now();
  if (kind === "snapshot") {
    wall.calls = new Map(Object.entries(data.calls));
    wall.agents = new Map(Object.entries(data.agents));
    wall.feed = [];
  }
  if (kind === "snapshot" || kind === "figures") {
    wall.figures = { title: data.title, site: data.site, timezone: data.timezone, service_level: data.service_level };
    wall.tiers = data.tiers;
    wall.groups = new Map(data.groups.map((group) => [group.group, group]));
    if (kind === "snapshot") wall.lastId = id;
    return kind === "snapshot" ? null : [];
  }
  if (kind !== "delta") return [];
  for (const [name, call] of Object.entries(data.calls || {})) {
    const before = wall.calls.get(name);
    if (call) wall.calls.set(name, call); else wall.calls.delete(name);
    if (call && call.event && !(before && before.seq === call.seq))
      wall.feed.unshift({ at: call.event_at, seq: call.seq, call: name, tier: call.tier, why: call.why });
    const how = (data.ended || {})[name] || { at: data.at, seq: id, why: "has ended" };
    if (!call && before) wall.feed.unshift({ ...how, call: name, tier: before.tier });
  }
  wall.feed.sort((one, other) => later(one.seq, other.seq));
  wall.feed.length = Math.min(wall.feed.length, 60);
  for (const [name, agent] of Object.entries(data.agents || {}))
    if (agent) wall.agents.set(name, agent); else wall.agents.delete(name);
  for (const [name, group] of Object.entries(data.groups || {}))
    if (wall.groups.has(name)) wall.groups.get(name).open = group.open;
  wall.lastId = id;
  return Object.keys(data.agents || {});
}

/** Entries' places in the stream, newest first. */
function later(one, other) {
  const [a, b] = [one, other].map((seq) => seq.split("-").map(Number));
  return b[0] - a[0] || b[1] - a[1];
}

/** A text with people's names for the ids it speaks of; `names`: ids → names, those without one stay. */
function named(text, names) {
  return text.replace(/@?[A-Za-z0-9][A-Za-z0-9_.:-]*/g, (word) => {
    const id = word.replace(/[.:-]+$/, ""), own = id.startsWith("@");
    const name = names.get(own ? id.slice(1) : id);
    return name ? name + (own ? "’s own line" : "") + word.slice(id.length) : word;
  });
}

/** Splits a text of server-sent events: those that are complete, and the rest. */
function split(text) {
  const parts = text.split("\n\n");
  const rest = parts.pop();
  const events = [];
  for (const part of parts) {
    let kind = "", id = "";
    const data = [];
    for (const line of part.split("\n")) {
      if (line.startsWith("event: ")) kind = line.slice(7);
      else if (line.startsWith("id: ")) id = line.slice(4);
      else if (line.startsWith("data: ")) data.push(line.slice(6));
    }
    if (kind) events.push({ kind, id, data: JSON.parse(data.join("\n")) });
  }
  return { events, rest };
}

const groupOf = (lane) => (lane.startsWith("@") ? "" : lane.split("+")[0]);

/** Where a call stands: accepted less its head start, lowest first. */
function rankOf(wall, call) {
  const tier = wall.tiers.find((one) => one.tier === call.tier);
  const start = call.head_start_ms ?? (tier ? tier.head_start_ms : 0);
  return Date.parse(call.accepted_at) - start;
}

/** Everybody in line, in the order of their ranks; callbacks too. */
function inLine(wall) {
  const found = [];
  for (const [id, call] of wall.calls) if (IN_LINE.has(call.state)) found.push({ id, call, rank: rankOf(wall, call) });
  return found.sort((one, other) => one.rank - other.rank || (one.id < other.id ? -1 : 1));
}

/** Per group its tiers with how many wait and how long, and its agents by state; the same over all, each once, and
 *  over those who stand in an agent's own line. Who is to be called back does not wait: `callbacks` counts them. */
function summary(wall, now) {
  const empty = () => ({ waiting: 0, longest: 0, callbacks: 0, tiers: new Map(), agents: {} });
  const all = empty(), own = empty(), groups = new Map([...wall.groups.keys()].map((name) => [name, empty()]));
  for (const call of wall.calls.values()) {
    if (!IN_LINE.has(call.state)) continue;
    const waited = Math.max(0, now - Date.parse(call.accepted_at));
    const names = new Set(call.lanes.map(groupOf).filter((name) => groups.has(name)));
    const places = [all, ...[...names].map((name) => groups.get(name))];
    if (call.lanes.some((lane) => lane.startsWith("@"))) places.push(own);
    for (const place of places) {
      if (call.callback) { place.callbacks += 1; continue; }
      const tier = place.tiers.get(call.tier) || { waiting: 0, longest: 0 };
      place.tiers.set(call.tier, { waiting: tier.waiting + 1, longest: Math.max(tier.longest, waited) });
      place.waiting += 1;
      place.longest = Math.max(place.longest, waited);
    }
  }
  for (const agent of wall.agents.values())
    for (const place of [all, ...Object.keys(agent.groups).map((name) => groups.get(name)).filter(Boolean)])
      place.agents[agent.state] = (place.agents[agent.state] || 0) + 1;
  let talking = 0;
  for (const call of wall.calls.values()) if (call.state === "connected") talking += 1;
  return { all, own, groups, talking };
}

function spoken(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
