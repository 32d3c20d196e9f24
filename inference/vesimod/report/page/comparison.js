/** What changed against true or corrected vesicles; entries lead to their cards. */
function showComparison() {
  if (!content.comparison) return;
  const item = (id, words) => {
    const link = make("a", { href: "#gallery" }, `vesicle ${id}`);
    link.addEventListener("click", (event) => { event.preventDefault(); gallery.jump("vesicles", id); });
    return make("li", {}, link, words ? `: ${words}` : "");
  };
  byId("changed").append(...content.comparison.changed.map((each) => item(each.id, each.words)));
  byId("only-here").append(...content.comparison.only_here.map((id) => item(id, "")));
  byId("missed").append(...content.comparison.missed.map((card) => gallery.card({ ...card, reason: "" }, "truth")));
}
