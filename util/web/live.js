// The page of a live session, and the bare one for OBS: streams that come back after a pause or
// another start of webcam.py, figures once a second, buttons, and the keys that they name.
{
  const by = (id) => document.getElementById(id);
  const streams = {picture: '/video', skeleton: '/skeleton'};
  const number = (value, digits = 0) => value == null ? null : value.toFixed(digits);
  const rate = (value) => value == null ? null : `${number(value, value < 10 ? 1 : 0)} a second`;
  const listed = (values, unit) => Object.entries(values ?? {})
    .filter(([, value]) => value != null && value !== 0)
    .map(([name, value]) => `${name.split(/[\\/]/).pop()} ${number(value)}${unit}`).join(', ') || null;
  const rows = {
    'Painted': (f) => rate(f.fps?.paint),
    'Delay': (f) => f.latency_ms?.p50 == null ? null :
      `${number(f.latency_ms.p50)} ms; 95 % under ${number(f.latency_ms.p95)} ms`,
    'Camera': (f) => rate(f.fps?.in),
    'Poses found': (f) => rate(f.fps?.pose),
    'Shown': (f) => rate(f.fps?.out),
    'Time taken': (f) => listed(f.stage_ms, ' ms'),
    'Left out': (f) => listed(f.drops, ''),
    'Quality': (f) => f.ladder ? f.ladder.replace(/^quality /, '') : null,
    'Running': (f) => f.seconds == null ? null :
      `${Math.floor(f.seconds / 60)}:${String(Math.floor(f.seconds % 60)).padStart(2, '0')}`,
    'Memory': (f) => f.memory_mb == null ? null : `${number(f.memory_mb)} MB`};

  let streaming = false;
  const stream = (on) => {
    if (on === streaming) return;
    streaming = on;
    for (const [id, path] of Object.entries(streams)) if (by(id)) {
      // another address each time: not every browser loads one again that has ended
      if (on) by(id).src = `${path}?${Date.now()}`;
      else if (document.hidden) by(id).removeAttribute('src');
    }
  };

  const tell = (figures) => {
    const switches = figures.switches ?? {};
    const state = switches.ended ? 'ending' : switches.recording ? 'recording'
      : switches.frozen ? 'frozen' : 'live';
    by('state').textContent = state;
    by('state').className = `pill ${state}`;
    by('picture').classList.toggle('flipped', switches.flipped);
    for (const button of document.querySelectorAll('[data-switch]'))
      button.setAttribute('aria-pressed', String(!!switches[button.dataset.switch]));
    const body = by('figures');
    body.replaceChildren();
    for (const [name, row] of Object.entries(rows)) {
      const value = row(figures);
      if (value == null) continue;
      const line = body.insertRow();
      line.appendChild(document.createElement('th')).textContent = name;
      line.insertCell().textContent = value;
    }
  };

  const away = (is) => {
    document.body.classList.toggle('away', is);
    for (const button of document.querySelectorAll('[data-key]')) button.disabled = is;
    if (!is || !by('state')) return;
    by('state').textContent = 'webcam.py has ended';
    by('state').className = 'pill';
  };

  const look = async () => {
    if (document.hidden) return stream(false);
    try {
      const answer = await fetch('/figures');
      if (!answer.ok) throw new Error(answer.status);
      const figures = await answer.json();
      away(false);
      stream(true);
      if (by('figures')) tell(figures);
    } catch {
      away(true);
      stream(false);
    }
  };

  const press = async (key) => {
    try { await fetch(`/press?key=${encodeURIComponent(key)}`, {method: 'POST'}); } catch { }
    look();
  };
  for (const button of document.querySelectorAll('[data-key]'))
    button.addEventListener('click', (event) => {
      if (event.detail) button.blur();      // or the space bar would press it again
      press(button.dataset.key);
    });
  if (by('figures')) addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const onButton = event.target.closest?.('button, a') && [' ', 'Enter'].includes(event.key);
    const key = event.key.toLowerCase();
    if (onButton || !document.querySelector(`[data-key="${CSS.escape(key)}"]`)) return;
    event.preventDefault();
    press(key);
  });
  addEventListener('visibilitychange', look);
  setInterval(look, 1000);
  look();
}
