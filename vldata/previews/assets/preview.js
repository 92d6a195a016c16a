"use strict";
// Draws the gallery from the embedded data. Text enters the page as text nodes only; pictures come in blocks that follow this script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { items, pictures, facets, codes } = data;
  const step = 60;
  const state = { text: "", code: "", order: "", low: 0, high: Infinity, facets: {}, shown: step };
  const byId = (id) => document.getElementById(id);
  const grid = byId("grid"), found = byId("found"), more = byId("more"), dialog = byId("dialog"), clear = byId("clear");
  const number = (value) => value.toLocaleString("en");
  let chosen = [];

  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) {
      node.textContent = text;
      node.dir = "auto";
    }
    return node;
  };

  // Pictures. Block k has arrived whole when block k + 1 has begun, or the document has ended.
  const blocks = new Map();
  let waiting = [];
  let ended = false;
  const thumb = (place) => {
    const index = Math.floor(place / data.block);
    if (!blocks.has(index)) {
      const whole = byId("t" + index) && (ended || byId("t" + (index + 1)));
      if (!whole) return null;
      blocks.set(index, JSON.parse(byId("t" + index).textContent));
    }
    return "data:image/webp;base64," + blocks.get(index)[place % data.block];
  };
  const fill = () => {
    waiting = waiting.filter(([image, place]) => {
      const url = image.isConnected ? thumb(place) : null;
      if (url) image.src = url;
      return !url && image.isConnected;
    });
  };
  const watcher = new MutationObserver(fill);
  watcher.observe(document.body, { childList: true });
  document.addEventListener("DOMContentLoaded", () => {
    ended = true;
    watcher.disconnect();
    fill();
  });
  const picture = (index) => {
    const { shown = -1, path, frames = 0 } = pictures[index];
    if (shown < 0) return make("div", "blank", frames ? "▶ video, not shown" : "not shown");
    const image = make("img");
    image.alt = frames ? "first frame of the video " + path : path;
    image.decoding = "async";
    const url = thumb(shown);
    if (url) image.src = url;
    else waiting.push([image, shown]);
    if (!frames) return image;
    const tile = make("div", "clip");
    tile.append(image, make("span", "play", "▶"));
    return tile;
  };

  // Words.
  const marked = (node, text) => {
    const at = state.text ? text.toLowerCase().indexOf(state.text) : -1;
    if (at < 0) {
      node.append(text);
      return;
    }
    node.append(text.slice(0, at), make("mark", "", text.slice(at, at + state.text.length)), text.slice(at + state.text.length));
  };
  const signs = { image: "▣ ", video: "▶ " };
  const words = (turn, next, slots) => {
    const node = make("div", "turn " + turn.role + (turn.text.length > 90 ? " long" : ""));
    node.dir = "auto";
    node.dataset.role = turn.role;
    const parts = turn.text.split(/((?:<image>\s*)+|(?:<video>\s*)+)/);
    parts.forEach((part, place) => {
      if (place % 2 === 0) {
        marked(node, part);
        return;
      }
      const kind = part.slice(1, 6);
      const first = next[kind];
      next[kind] += part.match(/</g).length;
      const last = next[kind] - 1;
      const leading = kind === "image" && parts.length === 3 && !parts[0] && last === next.all;
      if (slots || !leading) node.append(make("span", "slot", signs[kind] + (last > first ? first + "–" + last : first)));
    });
    if (turn.length) node.append(make("span", "slot", "… " + number(turn.length) + " characters in all"));
    return node;
  };
  const layout = (count) => (count === 1 ? "" : count === 2 ? " two" : count === 4 ? " four" : count <= 6 ? " few" : " many");

  const chips = (item) => {
    const box = make("div", "refs");
    box.append(make("span", "soft", "also accepted"));
    for (const text of item.references) box.append(make("span", "chip", text));
    return box;
  };
  const faults = (item) => (item.findings || []).map(([code, text]) => make("div", "fault", code + " " + text));

  const tags = (item) => {
    const row = make("div", "tags");
    if (item.side) row.append(make("span", "tag " + item.side, item.side));
    for (const name of facets) {
      const value = name !== "side" && item.meta && item.meta[name];
      if (value && row.childElementCount < 3) row.append(make("span", "tag", value));
    }
    if (item.text) {
      const label = make("span", "cost", number((item.vision || 0) + item.text) + " tokens");
      label.title = number(item.vision || 0) + " vision, " + data.about + number(item.text) + " text";
      row.append(label);
    }
    return row;
  };

  const card = (item) => {
    const node = make("article", "item" + (item.findings ? " flagged" : ""));
    node.tabIndex = 0;
    const shown = (item.pictures || []).slice(0, 8);
    if (shown.length) {
      const row = make("div", "pics" + layout(shown.length));
      row.append(...shown.map(picture));
      node.append(row);
    }
    const body = make("div", "body");
    body.append(tags(item));
    const next = { image: 1, video: 1, all: (item.pictures || []).length + (item.more_pictures || 0) };
    for (const turn of item.turns.slice(0, 4)) body.append(words(turn, next, false));
    const rest = item.turns.length - 4 + (item.more_turns || 0);
    if (rest > 0) body.append(make("div", "why", "and " + number(rest) + " more turns"));
    if (item.references) body.append(chips(item));
    body.append(...faults(item));
    node.append(body);
    node.addEventListener("click", () => open(item));
    node.addEventListener("keydown", (event) => event.key === "Enter" && open(item));
    return node;
  };

  // One record, whole.
  // Boxes and points over an image: the drawing has the image's own pixels, fitted as the image is.
  const drawn = (shapes, width, height) => {
    const draw = (name, settings) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(settings)) node.setAttribute(key, value);
      return node;
    };
    const sheet = draw("svg", { viewBox: "0 0 " + width + " " + height, class: "drawn" });
    for (const shape of shapes) {
      const [x, y, right, low] = shape;
      if (shape.length === 2) sheet.append(draw("circle", { cx: x, cy: y, r: Math.max(width, height) / 100 }));
      else if (shape.length === 4) sheet.append(draw("rect", { x, y, width: Math.max(right - x, 0), height: Math.max(low - y, 0) }));
      else sheet.append(draw("polygon", { points: shape.join(" ") }));
    }
    return sheet;
  };
  const figure = (index, position, shapes = []) => {
    const node = make("figure");
    const about = pictures[index];
    const frame = make("div", "framed");
    frame.append(picture(index));
    if (shapes.length && about.width) frame.append(drawn(shapes, about.width, about.height));
    node.append(frame);
    const size = about.width ? about.width + "×" + about.height : "";
    const from = about.source ? about.source + (about.frame >= 0 ? ", frame " + about.frame : "") : about.path;
    const clip = about.frames ? number(about.frames) + " frames, " + (about.seconds || 0).toFixed(1) + " s" : "";
    const caption = make("figcaption", "", [(clip ? "▶ " : "▣ ") + position, size, clip, from].filter(Boolean).join(" · "));
    caption.title = from;
    node.append(caption);
    return node;
  };
  const facts = (item) => {
    const list = make("dl", "facts");
    const rows = [["at", item.at], ["tokens", number(item.vision || 0) + " vision, " + data.about + number(item.text || 0) + " text"]];
    if (item.side) rows.push(["side", item.side]);
    for (const [name, value] of [...rows, ...Object.entries(item.meta || {})]) list.append(make("dt", "", name), make("dd", "", value));
    return list;
  };
  const button = (text, label, action, off) => {
    const node = make("button", "", text);
    node.type = "button";
    node.ariaLabel = label;
    node.disabled = off;
    node.addEventListener("click", action);
    return node;
  };
  let current = null;
  const move = (by) => {
    const next = chosen[chosen.indexOf(current) + by];
    if (next) open(next);
  };
  const address = (hash) => {
    try {
      history.replaceState(null, "", hash);
    } catch {
      // A page inside a sandboxed frame has no address of its own.
    }
  };
  const open = (item) => {
    current = item;
    const place = chosen.indexOf(item);
    const top = make("div", "bar-top");
    top.append(make("span", "mono", item.id || item.at), make("span", "soft small", number(place + 1) + " of " + number(chosen.length)));
    top.append(button("‹", "Previous", () => move(-1), place < 1), button("›", "Next", () => move(1), place === chosen.length - 1));
    top.append(button("×", "Close", () => dialog.close(), false));
    const detail = make("div", "detail");
    const shown = item.pictures || [];
    if (shown.length) {
      const look = make("div", "look" + (shown.length > 1 ? " several" : ""));
      const stills = shown.filter((index) => !pictures[index].frames).length;
      look.append(...shown.map((index, position) => figure(index, position + 1 - (pictures[index].frames ? stills : 0), item.shapes)));
      if (item.more_pictures) look.append(make("p", "soft small", "and " + number(item.more_pictures) + " more pictures"));
      detail.append(look);
    }
    const text = make("div", "words");
    text.append(...faults(item));
    const next = { image: 1, video: 1 };
    for (const turn of item.turns) text.append(make("span", "who", turn.role), words(turn, next, true));
    if (item.more_turns) text.append(make("div", "why", "and " + number(item.more_turns) + " more turns"));
    if (item.references) text.append(chips(item));
    text.append(facts(item));
    detail.append(text);
    dialog.replaceChildren(top, detail);
    if (!dialog.open) dialog.showModal();
    dialog.focus();
    address("#" + encodeURIComponent(item.id || item.at));
    fill();
  };
  dialog.addEventListener("close", () => address("#"));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });

  // Choosing.
  const value = (item, name) => (name === "side" ? item.side : item.meta && item.meta[name]) || "";
  const texts = items.map(() => "");
  const haystack = (item, index) => {
    if (!texts[index]) {
      const parts = [item.id, item.at, ...item.turns.map((turn) => turn.text), ...(item.references || []), ...Object.values(item.meta || {})];
      texts[index] = parts.join("\n").toLowerCase();
    }
    return texts[index];
  };
  const cost = (item) => (item.vision || 0) + (item.text || 0);
  const coded = (item) => {
    if (!state.code) return true;
    if (state.code === "none" || state.code === "any") return Boolean(item.findings) === (state.code === "any");
    return (item.findings || []).some(([code]) => code === state.code);
  };
  const fits = (item, index) =>
    cost(item) >= state.low &&
    cost(item) <= state.high &&
    coded(item) &&
    Object.entries(state.facets).every(([name, wanted]) => value(item, name) === wanted) &&
    (!state.text || haystack(item, index).includes(state.text));

  const extend = () => {
    const from = grid.querySelectorAll("article").length;
    grid.append(...chosen.slice(from, state.shown).map(card));
    more.hidden = chosen.length <= state.shown;
    fill();
  };
  const draw = () => {
    chosen = items.filter(fits);
    if (state.order) chosen.sort((a, b) => (state.order === "long" ? cost(b) - cost(a) : cost(a) - cost(b)));
    grid.replaceChildren();
    if (!chosen.length) grid.append(make("p", "empty", "No record fits."));
    found.textContent = number(chosen.length) + (chosen.length === 1 ? " record" : " records");
    clear.hidden = !(state.text || state.code || state.high < Infinity || Object.keys(state.facets).length);
    extend();
  };
  const controls = () => {
    for (const node of document.querySelectorAll("[data-facet]")) {
      node.setAttribute("aria-pressed", String(state.facets[node.dataset.facet] === node.dataset.value));
    }
    for (const node of document.querySelectorAll("[data-code]")) node.setAttribute("aria-pressed", String(state.code === node.dataset.code));
    for (const node of document.querySelectorAll("[data-menu]")) node.value = state.facets[facets[Number(node.dataset.menu)]] || "";
    for (const node of document.querySelectorAll(".bin")) node.classList.toggle("on", Number(node.dataset.low) === state.low && state.high < Infinity);
    for (const node of document.querySelectorAll(".histogram")) node.classList.toggle("some", state.high < Infinity);
    if (byId("code")) byId("code").value = state.code;
  };
  const choose = (change) => {
    Object.assign(state, change, { shown: step });
    controls();
    draw();
  };
  const facet = (name, wanted) => {
    const { [name]: _, ...rest } = state.facets;
    choose({ facets: wanted ? { ...rest, [name]: wanted } : rest });
  };

  let timer = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => choose({ text: event.target.value.trim().toLowerCase() }), 120);
  });
  byId("order").addEventListener("change", (event) => choose({ order: event.target.value }));
  if (byId("code")) byId("code").addEventListener("change", (event) => choose({ code: event.target.value }));
  for (const node of document.querySelectorAll("[data-menu]")) {
    node.addEventListener("change", () => facet(facets[Number(node.dataset.menu)], node.value));
  }
  for (const node of document.querySelectorAll("[data-facet]")) {
    node.addEventListener("click", () => facet(node.dataset.facet, node.getAttribute("aria-pressed") === "true" ? "" : node.dataset.value));
  }
  for (const node of document.querySelectorAll("[data-code]")) {
    node.addEventListener("click", () => choose({ code: state.code === node.dataset.code ? "" : node.dataset.code }));
  }
  for (const node of document.querySelectorAll(".bin")) {
    const pick = () => choose(node.classList.contains("on") ? { low: 0, high: Infinity } : { low: Number(node.dataset.low), high: Number(node.dataset.high) });
    node.addEventListener("click", pick);
    node.addEventListener("keydown", (event) => event.key === "Enter" && pick());
  }
  clear.addEventListener("click", () => {
    byId("search").value = "";
    choose({ text: "", code: "", low: 0, high: Infinity, facets: {} });
  });
  const next = () => {
    state.shown += step;
    extend();
  };
  more.addEventListener("click", next);
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && !more.hidden && next(), { rootMargin: "800px" }).observe(more);
  draw();
  const named = items.find((item) => location.hash === "#" + encodeURIComponent(item.id || item.at));
  if (named) open(named);
})();
