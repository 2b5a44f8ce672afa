// Plays the held-out pose from the first epoch to the newest. Shows a picture only once it is
// decoded, so that none is skipped or seen half. Sliders remember their place by the input event (page.js).
for (const film of document.querySelectorAll('.film')) {
  const shots = JSON.parse(film.dataset.shots), tick = Math.min(500, 12000 / shots.length);
  const [slider, play] = ['input', 'button'].map((name) => film.querySelector(name));
  const [painted, words] = ['img[alt^=painted]', 'h2'].map(
    (name) => film.closest('section').querySelector(name));
  let turn = 0;
  const plays = (on) => { turn++; film.classList.toggle('playing', on);
                          play.textContent = on ? 'Pause' : 'Play'; };
  const show = async () => {
    const [path, says] = shots[slider.value], next = new Image();
    next.src = path;
    await next.decode().catch(() => {});
    if (path === shots[slider.value][0]) { painted.src = path; words.innerText = says; }
  };
  const stop = () => slider.dispatchEvent(new Event('input', {bubbles: true}));
  slider.addEventListener('input', () => { plays(false); show(); });
  play.addEventListener('click', async () => {
    if (film.classList.contains('playing')) return stop();
    plays(true);
    const mine = turn, from = slider.value === slider.max ? 0 : +slider.value;
    for (let k = from; mine === turn && k < shots.length; k++) {
      slider.value = k;
      await Promise.all([show(), new Promise((done) => setTimeout(done, tick))]);
    }
    if (mine === turn) stop();
  });
}
