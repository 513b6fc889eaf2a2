// Faces with maps laid over them; one slider says how strongly.
(() => {
  const SIDE = 192, FINE = 96;

  function mapCanvas(cell) {
    // Made smooth here, value by value, since a browser that prints does not.
    const bytes = Uint8Array.from(atob(cell.map), (letter) => letter.charCodeAt(0));
    const canvas = make("canvas", { width: FINE, height: FINE });
    const pixels = new ImageData(FINE, FINE);
    const between = (place, count) => {
      const exact = Math.min(count - 1, Math.max(0, ((place + 0.5) / FINE) * count - 0.5)), low = Math.floor(exact);
      return [low, Math.min(count - 1, low + 1), exact - low];
    };
    for (let y = 0; y < FINE; y++) {
      const [top, bottom, down] = between(y, cell.h);
      for (let x = 0; x < FINE; x++) {
        const [left, right, along] = between(x, cell.w);
        const at = (row, column) => bytes[row * cell.w + column];
        const above = at(top, left) * (1 - along) + at(top, right) * along;
        const below = at(bottom, left) * (1 - along) + at(bottom, right) * along;
        const value = above * (1 - down) + below * down;
        const [red, green, blue] = DATA.heat[Math.min(DATA.heat.length - 1, Math.floor((value / 256) * DATA.heat.length))];
        pixels.data.set([red, green, blue, 255], 4 * (y * FINE + x));
      }
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }

  function placeholder(context, text) {
    context.fillStyle = colour("--line");
    context.fillRect(0, 0, SIDE, SIDE);
    context.fillStyle = colour("--soft");
    context.font = `15px ${colour("--sans")}`;
    context.textAlign = "center";
    let line = "", y = 60;
    for (const word of [...text.split(" "), null]) {
      if (word === null || context.measureText(`${line} ${word}`).width > SIDE - 24) {
        context.fillText(line.trim(), SIDE / 2, y);
        line = ""; y += 20;
      }
      line += ` ${word}`;
    }
  }

  function mark(context) {
    context.font = `600 15px ${colour("--sans")}`;
    context.textAlign = "right";
    context.lineWidth = 3;
    context.strokeStyle = "rgb(0 0 0 / 0.6)";
    context.strokeText("synthetic", SIDE - 7, SIDE - 8);
    context.fillStyle = "#fff";
    context.fillText("synthetic", SIDE - 7, SIDE - 8);
  }

  async function draw(canvas, cell, map, strength, synthetic) {
    let face = null;
    if (typeof cell.face === "number") face = await faceImage(cell.face).catch(() => null);
    const context = canvas.getContext("2d");
    context.globalAlpha = 1;
    context.clearRect(0, 0, SIDE, SIDE);
    if (face) context.drawImage(face, 0, 0, SIDE, SIDE);
    else placeholder(context, typeof cell.face === "string" ? cell.face : "face not shown");
    if (map && face) {
      context.globalAlpha = strength();
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(map, 0, 0, SIDE, SIDE);
      context.globalAlpha = 1;
    }
    if (synthetic && face) mark(context);
  }

  window.showGallery = (place, view, number) => {
    const slider = make("input", { type: "range", min: 0, max: 100, value: 45, id: `strength-${number}` });
    const strength = () => slider.value / 100;
    const drawings = [];
    const rows = view.rows.map((cells) => make("div", { class: "gallery-row" }, ...cells.map((cell) => {
      const told = typeof cell.face === "string" ? cell.face : `face of sample ${cell.id}`;
      const canvas = make("canvas", { width: SIDE, height: SIDE, role: "img" });
      canvas.setAttribute("aria-label", `${view.synthetic ? "Synthetic " : ""}${told}${cell.map ? ", with a map laid over it" : ""}: ${cell.caption}`);
      const map = cell.map ? mapCanvas(cell) : null;
      drawings.push(() => draw(canvas, cell, map, strength, view.synthetic));
      return make("figure", {}, canvas, make("figcaption", {}, cell.caption || cell.id));
    })));
    const redraw = () => drawings.forEach((one) => one());
    slider.addEventListener("input", redraw);
    redraws.push(redraw);
    const controls = make("div", { class: "controls" }, make("label", { htmlFor: slider.id }, "Map over face "), slider);
    const scaled = view.maps ? " Each map is scaled to its own maximum." : "";
    place.append(make("p", { class: "quiet" }, `${view.title}. ${view.note}${scaled}`));
    if (view.maps) place.append(controls);
    place.append(make("div", { class: "gallery" }, ...rows));
    redraw();
  };
})();
