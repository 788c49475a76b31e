"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const make = (tag, given = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));

  // ---- the view is in the address, so that it can be sent to somebody
  const view = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const keep = (changes) => {
    const given = view();
    for (const [name, value] of Object.entries(changes)) {
      if (value === "" || value === null) given.delete(name); else given.set(name, value);
    }
    const text = given.toString();
    try { history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search); } catch { /* not kept */ }
  };

  one("#theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("facesr-theme", root.dataset.theme); } catch { /* not kept */ }
  });

  const open = (id) => {
    const found = id && document.getElementById(id);
    if (found && found.tagName === "DETAILS") found.open = true;
    return found;
  };

  // an open menu closes by Escape and by a click elsewhere
  const menus = () => all("details.menu[open]");
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) { menu.open = false; one("summary", menu).focus(); }
  });
  addEventListener("click", (event) => { for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false; });

  // ---- one data set at a time
  const tabs = all("[data-tab]");
  const choose = (name) => {
    const chosen = tabs.some((tab) => tab.dataset.tab === name) ? name : tabs[0]?.dataset.tab;
    for (const tab of tabs) pressed(tab, tab.dataset.tab === chosen);
    for (const part of all(".tabbed")) part.hidden = tabs.length > 0 && part.id !== chosen;
    root.classList.add("ready");
    for (const board of all(".board")) fit(board);
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => { choose(tab.dataset.tab); keep({ set: tab.dataset.tab }); });
  }

  // a table that fits scrolls with the page, so that its header stays in sight
  const fit = (board) => {
    const box = one(".scroll", board);
    if (!box || board.closest("[hidden]")) return;
    box.classList.remove("fits");
    box.classList.toggle("fits", box.scrollWidth <= box.clientWidth && box.clientWidth > 0);
  };

  // ---- the board
  const wire = (board) => {
    const table = one("table", board);
    const body = table.tBodies[0];
    const order = [...body.rows];
    const heads = all("button[data-sort]", table);
    const columns = heads.slice(1);
    const value = (row, column) => row.cells[column + 1].dataset.v;

    const sort = (button, best) => {
      const head = button.parentElement;
      for (const other of all("[aria-sort]", table)) { other.removeAttribute("aria-sort"); delete other.dataset.first; }
      head.dataset.first = best ? "yes" : "no";
      const rising = (button.dataset.better !== "higher") === best;
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const column = columns.indexOf(button);
      const sorted = [...order].sort((a, b) => {
        if (column < 0) {
          const way = a.cells[0].textContent.trim().localeCompare(b.cells[0].textContent.trim(), "en");
          return rising ? way : -way;
        }
        const [x, y] = [value(a, column), value(b, column)];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        return rising ? x - y : y - x;
      });
      body.append(...sorted);
    };
    for (const button of heads) {
      button.addEventListener("click", () => {
        const best = button.parentElement.dataset.first !== "yes";
        sort(button, best);
        keep({ sort: button.dataset.sort, last: best ? "" : "1" });
      });
    }

    const chips = all(".chip", board);
    const find = one(".find", board);
    const budget = one(".budget", board);
    const filter = (store = true) => {
      const off = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "false").map((chip) => chip.dataset.family));
      const words = find.value.trim().toLowerCase();
      let left = 0;
      for (const row of order) {
        const name = row.cells[0].textContent.toLowerCase();
        row.hidden = off.has(row.dataset.family) || !name.includes(words) || Boolean(budget?.value && row.dataset.terms !== budget.value);
        left += !row.hidden;
      }
      one(".empty", board).hidden = left > 0;
      drawn ||= store;
      if (store) keep({ off: [...off].join(","), find: find.value.trim(), budget: budget?.value ?? "" });
      redraw();
    };
    for (const chip of chips) {
      chip.addEventListener("click", () => { pressed(chip, chip.getAttribute("aria-pressed") !== "true"); filter(); });
    }
    find.addEventListener("input", () => filter());
    budget?.addEventListener("change", () => filter());

    const boxes = all("[data-column]", board);
    const groups = all("input[data-group]", board);
    const columnsShown = (store = true) => {
      const hidden = boxes.map((box) => !box.checked);
      columns.forEach((button, i) => { button.parentElement.hidden = hidden[i]; });
      for (const row of order) boxes.forEach((_, i) => { row.cells[i + 1].hidden = hidden[i]; });
      for (const group of groups) {
        const own = boxes.filter((_, i) => columns[i].parentElement.dataset.group === group.dataset.group);
        const shown = own.filter((box) => box.checked).length;
        group.checked = shown === own.length;
        group.indeterminate = shown > 0 && shown < own.length;
        const head = all("th[data-group]", table.tHead.rows[0]).find((th) => th.dataset.group === group.dataset.group);
        head.hidden = shown === 0;
        head.colSpan = Math.max(1, shown);
      }
      fit(board);
      if (store) keep({ hide: boxes.filter((box) => !box.checked).map((box) => box.dataset.column).join("~") });
    };
    for (const box of boxes) box.addEventListener("change", () => columnsShown());
    for (const group of groups) {
      group.addEventListener("change", () => {
        boxes.forEach((box, i) => { if (columns[i].parentElement.dataset.group === group.dataset.group) box.checked = group.checked; });
        columnsShown();
      });
    }

    // the forest below follows the table: same order of methods, same filters
    const anchor = board.id.replace(/^board\./, "");
    const card = all(".forest").find((forest) => forest.dataset.of === anchor);
    const picker = card && one("select", card);
    let drawn = false;
    const redraw = () => { if (drawn && card) forest(card, columns[picker.value], order.filter((row) => !row.hidden), Number(picker.value)); };
    picker?.addEventListener("change", () => { drawn = true; redraw(); });

    const restore = (given) => {
      const off = new Set((given.get("off") ?? "").split(","));
      for (const chip of chips) pressed(chip, !off.has(chip.dataset.family));
      find.value = given.get("find") ?? "";
      if (budget) budget.value = given.get("budget") ?? "";
      const hide = new Set((given.get("hide") ?? "").split("~"));
      for (const box of boxes) box.checked = !hide.has(box.dataset.column);
      const sorted = heads.find((head) => head.dataset.sort === given.get("sort"));
      if (sorted) sort(sorted, given.get("last") !== "1");
      drawn = find.value !== "" || off.size > 1 || !off.has("");
      filter(false);
      if (hide.size > 1 || !hide.has("")) columnsShown(false);
    };
    fit(board);
    return { restore };
  };

  // ---- a metric of all methods, best first
  const ticks = (low, high) => {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const factor = [1, 2, 2.5, 5, 10].find((m) => power * m >= rough);
    const step = power * factor;
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (factor === 2.5 ? 1 : 0));
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k += 1) {
      found.push([k * step, (k * step).toFixed(decimals).replace("-", "\u2212")]);
    }
    return found;
  };
  const forest = (card, head, rows, column) => {
    const better = head.dataset.better;
    const points = rows.map((row) => {
      const cell = row.cells[column + 1];
      if (cell.dataset.v === undefined) return null;
      const at = Number(cell.dataset.v);
      const [low, high] = (cell.dataset.i ?? `${at} ${at}`).split(" ").map(Number);
      return { row, cell, at, low, high };
    }).filter(Boolean).sort((a, b) => (better === "higher" ? b.at - a.at : a.at - b.at));
    const ends = points.flatMap((point) => [point.low, point.high, point.at]);
    let [low, high] = [Math.min(...ends), Math.max(...ends)];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const room = (high - low) * 0.04;
    [low, high] = [low - room, high + room];
    const place = (x) => Math.min(100, Math.max(0, 100 * (better === "higher" ? x - low : high - x) / (high - low)));
    const title = head.dataset.sort;
    const unit = head.lastElementChild.firstChild.textContent.trim();
    const factor = 10 ** Number(head.dataset.power);
    const axis = make("span", { class: "track" });
    for (const [x, text] of points.length ? ticks(low * factor, high * factor) : []) axis.append(make("b", { style: `left:${place(x / factor)}%` }, text));
    const list = make("ul", { class: "dots" });
    for (const { row, cell, at, low: from, high: to } of points) {
      const name = one(".name", row).cloneNode(true);
      const track = make("span", { class: `track ${row.dataset.family}`, "aria-hidden": "true" });
      const [a, b] = [place(from), place(to)].sort((x, y) => x - y);
      const mark = one("svg", name).cloneNode(true);
      mark.removeAttribute("class");
      mark.style.left = `${place(at)}%`;
      track.append(make("i", { style: `left:${a}%;width:${b - a}%` }), mark);
      const group = /\bg[12]\b/.exec(cell.className)?.[0] ?? "g0";
      list.append(make("li", { class: group }, name, track, make("span", { class: "value" }, cell.textContent)));
    }
    const how = head.dataset.interval;
    const first = points.filter((point) => point.cell.classList.contains("g1")).map((point) => one(".name", point.row).textContent);
    const verdict = head.dataset.untested ? `No places given: ${head.dataset.untested}.`
      : first.length === 1 ? `${first[0]} leads alone.` : `First place is shared by ${first.length} methods.`;
    one(".shown", card).replaceChildren(
      make("h3", {}, `${title}${unit ? ` ${unit}` : ""}, ${better} is better`),
      make("p", { class: "sub" }, `Right is better. ${how ? `Bars are 95 % intervals (${how}).` : "No intervals."}${head.dataset.untested ? "" : " Shaded: first place."}`),
      make("div", { class: "axis", "aria-hidden": "true" }, make("span"), axis, make("span")),
      list,
      make("p", { class: "verdict" }, points.length ? verdict : "No method with a number fits the filters."),
    );
  };

  const boards = all(".board[id]").map(wire);

  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      for (const same of all(`[data-show="${button.dataset.show}"]`)) pressed(same, on);
      root.classList.toggle(`show-${button.dataset.show}`, on);
      for (const board of all(".board")) fit(board);
    });
  }

  // ---- every pair of methods
  const KINDS = { b: ["better", "+"], w: ["worse", "\u2212"], t: ["tied", "="], a: ["alike", "\u00b7"] };
  const turned = { b: "w", w: "b", t: "t", a: "a" };
  const flip = (text) => (text.startsWith("+") ? `\u2212${text.slice(1)}` : text.startsWith("\u2212") ? `+${text.slice(1)}` : text);
  for (const card of all(".ranks")) {
    const data = JSON.parse(one("script", card).textContent);
    const names = new Map(all("tbody .name", card).map((name) => [name.textContent, name]));
    for (const row of all(".board .method .name")) if (!names.has(row.textContent)) names.set(row.textContent, row);
    const table = one("table", card);
    const cells = (ranking, i) => ranking.methods.map((other, j) => {
      if (i === j) return make("td", { class: "self" });
      const n = ranking.methods.length;
      const [x, y] = i < j ? [i, j] : [j, i];
      const k = x * n - (x * (x + 1)) / 2 + y - x - 1;
      const key = i < j ? ranking.kinds[k] : turned[ranking.kinds[k]];
      const text = i < j ? ranking.texts[k] : flip(ranking.texts[k]);
      const [kind, sign] = KINDS[key];
      return make("td", { class: `kind ${kind}`, title: `${ranking.methods[i]} against ${other}: ${text}, p ${ranking.p[k]}` }, n <= 8 ? text : sign);
    });
    const draw = (ranking) => {
      one("caption", table).textContent = ranking.title + (ranking.smallest ? `; smallest real difference ${ranking.smallest}` : "");
      const head = [...table.tHead.rows[0].cells].slice(0, 4);
      table.tHead.rows[0].replaceChildren(...head, ...ranking.methods.map((name) => make("th", { scope: "col", class: "turned" }, make("span", {}, name))));
      const n = ranking.methods.length;
      table.tBodies[0].replaceChildren(...ranking.methods.map((name, i) => {
        const own = cells(ranking, i);
        const count = (...kinds) => own.filter((cell) => kinds.some((kind) => cell.classList.contains(kind))).length;
        const [best, worst] = [ranking.best[i], ranking.worst[i]];
        return make("tr", {},
          make("th", { scope: "row", class: "method" }, names.get(name)?.cloneNode(true) ?? name),
          make("td", { class: "num" }, ranking.values[i]),
          make("td", { class: "interval", style: `--a:${(100 * (best - 1) / n).toFixed(1)}%;--b:${(100 * worst / n).toFixed(1)}%` }, best === worst ? `${best}` : `${best} to ${worst}`),
          make("td", { class: "num" }, `${count("better")}\u2013${count("alike", "tied")}\u2013${count("worse")}`),
          ...own);
      }));
      focusable();
    };
    const readout = one(".readout", card);
    const focusable = () => {
      const first = one("td.kind", table);
      if (first) first.tabIndex = 0;
    };
    const tell = (cell) => { if (cell?.title) readout.textContent = cell.title; };
    table.addEventListener("pointerover", (event) => tell(event.target.closest("td.kind")));
    table.addEventListener("focusin", (event) => tell(event.target.closest("td.kind")));
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td.kind");
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
      if (!cell || !(down || right)) return;
      const rows = [...table.tBodies[0].rows];
      let [y, x] = [rows.indexOf(cell.parentElement) + down, cell.cellIndex + right];
      if (rows[y]?.cells[x]?.classList.contains("self")) [y, x] = [y + down, x + right];
      const next = rows[y]?.cells[x];
      if (!next?.classList.contains("kind")) return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    one("select", card).addEventListener("change", (event) => draw(data[event.target.value]));
    focusable();
  }

  // ---- the gallery
  const galleries = all(".gallery").map((gallery) => {
    const data = JSON.parse(one("script[type='application/json']", gallery).textContent);
    const state = { face: 0, zoom: 1, x: 0, y: 0, left: 0, right: Math.min(data.strips.length - 1, data.start) };
    const tiles = all(".tile", gallery);
    const film = all(".film button", gallery);
    const stage = one(".stage", gallery);
    const sides = { left: one("[data-side=left]", stage), right: one("[data-side=right]", stage) };
    for (const select of Object.values(sides)) select.append(...data.strips.map((strip, i) => make("option", { value: String(i) }, strip.title)));

    const show = (image, strip, face) => {
      const source = data.strips[strip].sources[face];
      image.hidden = !source;
      if (source) image.src = source;
      image.alt = source ? `${data.strips[strip].title}, ${data.faces[face]}` : "";
      image.parentElement.classList.toggle("raw", data.strips[strip].kind === "input");
    };
    const look = () => {
      const span = 1 / state.zoom;
      state.x = Math.min(1 - span, Math.max(0, state.x));
      state.y = Math.min(1 - span, Math.max(0, state.y));
      gallery.style.setProperty("--z", state.zoom);
      gallery.style.setProperty("--x", `${(-100 * state.x).toFixed(3)}%`);
      gallery.style.setProperty("--y", `${(-100 * state.y).toFixed(3)}%`);
      const frame = one(".map i", stage);
      frame.style.cssText = `left:${100 * state.x}%;top:${100 * state.y}%;width:${100 * span}%;height:${100 * span}%`;
      for (const button of all("[data-zoom]", stage)) pressed(button, Number(button.dataset.zoom) === state.zoom);
      gallery.classList.toggle("zoomed", state.zoom > 1);
    };
    const draw = () => {
      tiles.forEach((tile, i) => {
        show(one("img", tile) ?? one(".view", tile).appendChild(make("img", { draggable: "false" })), i, state.face);
        const numbers = data.strips[i].numbers?.[state.face];
        if (numbers) one(".numbers", tile).textContent = numbers;
        pressed(tile, i === state.right);
      });
      for (const side of ["left", "right"]) {
        sides[side].value = String(state[side]);
        show(one(`.view.${side} img`, stage), state[side], state.face);
        one(`.tag.${side}`, stage).textContent = data.strips[state[side]].title;
      }
      show(one(".map img", stage), data.input, state.face);
      one(".map", stage).classList.add("raw");
      film.forEach((button, i) => pressed(button, i === state.face));
      one(".facename", stage).textContent = `Face ${state.face + 1} of ${data.faces.length}: ${data.faces[state.face]}`;
      arrange();
    };
    const chips = all(".chip", gallery);
    const orderBy = one(".order", gallery);
    const arrange = () => {
      const off = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "false").map((chip) => chip.dataset.family));
      const metric = orderBy?.value ?? "";
      const better = data.better[metric];
      const number = (tile) => data.strips[tile.dataset.strip].values?.[metric]?.[state.face] ?? null;
      const fixed = tiles.filter((tile) => !tile.dataset.family);
      const outputs = tiles.filter((tile) => tile.dataset.family);
      if (metric) {
        outputs.sort((a, b) => {
          const [x, y] = [number(a), number(b)];
          if (x === null || y === null) return (x === null) - (y === null);
          return better === "higher" ? y - x : x - y;
        });
      }
      for (const tile of outputs) tile.hidden = off.has(tile.dataset.family);
      tiles[0].parentElement.append(...fixed, ...outputs);
    };
    for (const chip of chips) chip.addEventListener("click", () => { pressed(chip, chip.getAttribute("aria-pressed") !== "true"); arrange(); });
    orderBy?.addEventListener("change", () => { arrange(); keep({ set: gallery.id, order: orderBy.value }); });
    const stored = () => keep({
      set: gallery.id, face: state.face ? String(state.face) : "", zoom: state.zoom > 1 ? String(state.zoom) : "",
      at: state.zoom > 1 ? `${state.x.toFixed(3)},${state.y.toFixed(3)}` : "",
      left: state.left ? data.strips[state.left].slug : "", right: data.strips[state.right].slug,
    });
    const face = (index) => { state.face = (index + data.faces.length) % data.faces.length; draw(); stored(); };
    const zoom = (level, x = 0.5, y = 0.5) => {
      const next = Math.min(8, Math.max(1, level));
      state.x += x / state.zoom - x / next;
      state.y += y / state.zoom - y / next;
      state.zoom = next;
      look();
      stored();
    };
    const mode = (name) => {
      const button = one(`[data-mode=${name}]`, stage);
      const on = button.getAttribute("aria-pressed") !== "true";
      pressed(button, on);
      gallery.classList.toggle(name, on);
    };

    film.forEach((button) => button.addEventListener("click", () => face(Number(button.dataset.face))));
    for (const button of all("[data-zoom]", stage)) button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
    for (const button of all("[data-mode]", stage)) button.addEventListener("click", () => mode(button.dataset.mode));
    one(".slide", stage).addEventListener("input", (event) => stage.style.setProperty("--w", `${event.target.value}%`));
    for (const [side, select] of Object.entries(sides)) {
      select.addEventListener("change", () => { state[side] = Number(select.value); draw(); stored(); });
    }

    let held = null;
    gallery.addEventListener("pointerdown", (event) => {
      const seen = event.target.closest(".view, .map");
      if (!seen || event.button !== 0) return;
      const box = seen.getBoundingClientRect();
      if (seen.classList.contains("map")) {
        const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
        if (state.zoom === 1) zoom(2);
        state.x = x - 0.5 / state.zoom;
        state.y = y - 0.5 / state.zoom;
        look();
        stored();
        event.preventDefault();
      } else if (state.zoom > 1) {
        held = { x: event.clientX, y: event.clientY, from: [state.x, state.y], size: box.width * state.zoom, moved: false };
      }
    });
    addEventListener("pointermove", (event) => {
      if (!held) return;
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      held.moved ||= Math.hypot(dx, dy) > 4;
      state.x = held.from[0] - dx / held.size;
      state.y = held.from[1] - dy / held.size;
      look();
    });
    let dragged = false;
    addEventListener("pointerup", () => { dragged = Boolean(held?.moved); if (held) stored(); held = null; });
    for (const tile of tiles) {
      tile.addEventListener("click", () => {
        if (dragged) { dragged = false; return; }
        state.right = Number(tile.dataset.strip);
        draw();
        stored();
      });
    }
    gallery.addEventListener("wheel", (event) => {
      const seen = event.target.closest(".view");
      if (!seen || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      const box = seen.getBoundingClientRect();
      zoom(event.deltaY < 0 ? state.zoom * 2 : state.zoom / 2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }, { passive: false });
    addEventListener("keydown", (event) => {
      if (gallery.hidden || event.ctrlKey || event.metaKey || event.altKey || /^(SELECT|INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
      const does = {
        ArrowRight: () => face(state.face + 1), ArrowLeft: () => face(state.face - 1),
        "+": () => zoom(state.zoom * 2), "=": () => zoom(state.zoom * 2), "-": () => zoom(state.zoom / 2),
        x: () => mode("pixels"), d: () => mode("difference"),
      }[event.key];
      if (!does || event.target.closest(".sheet")) return;
      event.preventDefault();
      does();
    });

    // the best and the worst
    const card = one(".ends", gallery);
    if (card) {
      const [methods, metrics] = [one("[data-end=method]", card), one("[data-end=metric]", card)];
      const fill = (select, names) => select.replaceChildren(...names.map((name) => make("option", {}, name)));
      fill(methods, [...new Set(data.ends.map((end) => end.method))]);
      fill(metrics, [...new Set(data.ends.map((end) => end.metric))]);
      const draw = () => {
        const end = data.ends.find((each) => each.method === methods.value && each.metric === metrics.value);
        one(".shots", card).replaceChildren(...["best", "worst"].map((which) => make("div", { class: "row" },
          make("h4", {}, which === "best" ? "Best" : "Worst"),
          ...(end ? end[which].map((shot) => make("figure", {},
            make("span", { class: "triple" }, ...shot.sources.map((source, i) => make("span", { class: i === 0 ? "view raw" : "view" }, make("img", { src: source, alt: `${["Input", "Output", "Original"][i]}, ${shot.name}`, loading: "lazy", draggable: "false" })))),
            make("figcaption", {}, make("b", {}, shot.text), ` ${shot.name}`))) : [make("p", { class: "sub" }, "Not measured for this method.")]))));
      };
      for (const select of [methods, metrics]) select.addEventListener("change", draw);
      draw();
    }

    const restore = (given) => {
      const strip = (name, other) => { const k = data.strips.findIndex((each) => each.slug === name); return k < 0 ? other : k; };
      if (given.get("set") === gallery.id || galleriesCount === 1) {
        state.face = Math.max(0, Math.min(data.faces.length - 1, Number(given.get("face")) || 0));
        state.zoom = [1, 2, 4, 8].includes(Number(given.get("zoom"))) ? Number(given.get("zoom")) : 1;
        [state.x, state.y] = (given.get("at") ?? "0,0").split(",").map((text) => Number(text) || 0);
        state.left = strip(given.get("left"), 0);
        state.right = strip(given.get("right"), state.right);
        if (orderBy) orderBy.value = [...orderBy.options].some((option) => option.value === given.get("order")) ? given.get("order") : "";
      }
      draw();
      look();
    };
    return { restore };
  });
  const galleriesCount = galleries.length;

  const arrive = () => {
    const given = view();
    let name = "";
    try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* no name of ours */ }
    const target = open(name);
    const part = target?.closest?.(".tabbed");
    choose(given.get("set") ?? part?.id ?? "");
    for (const one of [...boards, ...galleries]) one.restore(given);
    if (target && !given.size) target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  addEventListener("resize", () => { for (const board of all(".board")) fit(board); });
  arrive();
})();
