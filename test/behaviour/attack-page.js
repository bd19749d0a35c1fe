// What a hostile page can do to have a browser send a request. Each attack gives what the page could read of the
// answer; '' for nothing. `author` is the address of a server of the page's author.

const add = (tag, attributes) => {
  const element = Object.assign(document.createElement(tag), attributes);
  document.body.append(element);
  return element;
};
const loaded = (tag, attributes) =>
  new Promise((resolve, reject) => {
    add(tag, { onload: () => resolve(''), onerror: () => reject(new Error(tag)), ...attributes });
  });
const told = () =>
  new Promise((resolve) => {
    globalThis.addEventListener('message', ({ data }) => data !== '' && resolve(String(data)));
  });
const blindly = (send) => {
  send();
  return '';
};
const text = async (response) => (await response).text();
const form = (method, action, target) => {
  const element = add('form', { method, action, target, enctype: 'text/plain' });
  element.append(Object.assign(document.createElement('input'), { name: 'a', value: 'b' }));
  element.submit();
};
const framed = (name, use) => {
  add('iframe', { name });
  return blindly(() => use(name));
};
const inWorker = (code) =>
  new Promise((resolve) => {
    const worker = new Worker(URL.createObjectURL(new Blob([`${code}.catch(() => '').then(postMessage)`])));
    worker.onmessage = ({ data }) => resolve(data);
  });

const attacks = {
  'fetch, cors': (url) => text(fetch(url)),
  'fetch, no-cors': (url) => text(fetch(url, { mode: 'no-cors' })),
  'fetch, no-cors, no referrer': (url) =>
    text(fetch(url, { mode: 'no-cors', referrerPolicy: 'no-referrer' })),
  'fetch with credentials': (url) => text(fetch(url, { credentials: 'include' })),
  'fetch through a redirect': (url, author) =>
    text(fetch(`${author}/redirect?to=${encodeURIComponent(url)}`)),
  'fetch, keepalive': (url) => text(fetch(url, { mode: 'no-cors', keepalive: true })),
  'fetch HEAD': (url) => text(fetch(url, { method: 'HEAD', mode: 'no-cors' })),
  'POST text/plain, cors': (url) => text(fetch(url, { method: 'POST', body: 'a=b' })),
  'POST text/plain, no-cors': (url) => text(fetch(url, { method: 'POST', mode: 'no-cors', body: 'a=b' })),
  'POST form fields, no-cors': (url) =>
    text(fetch(url, { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ a: 'b' }) })),
  'DELETE (preflight)': (url) => text(fetch(url, { method: 'DELETE' })),
  'POST JSON (preflight)': (url) =>
    text(fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })),
  'XHR with a custom field (preflight)': (url) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('GET', url);
      request.setRequestHeader('X-Api-Key', 'x');
      request.onload = () => resolve(request.responseText);
      request.onerror = reject;
      request.send();
    }),
  sendBeacon: (url) => blindly(() => navigator.sendBeacon(url, 'a=b')),
  image: async (url) => {
    const image = add('img', { src: url });
    await image.decode();
    return image.naturalWidth > 0 ? 'READ' : '';
  },
  'CSS background': (url) => blindly(() => add('p', { style: `background: url(${url})` })),
  script: async (url) => {
    await loaded('script', { src: url });
    return globalThis.leak ?? '';
  },
  'module script': (url) => loaded('script', { type: 'module', src: url }),
  'style sheet': async (url) => {
    await loaded('link', { rel: 'stylesheet', href: url });
    return getComputedStyle(document.documentElement).getPropertyValue('--leak');
  },
  font: (url) => new FontFace('f', `url(${url})`).load().then(() => ''),
  prefetch: (url) => loaded('link', { rel: 'prefetch', href: url }),
  preload: (url) => loaded('link', { rel: 'preload', as: 'fetch', href: url, crossOrigin: 'anonymous' }),
  iframe: (url) => {
    add('iframe', { src: url });
    return told();
  },
  object: (url) => loaded('object', { data: url }),
  embed: (url) => loaded('embed', { src: url }),
  video: (url) => blindly(() => add('video', { src: url, preload: 'auto' })),
  'sandboxed iframe, fetch': (url) => {
    const srcdoc = `<script>fetch(${JSON.stringify(url)}, { method: 'POST', body: 'a' })</script>`;
    return loaded('iframe', { sandbox: 'allow-scripts', srcdoc });
  },
  'iframe, meta refresh': (url) =>
    loaded('iframe', { srcdoc: `<meta http-equiv=refresh content="0;url=${url}">` }),
  'form GET into an iframe': (url) => framed('get', (name) => form('GET', url, name)),
  'form POST into an iframe': (url) => framed('post', (name) => form('POST', url, name)),
  'form POST through a redirect': (url, author) =>
    framed('again', (name) => form('POST', `${author}/redirect?to=${encodeURIComponent(url)}`, name)),
  'window.open': (url) => blindly(() => open(url)),
  'link with ping': (url) => blindly(() => add('a', { href: '#ping', ping: url }).click()),
  'violation report': (url, author) =>
    loaded('iframe', { src: `${author}/reporting?to=${encodeURIComponent(url)}` }),
  EventSource: (url) =>
    new Promise((resolve, reject) => {
      const source = new EventSource(url);
      const done = (settle) => (event) => {
        source.close();
        settle(event.data);
      };
      source.onmessage = done(resolve);
      source.onerror = done(reject);
    }),
  WebSocket: (url) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(url.replace(/^http/, 'ws'));
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = reject;
    }),
  'worker, fetch': (url) => inWorker(`fetch(${JSON.stringify(url)}).then((response) => response.text())`),
  'worker, importScripts': (url) =>
    inWorker(`(async () => { importScripts(${JSON.stringify(url)}); return self.leak; })()`),
};

globalThis.attackNames = Object.keys(attacks);

/** What was read so far, by attack. */
globalThis.readings = {};

/** Does all of it at once. `urls` are by attack. */
globalThis.attackAll = (urls, author) => {
  for (const [name, url] of Object.entries(urls)) {
    globalThis.readings[name] = '';
    const note = (read) => {
      globalThis.readings[name] = read;
    };
    Promise.resolve()
      .then(() => attacks[name](url, author))
      .then(note, () => {});
  }
};

/** Leaves the page by sending a form. */
globalThis.leaveByForm = (url) => form('POST', url, '_self');

/** Has the browser ask for a page before anybody wants it: `kind` is prefetch or prerender. */
globalThis.speculate = (kind, url) => {
  const textContent = JSON.stringify({ [kind]: [{ source: 'list', urls: [url] }] });
  add('script', { type: 'speculationrules', textContent });
};
