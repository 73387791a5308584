// The slider over the epochs, and the range of losses that the table is limited to.
{
  const store = document.getElementById("views");
  if (store) {
    const data = JSON.parse(store.textContent);
    const slider = document.getElementById("epoch");
    const low = document.getElementById("low");
    const high = document.getElementById("high");
    const tell = (what, detail) =>
      document.dispatchEvent(new CustomEvent(`whyloss:${what}`, { detail }));

    function show(i) {
      slider.value = i;
      slider.setAttribute("aria-valuetext", data.labels[i]);
      document.getElementById("now").textContent = data.labels[i];
      document.getElementById("beyond").textContent = data.beyond[i];
      document.getElementById("sure").textContent = data.words.reliability[i];
      for (const chart of ["histogram", "reliability"]) {
        document.querySelector(`.chart.${chart}`).setAttribute("aria-label", data.words[chart][i]);
      }
      const together = document.getElementById("together");
      if (together) {
        together.textContent = data.together[i];
        for (const at of document.querySelectorAll(".quadrants .at")) {
          at.textContent = `at epoch ${data.epochs[i]}`;
        }
        for (const cell of document.querySelectorAll("[data-outcome]")) {
          const [samples, nats, margin] = data.migration[i][cell.dataset.outcome] ?? ["–", "", ""];
          cell.querySelector("b").textContent = samples;
          cell.querySelector("small").textContent = `${nats} ${margin}`;
        }
      }
      tell("view", i);
    }

    if (slider) {
      slider.closest(".slider").hidden = false;
      slider.addEventListener("input", () => show(Number(slider.value)));
      for (const button of document.querySelectorAll("[data-jump]")) {
        button.addEventListener("click", () => show(Number(button.dataset.jump)));
      }
    }

    // From the fields to the table and the chart, and from the chart to the fields.
    if (document.getElementById("sample-data")) {
      document.querySelector(".range").hidden = false;
      document.querySelector(".hint").hidden = false;
      const tellBoth = (range) => {
        tell("fields", range);
        tell("range", range);
      };
      const typed = () => {
        if (low.value === "" && high.value === "") return tellBoth(null);
        const from = low.value === "" ? 0 : Number(low.value);
        return tellBoth([from, high.value === "" ? Infinity : Number(high.value)]);
      };
      for (const field of [low, high]) field.addEventListener("input", typed);
      document.getElementById("every").addEventListener("click", () => {
        low.value = high.value = "";
        tellBoth(null);
      });
      document.addEventListener("whyloss:brush", (event) => {
        const range = event.detail;
        low.value = range ? Number(range[0].toPrecision(3)) : "";
        high.value = range && range[1] < Infinity ? Number(range[1].toPrecision(3)) : "";
        tell("range", range);
      });
    }
  }
}
