// Draws the charts, and draws those of single epochs anew when another epoch is chosen.
{
  const store = document.getElementById("views");
  const data = store && JSON.parse(store.textContent);
  // The interpreter evaluates expressions without eval, which the page's policy forbids.
  const options = {
    renderer: "svg", actions: false, ast: true, defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  };
  const drawn = {};

  function rows(name, i) {
    const { columns, rows } = data.tables[name];
    return rows[i].map((row) => Object.fromEntries(row.map((value, k) => [columns[k], value])));
  }

  function turn(i) {
    drawn.histogram?.data("losses", rows("losses", i)).data("mean", rows("mean", i)).run();
    drawn.reliability?.data("reliability", rows("reliability", i)).run();
  }

  // The brush as it was last told of or told to be, so that the two do not answer each other.
  let brushed = "";
  function watch(histogram) {
    histogram.addSignalListener("range", (_, range) => {
      const now = range.from ? [...range.from].sort((a, b) => a - b) : null;
      if (String(now) === brushed) return;
      brushed = String(now);
      document.dispatchEvent(new CustomEvent("whyloss:brush", { detail: now }));
    });
    document.addEventListener("whyloss:range", (event) => {
      const range = event.detail && event.detail.map((loss) => Math.min(loss, data.end));
      if (String(event.detail) === brushed) return;
      const pixels = range && range.map(histogram.scale("x"));
      histogram.signal("range_x", pixels ?? []);
      histogram.run();
    });
  }

  async function draw(place) {
    const id = place.dataset.spec.replace("spec-", "");
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    try {
      drawn[id] = (await vegaEmbed(place, spec, options)).view;
      if (id === "histogram") watch(drawn[id]);
    } catch (error) {
      place.replaceChildren(`This chart could not be drawn: ${error.message}`);
      return;
    }
    // What the chart shows is told by the words on its place, which is one image.
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    place.classList.add("drawn");
  }

  document.addEventListener("whyloss:view", (event) => turn(event.detail));
  Promise.all([...document.querySelectorAll("[data-spec]")].map(draw)).then(() => {
    const slider = document.getElementById("epoch");
    if (slider && slider.value !== slider.max) turn(Number(slider.value));
  });
}
