// Points that can be pointed at, walked through by arrow keys, filtered, and read as a table.
(() => {
  const EDGE = 18, NEAR = 14, MARKS = ["circle", "square", "triangle", "diamond", "down", "plus", "cross", "star"];
  const COLOURS = 8, SIGNS = ["●", "■", "▲", "◆", "▼", "✚", "✖", "★"];

  function shape(context, kind, x, y, r) {
    const outline = {
      square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], triangle: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
      diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], down: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
      plus: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
      cross: [[-1.2, -0.8], [-0.8, -1.2], [0, -0.4], [0.8, -1.2], [1.2, -0.8], [0.4, 0], [1.2, 0.8], [0.8, 1.2], [0, 0.4], [-0.8, 1.2], [-1.2, 0.8], [-0.4, 0]],
      star: [[0, -1.4], [0.4, -0.4], [1.4, -0.3], [0.6, 0.3], [0.9, 1.3], [0, 0.7], [-0.9, 1.3], [-0.6, 0.3], [-1.4, -0.3], [-0.4, -0.4]],
    }[kind];
    context.beginPath();
    if (!outline) context.arc(x, y, r, 0, 2 * Math.PI);
    else { outline.forEach(([dx, dy]) => context.lineTo(x + r * dx, y + r * dy)); context.closePath(); }
  }

  function boxes(title, words, coloured, changed) {
    const kept = new Set(words.keys());
    const labels = words.map((word, index) => {
      const box = make("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => { if (box.checked) kept.add(index); else kept.delete(index); changed(); });
      const sign = coloured ? make("span", { class: `swatch c${index % COLOURS}` }) : make("span", { class: "shape", ariaHidden: "true" }, SIGNS[index]);
      return make("label", {}, box, " ", sign, " ", word || "(none)");
    });
    return [kept, make("fieldset", {}, make("legend", {}, title), ...labels)];
  }

  function told(view, point) {
    const lines = [`${view.colour.name}: ${view.colour.words[view.colour.of[point]]}`];
    if (view.marker.name) lines.push(`${view.marker.name}: ${view.marker.words[view.marker.of[point]]}`);
    for (const column of view.hover) lines.push(`${column.name}: ${column.values[point]}`);
    lines.push(`id: ${view.ids[point]}`);
    if (view.synthetic) lines.push("synthetic face");
    return lines.join("\n");
  }

  function table(view) {
    const heads = ["id", view.colour.name, ...(view.marker.name ? [view.marker.name] : []), ...view.hover.map((column) => column.name)];
    const part = make("details", { class: "card" }, make("summary", {}, `The ${view.ids.length} points as a table`));
    part.addEventListener("toggle", () => {
      if (!part.open || part.querySelector("table")) return;
      const body = make("tbody");
      view.ids.forEach((id, point) => {
        const cells = [view.colour.words[view.colour.of[point]], ...(view.marker.name ? [view.marker.words[view.marker.of[point]]] : []), ...view.hover.map((column) => column.values[point])];
        body.append(make("tr", {}, make("th", { scope: "row" }, id), ...cells.map((cell) => make("td", {}, cell))));
      });
      const head = make("thead", {}, make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name))));
      const caption = make("caption", {}, `${view.title}${view.synthetic ? " (synthetic faces)" : ""}`);
      part.append(make("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": view.title }, make("table", { class: "plain" }, caption, head, body)));
    });
    return part;
  }

  class PointMap {
    constructor(view, canvas) {
      Object.assign(this, { view, canvas, chosen: -1, width: 0, height: 0, colours: [] });
      [this.keptColours, this.colourBoxes] = boxes(view.colour.name, view.colour.words, true, () => this.filtered());
      [this.keptMarks, this.markBoxes] = boxes(view.marker.name, view.marker.words, false, () => this.filtered());
    }

    visible(point) {
      return this.keptColours.has(this.view.colour.of[point]) && this.keptMarks.has(this.view.marker.of[point]);
    }

    at(point) {
      const { view, width, height } = this;
      return [EDGE + view.x[point] * (width - 2 * EDGE), EDGE + (1 - view.y[point]) * (height - 2 * EDGE)];
    }

    draw() {
      const { view, canvas } = this, scale = Math.max(1, devicePixelRatio || 1), context = canvas.getContext("2d");
      const width = this.width = canvas.clientWidth || 640;
      const height = this.height = Math.round(Math.min(560, Math.max(300, 0.68 * width)));
      canvas.width = width * scale; canvas.height = height * scale;
      canvas.style.height = `${height}px`;
      this.colours = Array.from({ length: COLOURS }, (_, index) => colour(`--c${index}`));
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.fillStyle = colour("--card");
      context.fillRect(0, 0, width, height);
      if (view.synthetic) this.mark(context);
      const radius = view.ids.length > 800 ? 3 : view.ids.length > 200 ? 4 : 5;
      view.ids.forEach((_, point) => { if (this.visible(point)) this.dot(context, point, radius, 0.78); });
      if (this.chosen < 0) return;
      this.dot(context, this.chosen, 8, 1);
      context.lineWidth = 2.5; context.strokeStyle = colour("--ink"); context.stroke();
    }

    mark(context) {
      context.fillStyle = colour("--watermark"); context.font = `700 34px ${colour("--sans")}`; context.textAlign = "center";
      for (let row = 1; row < 6; row += 2) context.fillText("synthetic faces", this.width / 2, (row * this.height) / 6);
    }

    dot(context, point, radius, alpha) {
      const { view } = this, [x, y] = this.at(point);
      shape(context, MARKS[view.marker.of[point]], x, y, radius);
      context.globalAlpha = alpha; context.fillStyle = this.colours[view.colour.of[point] % COLOURS];
      context.fill(); context.globalAlpha = 1;
    }

    nearest(x, y, most, wanted = () => true) {
      let found = -1, best = most;
      this.view.ids.forEach((_, point) => {
        if (!this.visible(point) || !wanted(point)) return;
        const [px, py] = this.at(point), distance = Math.hypot(px - x, py - y);
        if (distance < best) { best = distance; found = point; }
      });
      return found;
    }

    choose(point, aloud) {
      const { view, canvas } = this;
      if (point !== this.chosen) { this.chosen = point; this.draw(); }
      if (point < 0) { hideTip(); return; }
      const box = canvas.getBoundingClientRect(), [x, y] = this.at(point), face = view.faces[point];
      showTip(told(view, point), box.left + x, box.top + y, face, aloud ? canvas : null);
      if (aloud) say(`${told(view, point)}${typeof face === "string" ? `\n${face}` : ""}`);
    }

    step(across, down) {
      // The nearest point in a quarter of the plane: along the key's way more than across it.
      const [x, y] = this.chosen < 0 ? this.middle() : this.at(this.chosen);
      const next = this.nearest(x, y, Infinity, (point) => {
        const [px, py] = this.at(point), along = (px - x) * across + (py - y) * down;
        return point !== this.chosen && along > 0 && along >= Math.abs((px - x) * down + (py - y) * across);
      });
      if (next >= 0) this.choose(next, true);
    }

    middle() { return [this.width / 2, this.height / 2]; }

    filtered() {
      if (this.chosen >= 0 && !this.visible(this.chosen)) { this.chosen = -1; hideTip(); }
      this.draw();
    }
  }

  function listen(map, canvas) {
    const point = (event, most) => map.choose(map.nearest(event.offsetX, event.offsetY, most), false);
    canvas.addEventListener("pointermove", (event) => point(event, NEAR));
    canvas.addEventListener("pointerdown", (event) => point(event, 2 * NEAR));
    canvas.addEventListener("pointerleave", () => map.choose(-1, false));
    canvas.addEventListener("blur", () => map.choose(-1, false));
    canvas.addEventListener("focus", () => {
      if (map.chosen < 0 && canvas.matches(":focus-visible")) map.choose(map.nearest(...map.middle(), Infinity), true);
    });
    canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      map.step(...way);
    });
    new ResizeObserver(() => { if (canvas.clientWidth !== map.width) map.draw(); }).observe(canvas);
  }

  function showScatter(place, view) {
    const canvas = make("canvas", { tabIndex: 0, role: "application" });
    canvas.setAttribute("aria-label", `${view.title}: ${view.ids.length} points. Arrow keys walk to the nearest point in that direction; the same points are in the table below.`);
    const map = new PointMap(view, canvas), controls = make("div", { class: "controls" }, map.colourBoxes);
    if (view.marker.name) controls.append(map.markBoxes);
    place.append(make("p", { class: "quiet" }, `${view.title}. ${view.note}`), controls, make("div", { class: "points" }, canvas), table(view));
    redraws.push(() => map.draw());
    map.draw();
    listen(map, canvas);
  }

  for (const place of document.querySelectorAll("[data-view]")) {
    const number = Number(place.dataset.view), view = DATA.views[number];
    if (view.kind === "gallery") window.showGallery(place, view, number);
    else showScatter(place, view);
  }
})();
