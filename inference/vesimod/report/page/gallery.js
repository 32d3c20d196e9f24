const AT_ONCE = 60; // cards; more come as the reader scrolls

const gallery = {
  ticks: {}, // by kind and id: "wrong", "right" or "missed"
  rows: [],
  drawn: 0,

  start() {
    const names = Object.keys(content.vesicles[0]?.features ?? {});
    const always = ["doubt", "score", "radius_nm", "id", "z"];
    for (const id of ["sort", "filter"]) {
      const all = id === "filter" ? ["", ...always, ...names] : [...always, ...names];
      byId(id).append(...all.map((name) => make("option", { value: name }, name || "nothing")));
    }
    for (const id of ["which", "sort", "ascending", "filter", "least", "most", "words"])
      byId(id).addEventListener("input", gallery.arrange);
    byId("which").addEventListener("input", () => {
      byId("sort").value = byId("which").value === "vesicles" ? "doubt" : "score";
      gallery.arrange();
    });
    byId("export").addEventListener("click", gallery.save);
    new IntersectionObserver((seen) => {
      if (seen.some((each) => each.isIntersecting)) gallery.draw();
    }, { rootMargin: "600px" }).observe(byId("more"));
    gallery.arrange();
    gallery.count();
  },

  kind: () => byId("which").value,
  list: () => (gallery.kind() === "missed" ? slices.missed : content[gallery.kind()]),
  value: (card, name) => (name in card ? card[name] : card.features?.[name]) ?? NaN,

  /** Filter and sort, then draw the first cards. */
  arrange() {
    const sort = byId("sort").value, filter = byId("filter").value;
    const words = byId("words").value.trim().toLowerCase();
    const limit = (id, otherwise) => (byId(id).value === "" ? otherwise : Number(byId(id).value));
    const least = limit("least", -Infinity), most = limit("most", Infinity);
    const said = (card) => [...(card.words ?? []), card.reason ?? ""].join(" ").toLowerCase();
    gallery.rows = gallery.list().filter((card) => {
      const value = filter ? gallery.value(card, filter) : 0;
      const within = !filter || (value >= least && value <= most);
      return within && (!words || said(card).includes(words));
    });
    const sign = byId("ascending").checked ? 1 : -1;
    const key = new Map(gallery.rows.map((card) => [card, gallery.value(card, sort)]));
    gallery.rows.sort((a, b) => { // what is not known comes last
      const [p, q] = [key.get(a), key.get(b)];
      if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
      return sign * (p - q) || a.id - b.id;
    });
    gallery.drawn = 0;
    byId("cards").replaceChildren();
    byId("count").textContent = `${gallery.rows.length} of ${gallery.list().length}`;
    gallery.draw();
  },

  draw() {
    const next = gallery.rows.slice(gallery.drawn, gallery.drawn + AT_ONCE);
    gallery.drawn += next.length;
    byId("cards").append(...next.map((card) => gallery.card(card, gallery.kind())));
  },

  card(card, kind) {
    const key = `${kind} ${card.id}`;
    const known = card.radius_nm !== null;
    const box = make("div", { class: `card ${gallery.ticks[key] ?? ""}`, id: `card-${kind}-${card.id}` });
    if (card.image) box.append(gallery.planes(card));
    const where = make("a", { class: "go", href: "#slices" }, card.contour
      ? `3dmod: object ${card.object}, contour ${card.contour}` : (card.at ?? "show"));
    where.addEventListener("click", (event) => { event.preventDefault(); slices.goTo(card); });
    const noun = { vesicles: "vesicle", dropped: "candidate", missed: "missed", truth: "missed" }[kind];
    box.append(make("h3", {}, make("span", {}, `${noun} ${card.id}`), where));
    if (card.profile) box.append(gallery.profile(card.profile));
    const size = known ? `radius ${card.radius_nm.toFixed(1)} nm` : "radius not known";
    const doubt = card.doubt === undefined ? "" : `, doubt ${card.doubt.toFixed(1)}`;
    if (kind !== "missed") box.append(make("p", {}, `${size}, score ${card.score.toFixed(2)}${doubt}`));
    if (card.at && card.contour) box.append(make("p", { class: "how" }, card.at));
    const said = card.words ?? (card.reason ? [`dropped: ${card.reason}`] : []);
    if (said.length) box.append(make("ul", {}, ...said.map((each) => make("li", {}, each))));
    const choices = { vesicles: ["wrong", "right"], dropped: ["missed"], missed: [] }[kind] ?? [];
    box.append(make("div", { class: "ticks" }, ...choices.map((tick) => gallery.tick(box, key, tick))));
    return box;
  },

  tick(box, key, tick) {
    const input = make("input", { type: "checkbox", name: tick });
    input.checked = gallery.ticks[key] === tick;
    input.addEventListener("change", () => {
      if (input.checked) gallery.ticks[key] = tick;
      else delete gallery.ticks[key];
      box.classList.remove("wrong", "right", "missed");
      if (input.checked) box.classList.add(tick);
      for (const other of box.querySelectorAll(".ticks input"))
        other.checked = gallery.ticks[key] === other.name;
      gallery.count();
    });
    return make("label", {}, input, ` ${tick === "missed" ? "missed here: it is a vesicle" : tick}`);
  },

  planes(card) {
    const drawing = make("svg", { viewBox: "0 0 300 100" });
    const radius = (card.radius_nm ?? 0) / card.half_nm * 50;
    ["XY", "XZ", "YZ"].forEach((name, k) => drawing.append(
      make("circle", { cx: 100 * k + 50, cy: 50, r: radius, stroke: colourOf(card.score) }),
      make("text", { x: 100 * k + 3, y: 10 }, name),
    ));
    return make("div", { class: "planes" },
      make("img", { src: card.image, width: 300, height: 100, alt: "XY, XZ and YZ" }), drawing);
  },

  /** The own radial profile over the mean one with its spread; inwards is to the left. */
  profile(own) {
    const { axis, mean, spread } = content;
    const all = [...own, ...mean.map((v, k) => v - spread[k]), ...mean.map((v, k) => v + spread[k])]
      .filter((value) => value !== null);
    const low = Math.min(...all), high = Math.max(...all, low + 1e-9);
    const [first, last] = [axis[0], axis[axis.length - 1]];
    const point = (x, value) =>
      `${(300 * (x - first) / (last - first)).toFixed(1)},${(52 - 50 * (value - low) / (high - low)).toFixed(1)}`;
    const line = (values) => axis.map((x, k) => (values[k] === null ? null : point(x, values[k])))
      .filter((each) => each !== null).join(" ");
    const band = [...axis.map((x, k) => point(x, mean[k] + spread[k])),
      ...axis.map((x, k) => point(x, mean[k] - spread[k])).reverse()].join(" ");
    return make("svg", { class: "profile", viewBox: "0 0 300 54", preserveAspectRatio: "none" },
      make("polygon", { points: band, fill: "#e4e4e8" }),
      make("polyline", { points: line(mean), fill: "none", stroke: "#888", "stroke-width": 1.5 }),
      make("polyline", { points: line(own), fill: "none", stroke: "#0072b2", "stroke-width": 2 }));
  },

  /** Show the card of a vesicle, whatever is shown now. */
  jump(kind, id) {
    byId("which").value = kind;
    for (const field of ["filter", "least", "most", "words"]) byId(field).value = "";
    gallery.arrange();
    const at = gallery.rows.findIndex((card) => card.id === id);
    while (gallery.drawn <= at) gallery.draw();
    document.querySelectorAll(".card.target").forEach((each) => each.classList.remove("target"));
    const card = byId(`card-${kind}-${id}`);
    card.classList.add("target");
    card.scrollIntoView({ block: "center" });
  },

  count() {
    const ticks = Object.values(gallery.ticks);
    const number = (tick) => ticks.filter((each) => each === tick).length;
    byId("ticked").textContent = `${number("wrong")} wrong, ${number("right")} right, `
      + `${number("missed") + slices.missed.length} missed`;
  },

  /** The table of corrections that `vesimod merge` takes: what was decided, and nothing else. */
  corrections() {
    const rows = [];
    const before = (card) => ({ predicted_id: card.id, predicted_z: card.z, predicted_y: card.y,
      predicted_x: card.x, predicted_radius_nm: card.radius_nm ?? "" });
    const after = (card, id) => ({ corrected_id: id, z: card.z, y: card.y, x: card.x,
      radius_nm: card.radius_nm ?? "", score: 1 });
    for (const card of content.vesicles) {
      const tick = gallery.ticks[`vesicles ${card.id}`] ?? (byId("rest").checked ? "right" : "");
      if (tick === "wrong") rows.push({ verdict: "removed", ...before(card), note: "ticked wrong" });
      if (tick === "right")
        rows.push({ verdict: "kept", ...before(card), ...after(card, card.id), distance_nm: 0 });
    }
    let free = Math.max(0, ...content.vesicles.map((card) => card.id));
    const missed = content.dropped.filter((card) => gallery.ticks[`dropped ${card.id}`] === "missed");
    for (const card of [...missed, ...slices.missed]) {
      const why = card.reason ? `dropped before: ${card.reason}` : "marked on a slice";
      rows.push({ verdict: "added", ...after(card, ++free), note: why });
    }
    return rows;
  },

  save() {
    const rows = gallery.corrections();
    if (!rows.length) {
      byId("ticked").textContent = "nothing is ticked yet: there is nothing to save";
      return;
    }
    const cell = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
    const lines = [content.columns, ...rows.map((row) => content.columns.map((name) => cell(row[name] ?? "")))];
    const text = lines.map((line) => `${line.join(",")}\n`).join("");
    const link = make("a", { download: `${content.stem}_corrections.csv`,
      href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
    link.click();
    URL.revokeObjectURL(link.href);
  },
};
