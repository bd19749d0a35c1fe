/**
 * What keeps the status page fresh in a browser: every two seconds, while the tab is seen, its main part is fetched and
 * laid over the old one node by node, so that focus, open parts and what is being typed stay. Rows keep their places
 * while a confirmation is open or the pointer is over buttons: nothing moves away from under a click.
 */
export const statusScript = `
'use strict';
const everyMs = 2000, limitMs = 5000;
const live = document.getElementById('live');
let timer = 0, asking = null, answeredAt = new Date();

function say(state, text) {
  if (live.dataset.state === state && live.textContent === text) return;
  live.dataset.state = state;
  live.textContent = text;
  document.documentElement.classList.toggle('lost', state === 'lost');
}

const settled = () => !document.querySelector('.confirm[open], .actions:hover, .actions :focus');

function keyed(node) {
  return node.nodeType === 1 && node.id ? node.id : '';
}

function overlay(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || keyed(old) !== keyed(now)) {
    old.replaceWith(now);
    return;
  }
  if (old.nodeType !== 1) {
    if (old.nodeValue !== now.nodeValue) old.nodeValue = now.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes])
    if (name !== 'open' && !now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  overlayChildren(old, now);
}

function overlayChildren(old, now) {
  const byKey = new Map([...old.children].filter(keyed).map((one) => [one.id, one]));
  const wanted = [...now.childNodes];
  const keys = new Set(wanted.map(keyed));
  const mayMove = settled();
  let place = old.firstChild;
  for (const next of wanted) {
    while (place && keyed(place) && !keys.has(place.id)) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    const known = byKey.get(keyed(next));
    if (known && known.parentNode === old) {
      if (known === place) place = place.nextSibling;
      else if (mayMove) old.insertBefore(known, place);
      overlay(known, next);
    } else if (place && !keyed(place) && !keyed(next)) {
      const at = place;
      place = place.nextSibling;
      overlay(at, next);
    } else {
      old.insertBefore(next, place);
    }
  }
  if (!mayMove) {
    const left = [...old.childNodes].filter((one) => keyed(one) && !keys.has(one.id));
    for (const one of left) one.remove();
    return;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    if (keyed(gone) && keys.has(gone.id)) continue;
    gone.remove();
  }
}

async function refresh() {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  const late = setTimeout(() => mine.abort(), limitMs);
  try {
    const answer = await fetch('/status/fragment' + location.search, { cache: 'no-store', signal: mine.signal });
    if (!answer.ok) throw new Error('status ' + answer.status);
    const text = await answer.text();
    if (mine !== asking) return;
    const next = new DOMParser().parseFromString(text, 'text/html').getElementById('main');
    const main = document.getElementById('main');
    const focused = document.activeElement;
    overlay(main, document.importNode(next, true));
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    document.title = main.dataset.title;
    document.getElementById('icon').href = main.dataset.icon;
    answeredAt = new Date();
    say('live', 'Live');
  } catch (error) {
    if (mine !== asking) return;
    const why = String(error.message).startsWith('status ') ? ' (' + error.message + ')' : '';
    say('lost', 'No answer since ' + answeredAt.toLocaleTimeString() + why + '. What you see is as old as that; trying again.');
  } finally {
    clearTimeout(late);
  }
  if (mine === asking && !document.hidden) timer = setTimeout(refresh, everyMs);
}

document.addEventListener('visibilitychange', () => {
  clearTimeout(timer);
  if (!document.hidden) return refresh();
  // What is on its way would say that it is live.
  asking?.abort();
  asking = null;
  say('paused', 'Paused');
});
document.addEventListener('submit', (event) => {
  if (event.target.method !== 'post') return;
  clearTimeout(timer);
  asking?.abort();
  asking = null;
  const button = event.submitter;
  if (button) {
    button.setAttribute('aria-busy', 'true');
    button.textContent = button.classList.contains('danger') ? 'Revoking…' : 'Renewing…';
  }
});
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
document.addEventListener('toggle', (event) => {
  if (!event.target.open) return;
  for (const one of document.querySelectorAll('.confirm[open]')) if (one !== event.target) one.open = false;
}, true);
document.addEventListener('keydown', (event) => {
  const open = event.key === 'Escape' && document.querySelector('.confirm[open]');
  if (!open) return;
  open.open = false;
  open.querySelector('summary').focus();
});
document.addEventListener('input', (event) => {
  if (event.target.id !== 'q') return;
  const query = event.target.value.trim();
  history.replaceState(null, '', query === '' ? '/' : '/?q=' + encodeURIComponent(query));
  clearTimeout(timer);
  timer = setTimeout(refresh, 200);
});
document.documentElement.classList.add('scripted');
say('live', 'Live');
if (document.hidden) say('paused', 'Paused');
else timer = setTimeout(refresh, everyMs);
`;
