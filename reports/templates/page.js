"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("scripted");

  // storage may be forbidden for pages opened from disk
  const remember = (theme) => { try { localStorage.setItem("facesr-theme", theme); } catch { /* not kept */ } };
  const remembered = () => { try { return localStorage.getItem("facesr-theme"); } catch { return null; } };
  if (remembered()) root.dataset.theme = remembered();
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  });

  for (const table of all(".board table:not(.plain)")) {
    const body = table.tBodies[0];
    const order = [...body.rows];
    for (const button of all("button[data-sort]", table)) {
      button.addEventListener("click", () => {
        const head = button.parentElement;
        const best = !(head.getAttribute("aria-sort") && head.dataset.first === "yes");
        for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
        head.dataset.first = best ? "yes" : "no";
        const rising = (button.dataset.better !== "higher") === best;
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        const key = button.dataset.sort;
        const number = (row) => row.cells[Number(key) + 1].dataset.value;
        const sorted = [...order].sort((a, b) => {
          if (key === "name") {
            const way = a.cells[0].textContent.trim().localeCompare(b.cells[0].textContent.trim(), "en");
            return rising ? way : -way;
          }
          const [x, y] = [number(a), number(b)];
          if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
          return rising ? x - y : y - x;
        });
        body.append(...sorted);
      });
    }
  }

  for (const select of all(".pick select")) {
    select.addEventListener("change", () => {
      const card = select.closest(".forest");
      const chosen = card.querySelector(`template[data-forest="${select.value}"]`);
      card.querySelector(".shown").replaceChildren(chosen.content.cloneNode(true));
    });
  }

  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      const on = chip.getAttribute("aria-pressed") !== "true";
      chip.setAttribute("aria-pressed", on);
      for (const row of all("tr[data-family]", chip.closest(".board"))) {
        if (row.dataset.family === chip.dataset.family) row.hidden = !on;
      }
    });
  }

  for (const button of all("[data-show]")) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      for (const same of all(`[data-show="${button.dataset.show}"]`)) same.setAttribute("aria-pressed", on);
      root.classList.toggle(`show-${button.dataset.show}`, on);
    });
  }

  for (const button of all("[data-save]")) {
    button.addEventListener("click", () => {
      const text = document.getElementById("csv").content.textContent;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = "facesr.csv";
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  const zoom = (level) => {
    for (const strips of all(".strips")) strips.style.setProperty("--zoom", level);
    for (const button of all("[data-zoom]")) button.setAttribute("aria-pressed", Number(button.dataset.zoom) === level);
  };
  const strips = document.querySelector(".strips");
  if (strips) {
    zoom(Number(getComputedStyle(strips).getPropertyValue("--zoom")));
    for (const button of all("[data-zoom]")) button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }

  const dialog = document.getElementById("compare");
  const tiles = dialog.querySelector(".tiles");
  let shown = { gallery: null, index: 0 };
  const compare = (gallery, index) => {
    const inputs = all(".strip.input .face[data-face]", gallery);
    index = (index + inputs.length) % inputs.length;
    shown = { gallery, index };
    document.getElementById("compare-title").textContent = `Face ${index + 1} of ${inputs.length}: ${inputs[index].dataset.name}`;
    tiles.replaceChildren(...all(".strip:not(.real)", gallery).flatMap((strip) => {
      const image = strip.querySelector(`[data-face="${inputs[index].dataset.face}"] img`);
      if (!image) return [];
      const figure = document.createElement("figure");
      figure.className = strip.classList.contains("input") ? "input" : "output";
      const caption = document.createElement("figcaption");
      caption.append(...[...strip.querySelector("h4").childNodes].map((node) => node.cloneNode(true)));
      figure.append(image.cloneNode(), caption);
      return [figure];
    }));
    if (!dialog.open) dialog.showModal();
  };
  for (const face of all(".strip:not(.real) .face[data-face]")) {
    face.addEventListener("click", () => {
      const gallery = face.closest(".gallery");
      const inputs = all(".strip.input .face[data-face]", gallery);
      const index = inputs.findIndex((input) => input.dataset.face === face.dataset.face);
      if (index >= 0) compare(gallery, index);
    });
  }
  for (const button of all("[data-step]", dialog)) {
    button.addEventListener("click", () => compare(shown.gallery, shown.index + Number(button.dataset.step)));
  }
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") compare(shown.gallery, shown.index - 1);
    if (event.key === "ArrowRight") compare(shown.gallery, shown.index + 1);
  });
})();
