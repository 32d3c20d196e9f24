const FONT = { family: "system-ui, sans-serif", size: 12 };
const LINES = ["#cc79a7", "#d55e00", "#009e73", "#e69f00", "#0072b2"]; // told apart by everybody
const SHOWN = 16; // contours of a surface, so that what lies behind it is seen
const SHORT = 10; // points of a contour that is no part of a surface, as of a connector
const MANY = 500; // spheres, from which on each is drawn with fewer triangles

const plots = {
  start() {
    for (const plot of content.plots) {
      const area = make("div", { class: "plot" });
      const box = make("div", { class: "plot-box" }, make("h3", {}, plot.title), area, make("p", {}, plot.caption));
      byId("plot-grid").append(box);
      plots.whenSeen(area, () => Plotly.newPlot(area, plot.traces, {
        margin: { l: 55, r: 45, t: 10, b: 45 }, showlegend: false, font: FONT, bargap: 0.04,
        xaxis: { title: { text: plot.x_title } }, yaxis: { title: { text: plot.y_title } },
        ...plot.layout,
      }, { displaylogo: false, responsive: true, displayModeBar: false }));
    }
    plots.whenSeen(byId("spheres"), plots.space);
  },

  /** Run the plotting library, which lies in the page as text. */
  library() {
    if (window.Plotly) return;
    const script = make("script");
    script.textContent = byId("plotly").textContent;
    document.body.append(script);
  },

  /** Draw only what is looked at: pages with thousands of vesicles stay quick. */
  whenSeen(area, draw) {
    const observer = new IntersectionObserver((seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      observer.disconnect();
      plots.library();
      draw();
    }, { rootMargin: "200px" });
    observer.observe(area);
  },

  /** Corners and triangles of a sphere of radius 1: an icosahedron, its faces split where asked. */
  ball(splits) {
    const t = (1 + Math.sqrt(5)) / 2;
    let corners = [[-1, t, 0], [1, t, 0], [-1, -t, 0], [1, -t, 0], [0, -1, t], [0, 1, t],
      [0, -1, -t], [0, 1, -t], [t, 0, -1], [t, 0, 1], [-t, 0, -1], [-t, 0, 1]];
    let faces = [[0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4],
      [11, 10, 2], [10, 7, 6], [7, 1, 8], [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9],
      [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1]];
    const unit = (p) => { const n = Math.hypot(...p); return p.map((each) => each / n); };
    corners = corners.map(unit);
    for (let round = 0; round < splits; round++) {
      const known = {};
      const middle = (a, b) => {
        const key = a < b ? `${a} ${b}` : `${b} ${a}`;
        if (!(key in known)) {
          known[key] = corners.length;
          corners.push(unit(corners[a].map((each, k) => each + corners[b][k])));
        }
        return known[key];
      };
      faces = faces.flatMap(([a, b, c]) => {
        const [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
        return [[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]];
      });
    }
    return { corners, faces };
  },

  space() {
    const [dz, dy, dx] = content.slabs.voxel_nm, [nz, ny, nx] = content.slabs.shape;
    const known = content.vesicles.filter((card) => card.radius_nm !== null);
    const { corners, faces } = plots.ball(known.length > MANY ? 1 : 2);
    const mesh = { type: "mesh3d", x: [], y: [], z: [], i: [], j: [], k: [], vertexcolor: [],
      hoverinfo: "skip", flatshading: false, name: "vesicles", showlegend: true,
      lighting: { ambient: 0.55, diffuse: 0.7, specular: 0.15 } };
    for (const card of known) {
      const first = mesh.x.length, colour = colourOf(card.score);
      for (const [x, y, z] of corners) {
        mesh.x.push(card.x * dx + card.radius_nm * x);
        mesh.y.push(card.y * dy + card.radius_nm * y);
        mesh.z.push(card.z * dz + card.radius_nm * z);
        mesh.vertexcolor.push(colour);
      }
      for (const [i, j, k] of faces) { mesh.i.push(first + i); mesh.j.push(first + j); mesh.k.push(first + k); }
    }
    const room = Math.max(0, ...known.map((card) => card.radius_nm));
    const axis = (title, end) => ({ title: { text: title }, range: [-room, end + room], backgroundcolor: "#f5f5f7", showbackground: true });
    Plotly.newPlot(byId("spheres"), [mesh, ...content.drawings.map(plots.lines)], {
      margin: { l: 0, r: 0, t: 0, b: 0 }, font: FONT, showlegend: content.drawings.length > 0, legend: { x: 0, y: 1 },
      scene: { aspectmode: "data", camera: { eye: { x: 1.5, y: -1.7, z: 1.1 } }, xaxis: axis("x (nm)", nx * dx), yaxis: axis("y (nm)", ny * dy), zaxis: axis("z (nm)", nz * dz) },
    }, { displaylogo: false, responsive: true });
  },

  /** The contours of one object as lines, with gaps between them. */
  lines(drawing, number) {
    const trace = { type: "scatter3d", mode: "lines", x: [], y: [], z: [], name: drawing.name || "contours",
      line: { color: LINES[number % LINES.length], width: 3 }, hoverinfo: "name" };
    const long = drawing.contours.filter((contour) => contour.length > SHORT);
    const every = Math.max(1, Math.floor(long.length / SHOWN));
    const surface = new Set(long.filter((_contour, k) => k % every === 0));
    for (const contour of drawing.contours) {
      if (contour.length > SHORT && !surface.has(contour)) continue;
      for (const [z, y, x] of drawing.closed ? [...contour, contour[0]] : contour) {
        trace.x.push(x); trace.y.push(y); trace.z.push(z);
      }
      for (const name of ["x", "y", "z"]) trace[name].push(null);
    }
    return trace;
  },
};
