// Joins the charts, the frame viewer and the videos of a results page.
(() => {
  const find = (what) => [...document.querySelectorAll(what)];
  const data = JSON.parse(document.getElementById('frame-scores').textContent);
  const charts = find('svg[data-score]'), films = find('video'), frames = find('.frame');
  const slider = document.getElementById('frame'), label = document.getElementById('frame-name');
  const times = data.times, begin = times[0], length = times[times.length - 1] - begin || 1;
  let now = -1;
  function show(k) {
    if (k === now) return;
    now = k;
    slider.value = k;
    label.textContent = `${data.names[k]}, ${(times[k] - begin).toFixed(2)} s`;
    label.href = '#' + frames[k].id;
    slider.setAttribute('aria-valuetext', label.textContent);
    for (const picture of find('#chosen img')) {
      const word = picture.alt.split(':')[0];
      const its = frames[k].querySelector(`img[alt^="${word}:"]`);
      const link = picture.closest('figure').querySelector('a');
      for (const name of ['src', 'alt']) picture.setAttribute(name, its.getAttribute(name));
      if (link.contains(picture) || link.textContent === word) link.href = its.closest('a').href;
    }
    for (const chart of charts) {
      const value = data.scores[chart.dataset.score][k], line = chart.querySelector('.cursor');
      const x = data.left + (times[k] - begin) / length * (data.right - data.left);
      line.setAttribute('transform', `translate(${x.toFixed(1)} 0)`);
      line.style.visibility = 'visible';
      chart.parentNode.querySelector('b').textContent =
        value === null ? '–' : value.toFixed(data.digits[chart.dataset.score]);
    }
  }
  function choose(k) {
    show(k);
    for (const film of films) {
      film.preload = 'auto';                // one that shows its poster is loaded from here on
      film.currentTime = times[k] - begin + .001;
    }
  }
  function nearest(time) {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] + times[middle + 1]) / 2 < time) low = middle + 1; else high = middle;
    }
    return low;
  }
  function under(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * data.width;
    return nearest(begin + (x - data.left) / (data.right - data.left) * length);
  }
  for (const chart of charts) {
    chart.addEventListener('pointermove', event => show(under(event)));
    chart.addEventListener('click', event => choose(under(event)));
  }
  slider.addEventListener('input', () => choose(+slider.value));
  for (const film of films) film.addEventListener('timeupdate', () => {
    if (!film.paused) show(nearest(begin + film.currentTime));
  });
  addEventListener('click', event => {      // a link to a frame opens the fold that it is in
    const link = event.target.closest('a[href^="#"]');
    if (link) document.getElementById(link.hash.slice(1)).closest('details').open = true;
  });
  show(+slider.value);
})();
