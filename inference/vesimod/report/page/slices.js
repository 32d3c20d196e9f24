"use strict";
const content = JSON.parse(document.getElementById("content").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/** Make an element; attributes by name, children as elements or text, which is never markup. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "circle", "text", "rect", "polyline", "polygon"].includes(tag);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Colour of a score: between doubtful, middling and sure. */
function colourOf(score) {
  const [low, middle, high] = content.stops;
  const [from, to, share] = score < middle
    ? [content.colours[0], content.colours[1], (Math.max(score, low) - low) / (middle - low)]
    : [content.colours[1], content.colours[2], (Math.min(score, high) - middle) / (high - middle)];
  return `rgb(${from.map((each, k) => Math.round(each + share * (to[k] - each))).join(",")})`;
}

const WIDEST = 860; // pixels of the longer side on the screen

const slices = {
  shown: 0,
  zoom: 1, // pixels on the screen for one of the image
  missed: [], // spheres that the reader marked: z, y, x in voxels, no radius

  start() {
    const stack = content.slabs;
    slices.zoom = WIDEST / Math.max(stack.width, stack.height);
    const [width, height] = [stack.width * slices.zoom, stack.height * slices.zoom];
    byId("overlay").setAttribute("viewBox", `0 0 ${width} ${height}`);
    byId("stage").style.width = `${width}px`;
    byId("stage").style.aspectRatio = `${width} / ${height}`;
    byId("slab").max = stack.images.length - 1;
    byId("low-score").textContent = content.stops[0];
    byId("colours").style.background =
      `linear-gradient(to right, ${content.stops.map(colourOf).join(",")})`;
    byId("slab").addEventListener("input", () => slices.show(Number(byId("slab").value)));
    for (const id of ["outlines", "dropped-too"]) byId(id).addEventListener("change", slices.draw);
    byId("stage").addEventListener("wheel", (event) => {
      event.preventDefault();
      slices.show(slices.shown + Math.sign(event.deltaY));
    }, { passive: false });
    byId("stage").addEventListener("click", slices.clicked);
    slices.show(Math.floor(stack.images.length / 2));
  },

  show(index) {
    const stack = content.slabs;
    slices.shown = Math.min(Math.max(index, 0), stack.images.length - 1);
    byId("slab").value = slices.shown;
    byId("slice").src = stack.images[slices.shown];
    byId("section").textContent =
      `section ${Math.round(stack.positions[slices.shown]) + 1} of ${stack.shape[0]}`;
    slices.draw();
  },

  /** Where a sphere is cut by the section shown, in pixels of the overlay; null where it is not. */
  circle(sphere) {
    const stack = content.slabs, [dz, dy, dx] = stack.voxel_nm;
    const off = (sphere.z - stack.positions[slices.shown]) * dz;
    const radius = sphere.radius_nm === null ? 8 : sphere.radius_nm;
    if (Math.abs(off) >= radius) return null;
    const perNm = slices.zoom / stack.pixel_nm;
    return {
      cx: (sphere.x + 0.5) * dx * perNm,
      cy: stack.height * slices.zoom - (sphere.y + 0.5) * dy * perNm,
      r: Math.max(Math.sqrt(radius * radius - off * off) * perNm, 3),
    };
  },

  draw() {
    const overlay = byId("overlay"), stack = content.slabs;
    overlay.replaceChildren();
    const add = (sphere, kind, colour) => {
      const at = slices.circle(sphere);
      if (!at) return;
      const drawn = make("circle", { ...at, class: kind, "data-id": sphere.id });
      if (colour) drawn.setAttribute("stroke", colour);
      drawn.addEventListener("mouseenter", () => slices.tell(sphere, kind, at));
      drawn.addEventListener("mouseleave", () => { byId("tip").hidden = true; });
      drawn.addEventListener("click", (event) => {
        event.stopPropagation();
        if (kind === "missed") slices.unmark(sphere);
        else gallery.jump(kind === "dropped" ? "dropped" : "vesicles", sphere.id);
      });
      overlay.append(drawn);
    };
    if (byId("dropped-too").checked) content.dropped.forEach((each) => add(each, "dropped"));
    if (byId("outlines").checked)
      content.vesicles.forEach((each) => add(each, "vesicle", colourOf(each.score)));
    slices.missed.forEach((each) => add(each, "missed"));
    const length = stack.bar_nm / stack.pixel_nm * slices.zoom;
    const [right, bottom] = [stack.width * slices.zoom, stack.height * slices.zoom - 14];
    overlay.append(
      make("rect", { class: "rule", x: 14, y: bottom - 5, width: length, height: 6 }),
      make("text", { x: 14, y: bottom - 10 }, `${stack.bar_nm} nm`),
      make("text", { x: right - 74, y: bottom }, "x \u2192  y \u2191"),
    );
  },

  tell(sphere, kind, at) {
    const radius = sphere.radius_nm === null ? "radius not known" : `${sphere.radius_nm.toFixed(1)} nm`;
    const tip = byId("tip"), stage = byId("stage").getBoundingClientRect();
    tip.textContent = kind === "missed" ? "missed, marked by you; a click takes it back"
      : `${kind} ${sphere.id}: ${radius}, score ${sphere.score.toFixed(2)}`
        + (sphere.reason ? `, ${sphere.reason}` : "");
    const scale = stage.width / (content.slabs.width * slices.zoom);
    tip.style.left = `${Math.min(at.cx * scale + 12, stage.width - 230)}px`;
    tip.style.top = `${Math.max(at.cy * scale - 34, 2)}px`;
    tip.hidden = false;
  },

  /** Mark a vesicle that is missed, where the reader says that clicks do. */
  clicked(event) {
    if (!byId("marking").checked) return;
    const stage = byId("stage").getBoundingClientRect(), stack = content.slabs;
    const scale = stack.width / stage.width, [, dy, dx] = stack.voxel_nm;
    const taken = [...content.vesicles, ...content.dropped, ...slices.missed].map((each) => each.id);
    slices.missed.push({
      id: Math.max(0, ...taken) + 1,
      z: stack.positions[slices.shown],
      y: (stack.height - (event.clientY - stage.top) * scale) * stack.pixel_nm / dy - 0.5,
      x: (event.clientX - stage.left) * scale * stack.pixel_nm / dx - 0.5,
      radius_nm: null,
      score: 1,
    });
    slices.marked();
  },

  /** Take a mark back. */
  unmark(sphere) {
    slices.missed = slices.missed.filter((each) => each !== sphere);
    byId("tip").hidden = true;
    slices.marked();
  },

  marked() {
    slices.draw();
    gallery.count();
    if (byId("which").value === "missed") gallery.arrange();
  },

  /** Show the section through a sphere's centre. */
  goTo(sphere) {
    const away = content.slabs.positions.map((at) => Math.abs(at - sphere.z));
    slices.show(away.indexOf(Math.min(...away)));
    byId("slices").scrollIntoView();
  },
};
