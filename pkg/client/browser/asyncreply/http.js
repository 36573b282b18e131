// One request, and one request until it is answered.

import { ConnectionError, ProblemError, problemOf } from './problem.js';

const firstBackoff = 500;
const longestBackoff = 30_000;
const requestTimeout = 30_000;

/** Sends requests to the services and to storage, again where that is safe. */
export class Http {
  constructor({ fetch, headers, retryFor = 120_000, onRetry } = {}) {
    this.fetch = fetch ?? ((...args) => globalThis.fetch(...args));
    this.headers = headers;
    this.retryFor = retryFor;
    this.onRetry = onRetry;
  }

  /**
   * Sends one request and gives the answer, whatever it is. timeout bounds the
   * wait for its head, in ms. Storage is told nothing of the caller: a token
   * beside a signature makes it refuse.
   */
  async send(url, { headers = {}, signal, timeout = requestTimeout, storage = false, ...init } = {}) {
    signal?.throwIfAborted();
    const own = storage ? undefined : typeof this.headers === 'function' ? await this.headers(url) : this.headers;
    const all = new Headers(own);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const control = new AbortController();
    const late = () => control.abort(new DOMException(`no answer within ${timeout} ms`, 'TimeoutError'));
    const timer = timeout < Infinity ? setTimeout(late, timeout) : undefined;
    try {
      return await this.fetch(url, {
        cache: 'no-store',
        ...(storage ? { credentials: 'omit', referrerPolicy: 'no-referrer' } : {}),
        ...init,
        headers: all,
        signal: signal ? AbortSignal.any([signal, control.signal]) : control.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends a request until it is answered by anything but "try again", for
   * retryFor ms at most. again tells by the answer, or by nothing if there was
   * none, whether the request may be sent once more.
   */
  async request(url, init = {}, again = mayRepeat) {
    const patience = Date.now() + this.retryFor;
    for (let attempt = 0; ; attempt++) {
      let response;
      let error;
      try {
        response = await this.send(url, init);
      } catch (thrown) {
        init.signal?.throwIfAborted();
        error = new ConnectionError(url, thrown);
      }
      if (response && !again(response)) return response;
      if (response) error = new ProblemError(await problemOf(response), response);
      const delay = pause(response && retryAfter(response), attempt);
      if ((!response && !again(undefined)) || Date.now() + delay > patience) throw error;
      this.onRetry?.({ url: String(url), error, attempt: attempt + 1, delay });
      await sleep(delay, init.signal);
    }
  }
}

/** What may be repeated where a repetition does no harm. */
export function mayRepeat(response) {
  return !response || [408, 429, 500, 502, 503, 504].includes(response.status);
}

/** What may be repeated where a repetition counts twice: only what says that it was not taken. */
export function mayRepeatUnkeyed(response) {
  return response?.status === 429;
}

/** Gives the answer, or throws the problem that it is. */
export async function expectOK(response) {
  if (response.ok) return response;
  throw new ProblemError(await problemOf(response), response);
}

/** The Retry-After of an answer in ms (RFC 9110, section 10.2.3), or undefined. */
export function retryAfter(response) {
  const text = response.headers.get('retry-after');
  if (!text) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * How long to wait before the next try: never less than the service advises,
 * and never the same for everybody.
 */
export function pause(advised, attempt) {
  if (advised) return advised + Math.random() * Math.min(advised / 4, 2000);
  return Math.min(longestBackoff, firstBackoff * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/** Waits, or throws as soon as the signal aborts. */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
