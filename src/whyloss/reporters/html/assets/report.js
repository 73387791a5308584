// Copy buttons, and the meaning of a word where it stands.
{
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const code = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }

  const tip = document.getElementById("tip");
  let shown = null;
  const hide = () => {
    tip.hidden = true;
    shown = null;
  };
  const show = (word) => {
    shown = word;
    tip.textContent = document.querySelector(`${word.getAttribute("href")} dd`).textContent;
    tip.hidden = false;
    const at = word.getBoundingClientRect();
    const width = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(at.left, width - tip.offsetWidth - 8));
    const below = at.bottom + tip.offsetHeight + 8 < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? at.bottom + 4 : at.top - tip.offsetHeight - 4}px`;
  };
  for (const word of document.querySelectorAll("a.term")) {
    for (const when of ["mouseenter", "focus"]) word.addEventListener(when, () => show(word));
    for (const when of ["mouseleave", "blur"]) word.addEventListener(when, hide);
  }
  const follow = () => shown && show(shown);
  addEventListener("scroll", follow, { passive: true, capture: true });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
