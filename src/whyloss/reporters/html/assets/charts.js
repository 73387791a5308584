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

  function watch(histogram) {
    let told = false; // by the fields, which need no answer
    histogram.addSignalListener("range", (_, range) => {
      if (told) return;
      const ends = range.from ? [...range.from].sort((a, b) => a - b) : null;
      // Who brushes up to the end of the axis means what lies beyond it too.
      if (ends && ends[1] > 0.995 * data.end) ends[1] = Infinity;
      document.dispatchEvent(new CustomEvent("whyloss:brush", { detail: ends }));
    });
    document.addEventListener("whyloss:fields", (event) => {
      const range = event.detail?.map((loss) => Math.min(loss, data.end));
      told = true;
      histogram.signal("range_x", range ? range.map(histogram.scale("x")) : []).run();
      told = false;
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
