// The table of samples: sorted, searched, filtered by loss, downloaded.
{
  const store = document.getElementById("sample-data");
  if (store) {
    const INFINITE = -1;
    const { rows, losses, said, since, ...rest } = JSON.parse(store.textContent);
    for (const told of losses) {
      told.forEach((loss, k) => loss > 0 && (told[k] = loss / 1000)); // kept in thousandths
    }
    const STEP = 50;
    const views = document.getElementById("views");
    const epochs = views ? JSON.parse(views.textContent).epochs : [];
    const last = epochs.length - 1;
    const begin = Math.max(0, epochs.indexOf(since));
    const table = document.getElementById("samples");
    const body = table.tBodies[0];
    // The first rows have their pictures in the page already.
    const there = [...body.rows].map((row) => row.querySelector("img")?.src ?? null);
    const pictures = [...there, ...rest.pictures];
    const heads = [...table.tHead.rows[0].cells];
    const [thenHead, outcomeHead] = ["then", "outcome"].map((key) =>
      heads.find((cell) => cell.dataset.key === key),
    );
    const place = { id: 0, label: 1, predicted: 2, confidence: 3, loss: 4, share: 5, outcome: 6 };
    const TEXT = 7;

    let sort = { key: null, up: false };
    let words = "";
    let range = null; // of the loss at the epoch `view`
    let view = last;
    let shown = STEP;
    let found = [];

    const finite = (loss) => (loss === INFINITE ? Infinity : loss);
    const nats = (loss) => {
      if (loss === null || loss === undefined) return "–";
      if (loss === INFINITE) return "∞";
      return loss && loss < 0.0005 ? loss.toExponential(1).replace("-", "−") : loss.toFixed(3);
    };
    const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(1)} %`);
    // The column for another epoch shows where the change began until another one is chosen.
    const other = () => (view === last ? begin : view);
    const value = (i, key) => {
      if (key === "then") return finite(losses[i][other()]);
      return key === "loss" ? finite(rows[i][place.loss]) : rows[i][place[key]];
    };

    function compare(a, b) {
      if (a === null || b === null) return (a === null) - (b === null); // unknown comes last
      const order =
        typeof a === "number" && typeof b === "number"
          ? a - b || 0
          : String(a).localeCompare(String(b), "en", { numeric: true });
      return sort.up ? order : -order;
    }

    function select() {
      const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
      found = [...rows.keys()].filter((i) => {
        const loss = finite(losses[i][view]);
        if (range && (loss === null || loss < range[0] || loss > range[1])) return false;
        if (!wanted.length) return true;
        const row = rows[i];
        const text = [row[0], row[1], row[2], row[place.outcome], row[TEXT]].join(" ").toLowerCase();
        return wanted.every((word) => text.includes(word));
      });
      if (sort.key) {
        found.sort((a, b) => compare(value(a, sort.key), value(b, sort.key)) || a - b);
      }
    }

    function cell(text, kind = "n") {
      const made = document.createElement("td");
      made.className = kind;
      made.textContent = text;
      return made;
    }

    function name(text, length) {
      const made = document.createElement("bdi");
      const line = String(text).replace(/[\s\p{C}]+/gu, " ");
      made.textContent = line.length > length ? `${line.slice(0, length - 1)}…` : line;
      if (made.textContent !== String(text)) made.title = text;
      return made;
    }

    function line(i) {
      const [id, label, predicted, confidence, loss, share, outcome, text] = rows[i];
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      const box = document.createElement("div");
      box.className = "sample";
      if (pictures[i]) {
        const image = new Image();
        image.src = pictures[i];
        image.alt = "";
        box.append(image);
      }
      const who = document.createElement("span");
      who.append(name(id, 32));
      if (text) {
        const small = document.createElement("small");
        small.append(name(text, 200));
        who.append(small);
      }
      box.append(who);
      head.append(box);
      row.append(head);
      for (const word of [label, predicted]) {
        const made = cell("", "");
        made.append(name(word, 24));
        row.append(made);
      }
      row.append(cell(percent(confidence)), cell(nats(loss)), cell(percent(share)));
      if (thenHead) row.append(cell(nats(losses[i][other()])));
      if (outcomeHead) row.append(cell(outcome ?? "–", "word"));
      return row;
    }

    function draw() {
      select();
      body.replaceChildren(...found.slice(0, shown).map(line));
      const few = found.length > shown ? `${shown} of ` : "";
      const [low, high] = range ?? [];
      const to = high === Infinity ? " or more" : ` to ${nats(high)}`;
      const of = range ? ` with a loss of ${nats(low)}${to}` : "";
      const at = range && last > 0 ? ` at epoch ${epochs[view]}` : "";
      const count = `${found.length.toLocaleString("en")} ${found.length === 1 ? "sample" : "samples"}`;
      document.getElementById("found").textContent = `Showing ${few}${count}${of}${at}. ${said}`;
      document.getElementById("more").hidden = found.length <= shown;
      if (thenHead) thenHead.firstChild.textContent = `at epoch ${epochs[other()]}`;
    }

    function restart() {
      shown = STEP;
      draw();
    }

    // A program that opens the file must not take a name for a formula. To read it back, remove
    // one apostrophe.
    const runs = (text) => /^[=+\-@\t\r\n＝＋－＠']/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text);
    const field = (text) => {
      const safe = typeof text === "string" && runs(text) ? `'${text}` : text;
      return /[",\n\r]/.test(safe) ? `"${String(safe).replaceAll('"', '""')}"` : (safe ?? "");
    };
    const number = (loss) => (loss === INFINITE ? "inf" : loss);

    function csv() {
      const head = ["id", "label", "predicted", "confidence", "log_loss", "share_of_loss", "outcome", "text"];
      const others = thenHead && other() !== last ? [`log_loss_epoch_${epochs[other()]}`] : [];
      const lines = found.map((i) => {
        const row = rows[i].map((one, k) => (k === place.loss ? number(one) : one));
        return others.length ? [...row, number(losses[i][other()])] : row;
      });
      return [[...head, ...others], ...lines].map((row) => row.map(field).join(",")).join("\r\n");
    }

    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const key = head.dataset.key;
        const number = ["confidence", "loss", "share", "then"].includes(key);
        sort = { key, up: sort.key === key ? !sort.up : !number };
        for (const one of heads) one.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", sort.up ? "ascending" : "descending");
        restart();
      });
    }
    for (const tools of table.closest("section").querySelectorAll(".tools")) tools.hidden = false;
    document.getElementById("search").addEventListener("input", (event) => {
      words = event.target.value;
      restart();
    });
    document.getElementById("more").addEventListener("click", () => {
      shown += 2 * STEP;
      draw();
    });
    document.getElementById("download").addEventListener("click", () => {
      const link = document.createElement("a");
      // The mark in front tells spreadsheets that this is UTF-8.
      link.href = URL.createObjectURL(new Blob(["\ufeff", csv(), "\r\n"], { type: "text/csv" }));
      link.download = "samples.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    document.addEventListener("whyloss:view", (event) => {
      view = event.detail;
      draw();
    });
    document.addEventListener("whyloss:range", (event) => {
      range = event.detail;
      restart();
    });
    draw();
  }
}
