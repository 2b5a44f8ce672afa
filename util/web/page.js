// Remembers where the reader of a page is. A page that reloads itself must not close folds or move
// sliders. A slider at its right end stays there: that end may be what is newest.
{
  const kept = (() => { try { return sessionStorage; } catch { return {}; } })();
  const key = (part) => location.pathname + ' ' + part.id;
  const keep = (part, value) => value ? kept[key(part)] = value : delete kept[key(part)];
  document.addEventListener('input', ({target}) => {
    target.closest('.wipe')?.style.setProperty('--at', target.value + '%');
    if (target.id) keep(target, target.value !== target.max && target.value);
  });
  for (const slider of document.querySelectorAll('input[id]')) if (key(slider) in kept) {
    slider.value = kept[key(slider)];
    slider.dispatchEvent(new Event('input', {bubbles: true}));
  }
  for (const fold of document.querySelectorAll('details[id]')) {
    if (key(fold) in kept) fold.open = true;
    fold.addEventListener('toggle', () => keep(fold, fold.open && 'open'));
  }
  const seconds = document.body.dataset.refresh;
  const busy = () => document.hidden || document.querySelector('.playing, :active');
  const look = () => busy() ? setTimeout(look, 1000) : location.reload();
  if (seconds) setTimeout(look, seconds * 1000);
}
