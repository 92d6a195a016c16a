"use strict";
// Draws the gallery from the embedded data. Text enters the page as text nodes only.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const report = read("report-data");
  const thumbs = read("report-thumbs");
  const names = report.systems.map((system) => system.name);
  const items = report.gallery.items;
  const page = 48;
  const words = { right: "right", partly: "partly right", wrong: "wrong", none: "no answer" };
  const state = { text: "", verdict: "", category: "", system: 0, order: "", shown: page };
  const grid = document.getElementById("grid");
  const found = document.getElementById("found");
  const more = document.getElementById("more");

  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) {
      node.textContent = text;
      node.dir = "auto";
    }
    return node;
  };

  const answer = (given, number) => {
    const box = make("div", "answer " + given.verdict);
    const line = make("div", "line");
    line.append(make("span", "badge " + given.verdict, words[given.verdict]));
    if (names.length > 1) {
      line.append(make("span", "swatch s" + (number % 6)), make("bdi", "", names[number]));
    }
    for (const [metric, value] of Object.entries(given.values)) {
      line.append(make("span", "", metric + " " + (value === null ? "–" : Number(value.toPrecision(4)))));
    }
    box.append(line);
    const empty = given.length === 0;
    box.append(empty ? make("div", "none", given.verdict === "none" ? "(no answer)" : "(empty)") : make("div", "text", given.text));
    if (given.length > given.text.length) {
      box.append(make("div", "why", "Cut here: the answer has " + given.length.toLocaleString("en") + " characters."));
    }
    box.append(make("div", "why", given.why));
    return box;
  };

  const pictures = (item) => {
    const known = item.images.filter((name) => Object.hasOwn(thumbs, name));
    if (!known.length) return null;
    const row = make("div", known.length > 1 ? "pics many" : "pics");
    for (const name of known) {
      const image = make("img");
      image.src = thumbs[name];
      image.alt = "";
      image.loading = "lazy";
      row.append(image);
    }
    row.addEventListener("click", () => row.classList.toggle("open"));
    return row;
  };

  const card = (item) => {
    const node = make("article", "item");
    node.tabIndex = -1;
    const row = pictures(item);
    if (row) node.append(row);
    const body = make("div", "body");
    const meta = make("div", "meta");
    meta.append(make("bdi", "", item.category), make("bdi", "mono", item.id));
    body.append(meta);
    if (item.question) body.append(make("h3", "", item.question));
    const refs = make("div", "refs");
    for (const text of item.references) refs.append(make("span", "chip", text));
    if (item.more_references) refs.append(make("span", "chip", "+" + item.more_references));
    body.append(refs);
    if (item.more_images) body.append(make("div", "why", "and " + item.more_images + " more pictures"));
    item.answers.forEach((given, number) => body.append(answer(given, number)));
    node.append(body);
    return node;
  };

  const fits = (item) => {
    if (state.verdict && item.answers[state.system].verdict !== state.verdict) return false;
    if (state.category && item.category !== state.category) return false;
    if (!state.text) return true;
    const all = [item.id, item.question, ...item.references, ...item.answers.map((given) => given.text)];
    return all.some((text) => text.toLowerCase().includes(state.text));
  };

  // How far the systems are apart on a row, by the first metric; a missing answer counts as the worst.
  const apart = (item) => {
    const values = item.answers.map((given) => Object.values(given.values)[0] ?? 0);
    return Math.max(...values) - Math.min(...values);
  };
  const gained = (item) => {
    const values = item.answers.map((given) => Object.values(given.values)[0] ?? 0);
    return values[values.length - 1] - values[0];
  };
  const orders = { apart: (a, b) => apart(b) - apart(a), lost: (a, b) => gained(a) - gained(b), won: (a, b) => gained(b) - gained(a) };

  const draw = () => {
    const chosen = items.filter(fits);
    if (orders[state.order]) chosen.sort(orders[state.order]);
    grid.replaceChildren(...chosen.slice(0, state.shown).map(card));
    found.textContent = chosen.length.toLocaleString("en") + (chosen.length === 1 ? " row" : " rows");
    more.hidden = chosen.length <= state.shown;
  };

  const choose = (change) => {
    Object.assign(state, change, { shown: page });
    draw();
  };

  document.getElementById("search").addEventListener("input", (event) => choose({ text: event.target.value.trim().toLowerCase() }));
  more.addEventListener("click", () => {
    state.shown += page;
    draw();
  });
  const buttons = [...document.querySelectorAll("button[data-verdict]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const verdict = state.verdict === button.dataset.verdict ? "" : button.dataset.verdict;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other.dataset.verdict === verdict));
      choose({ verdict });
    });
  }
  const menu = (id, values, change) => {
    const select = document.getElementById(id);
    if (!select) return;
    for (const [value, text] of values) {
      const option = make("option", "", text);
      option.value = value;
      select.append(option);
    }
    select.addEventListener("change", () => choose(change(select.value)));
  };
  const categories = [...new Set(items.map((item) => item.category))].filter(Boolean).sort();
  menu("category", categories.map((name) => [name, name]), (category) => ({ category }));
  menu("system", names.map((name, number) => [String(number), name]), (value) => ({ system: Number(value) }));
  menu("order", [["", "in the file's order"], ["apart", "most different first"], ["lost", "lost first"], ["won", "won first"]], (order) => ({ order }));

  const step = (by) => {
    const cards = [...grid.children];
    const at = cards.indexOf(document.activeElement.closest(".item"));
    const next = cards[Math.max(0, Math.min(cards.length - 1, at + by))];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "center" });
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(event.target.tagName)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("search").focus();
    } else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (buttons[Number(event.key) - 1]) buttons[Number(event.key) - 1].click();
    else if (event.key === "0") for (const button of buttons) if (button.getAttribute("aria-pressed") === "true") button.click();
  });
  draw();
})();
