// What goes over the wire, for those who learn the pattern.

import { copyButton, h, setText } from './dom.js';
import { ended, withoutSignature } from './store.js';

const shownHeaders = ['location', 'operation-location', 'retry-after', 'content-type', 'content-length', 'etag', 'preference-applied', 'x-ms-error-code', 'x-ms-request-id'];
const mostBody = 2000; // characters
const mostExchanges = 100;

/** A fetch that keeps what was asked and answered in exchanges, and tells by changed. */
export function recorder(exchanges, changed) {
  return async (url, init) => {
    const exchange = {
      method: init.method ?? 'GET',
      url: String(url),
      asked: Object.fromEntries(init.headers ?? []),
      sent: describe(init.body),
      at: Date.now(),
    };
    exchanges.push(exchange);
    if (exchanges.length > mostExchanges) exchanges.splice(1, 1); // the first is what began it all
    changed(exchange);
    try {
      const response = await fetch(url, init);
      exchange.status = response.status;
      if (response.redirected) exchange.redirected = response.url;
      exchange.answered = Object.fromEntries(shownHeaders.flatMap((name) => (response.headers.has(name) ? [[name, response.headers.get(name)]] : [])));
      if (/json/.test(response.headers.get('content-type') ?? '') && !isStorage(exchange)) {
        response.clone().text().then((text) => { exchange.body = pretty(text); changed(exchange); }, () => {});
      }
      return response;
    } catch (error) {
      exchange.error = error.name === 'AbortError' ? ended : error.message;
      throw error;
    } finally {
      exchange.ms = Date.now() - exchange.at;
      changed(exchange);
    }
  };
}

/** Notes a status with the event stream that told it, if one did. */
export function heard(exchanges, status) {
  const last = exchanges.at(-1);
  if (!last || !isEvents(last) || last.status !== 200) return;
  const name = ['Succeeded', 'Failed', 'Canceled'].includes(status.status) ? status.status.toLowerCase() : 'progress';
  last.events = (last.events ?? 0) + 1;
  last.body = `${last.body ?? ''}event: ${name}\ndata: ${JSON.stringify(status)}\n\n`.slice(-mostBody);
}

function isEvents({ url }) {
  return new URL(url).pathname.endsWith('/events');
}

function describe(body) {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return { text: body.slice(0, mostBody) };
  return { file: body.name ?? 'payload', size: body.size };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, mostBody);
  } catch {
    return text.slice(0, mostBody);
  }
}

function isStorage({ url }) {
  return /[?&]sig=/.test(url);
}

/** Says in a few words what an exchange is for. */
export function meaning(exchange) {
  const { method, url, status, redirected, error, events } = exchange;
  const { pathname, searchParams } = new URL(url);
  if (error === ended) return 'Ended by this page.';
  if (error) return 'No answer: it is tried again.';
  if (status === undefined) return 'Under way.';
  if ([408, 429, 500, 502, 503, 504].includes(status)) return 'Not now: it is tried again, as Retry-After advises.';
  if (method === 'POST') return status === 202 ? 'Accepted: Location says where to ask, Retry-After when.' : 'Refused: the problem document says why.';
  if (method === 'DELETE') return status === 202 ? 'Canceled.' : 'Too late to cancel, or canceled before.';
  if (isStorage(exchange) || redirected) return status < 300 ? 'The result, straight from storage, opened by a valet key.' : 'Storage refused.';
  if (isEvents(exchange)) return status === 200 ? `Each change as it comes (Server-Sent Events): ${events ?? 0} so far.` : 'No events.';
  if (pathname.endsWith('/result')) return 'Where the result is, with a fresh valet key.';
  if (status === 202) return 'Not done yet.';
  if (status === 304) return 'Nothing new.';
  if (status === 200 && searchParams.get('onComplete') === 'json') return 'Done: where the result is, with a valet key.';
  if (status === 409 || status === 422) return 'Ended without a result.';
  return status < 300 ? 'Answered.' : 'Refused.';
}

/** The same request as a command for a shell. */
export function curl({ method, url, asked = {}, sent }) {
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = ['curl', url.includes('/events') ? '-N' : '-i'];
  if (method !== 'GET' && !(method === 'POST' && sent)) parts.push('-X', method);
  for (const [name, value] of Object.entries(asked)) {
    parts.push('-H', quote(name === 'authorization' ? 'Authorization: Bearer YOUR-TOKEN' : `${name}: ${value}`));
  }
  if (sent?.text !== undefined) parts.push('--data-binary', quote(sent.text));
  if (sent?.file !== undefined) parts.push('--data-binary', quote(`@${sent.file}`));
  return [...parts, quote(url)].join(' ');
}

/** The list of a job's exchanges. update shows what was added or has changed. */
export class Timeline {
  element = h('ol', { class: 'wire' });
  #rows = new Map();

  update(exchanges) {
    for (const [exchange, row] of this.#rows) {
      if (exchanges.includes(exchange)) continue;
      row.element.remove();
      this.#rows.delete(exchange);
    }
    for (const exchange of exchanges) {
      let row = this.#rows.get(exchange);
      if (!row) {
        row = new Row(exchange);
        this.#rows.set(exchange, row);
        this.element.append(row.element);
      }
      row.update();
    }
  }
}

class Row {
  constructor(exchange) {
    const { pathname, search, host } = new URL(exchange.url);
    this.exchange = exchange;
    this.code = h('span', { class: 'code' });
    this.meaning = h('span', { class: 'meaning' });
    this.time = h('span', { class: 'time' });
    this.more = h('pre', { tabindex: '0' });
    const path = withoutSignature(pathname + search);
    this.element = h('li', {},
      h('details', {},
        h('summary', {},
          h('span', { class: 'line' }, h('b', {}, exchange.method), ' ', h('span', { class: 'path' }, shorten(path)), ' ', this.code),
          h('span', { class: 'line' }, this.meaning, ' ', this.time)),
        h('p', { class: 'hint' }, `To ${host} at ${new Date(exchange.at).toLocaleTimeString()}.`),
        this.more,
        copyButton('Copy as curl', () => curl(exchange))));
  }

  update() {
    const { exchange } = this;
    const text = exchange.error ? 'no answer' : exchange.status === undefined ? '…' : String(exchange.status);
    setText(this.code, text);
    this.code.dataset.class = exchange.error ? 'x' : String(exchange.status ?? '').charAt(0);
    setText(this.meaning, meaning(exchange));
    setText(this.time, exchange.ms === undefined ? '' : `${exchange.ms} ms`);
    setText(this.more, this.#text());
  }

  #text() {
    const { method, url, asked, sent, status, answered, body, error, redirected } = this.exchange;
    const fields = (headers = {}) => Object.entries(headers).map(([name, value]) => `${name}: ${name === 'authorization' ? 'Bearer …' : value}`);
    const lines = [`${method} ${url}`, ...fields(asked)];
    if (sent) lines.push('', sent.text ?? `(${sent.file}, ${sent.size} bytes)`);
    if (redirected) lines.push('', `redirected to ${redirected}`);
    if (error) lines.push('', error);
    if (status !== undefined) lines.push('', `HTTP ${status}`, ...fields(answered));
    if (body) lines.push('', body);
    return withoutSignature(lines.join('\n'));
  }
}

function shorten(path) {
  return path.replace(/\b([0-9a-f]{8})-[0-9a-f-]{18,}([0-9a-f]{4})\b/g, '$1…$2').replace(/\?.*(sig|se)=.*/, '?…');
}
