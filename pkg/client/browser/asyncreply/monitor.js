// How a job gets on: by events, by long polls, or by polls.

import { readEvents, takeConnection } from './events.js';
import { expectOK, pause, retryAfter, sleep } from './http.js';
import { ProblemError, problemOf } from './problem.js';

const longPoll = 20; // seconds; proxies end idle requests after 30 and more
const connectTimeout = 10_000;
const silence = { first: 10_000, idle: 45_000 }; // the service says something every 15 s
const freshFor = 60_000; // what must be left of a link's life, in ms

const eventNames = new Set(['progress', 'succeeded', 'failed', 'canceled']);

/** Whether a status is one that never changes. */
export function isFinal(status) {
  return ['Succeeded', 'Failed', 'Canceled'].includes(status?.status);
}

/** Asks about one job. */
export class Monitor {
  #link;
  #final; // the last status, once it is known

  constructor(http, statusUrl, { transport = 'auto', maxStreams = 4 } = {}) {
    this.http = http;
    this.statusUrl = statusUrl;
    this.transport = transport;
    this.maxStreams = maxStreams;
  }

  /** The URL of what lies below the status, or of the status asked for in another way. */
  url(below = '', onComplete = undefined) {
    const url = new URL(this.statusUrl);
    url.pathname += below;
    if (onComplete) url.searchParams.set('onComplete', onComplete);
    return url.href;
  }

  /**
   * Gives each status that the job is seen in, the last of which is final. It
   * listens to events. Where they do not come through it asks and lets the
   * service hold the answer back, and where the service or the browser's
   * connections do not allow that it asks from time to time.
   */
  async *watch({ signal } = {}) {
    if (this.#final) yield this.#final;
    if (this.#final) return;
    const seen = { tag: undefined, status: undefined };
    let silent = 0; // streams in a row that did not say anything
    let events = this.transport === 'auto';
    for (;;) {
      const giveBack = this.transport === 'poll' ? undefined : await takeConnection(new URL(this.statusUrl).origin, this.maxStreams);
      let next;
      let first;
      try {
        if (events && giveBack) {
          const stream = { alive: false };
          for await (const status of this.#listen(stream, seen, signal)) {
            yield status;
            if (isFinal(status)) return;
          }
          silent = stream.alive ? 0 : silent + 1;
          events = silent < 2;
        }
        first = !seen.status;
        next = await this.look({ seen, wait: giveBack && !events && seen.tag ? longPoll : 0, signal });
        if (next.changed) yield next.status;
        if (isFinal(next.status)) return;
      } finally {
        giveBack?.();
      }
      // A stream that ended is opened again soon; the first look may be followed by a long poll at once.
      await sleep(events && giveBack ? pause(undefined, 0) : first && giveBack ? 0 : next.delay, signal);
    }
  }

  /** Gives the statuses of one event stream, for as long as it lasts. */
  async *#listen(stream, seen, signal) {
    const headers = { Accept: 'text/event-stream', ...(seen.tag ? { 'Last-Event-ID': seen.tag } : {}) };
    try {
      const response = await this.http.send(this.url('/events'), { headers, signal, timeout: connectTimeout });
      if (response.status !== 200 || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
        await response.body?.cancel(); // a poll will tell why
        return;
      }
      for await (const event of readEvents(response.body, silence)) {
        stream.alive = true;
        if (!eventNames.has(event.event)) continue;
        seen.tag = event.id;
        seen.status = this.#keep(JSON.parse(event.data));
        yield seen.status;
      }
    } catch {
      signal?.throwIfAborted(); // whatever else broke the stream, a poll will tell
    }
  }

  /**
   * Asks once, through outages, and gives the status and how long to wait
   * before asking again. With wait, in seconds, the service may hold the answer
   * back until the status is another than the one seen.
   */
  async look({ seen = {}, wait = 0, signal } = {}) {
    const headers = {};
    if (seen.tag) headers['If-None-Match'] = `W/"${seen.tag}"`;
    if (wait) headers.Prefer = `wait=${wait}`;
    const asked = Date.now();
    const response = await this.http.request(this.url('', 'json'), { headers, signal, timeout: (wait + 15) * 1000 });
    const changed = response.status !== 304;
    if (changed) seen.status = this.#keep(await this.#read(response, seen.status));
    seen.tag = /^W\/"(.*)"$/.exec(response.headers.get('etag') ?? '')?.[1];
    // An answer that was held back may be asked for again at once.
    const held = response.headers.has('preference-applied') && (changed || Date.now() - asked > 1000);
    return { status: seen.status, changed, delay: held ? 0 : pause(retryAfter(response) ?? 1000, 0) };
  }

  #keep(status) {
    if (isFinal(status)) this.#final = status;
    return status;
  }

  /** Reads the status from an answer; of a job that has ended it says less than one before. */
  async #read(response, before) {
    if (response.status === 202) return response.json();
    if (response.ok) {
      this.#link = await response.json();
      const { id, status } = this.#link;
      return { ...before, id, status, percentComplete: 100, resultUrl: this.url('/result') };
    }
    const problem = await problemOf(response);
    if (!problem.finishedAt) throw new ProblemError(problem, response);
    const { requestGuid: id, error, attempt, submittedAt, finishedAt } = problem;
    return { ...before, id, status: problem.code === 'Canceled' ? 'Canceled' : 'Failed', error, attempt, submittedAt, finishedAt };
  }

  /** Gives where the result is, with a valet key that still works for a while. */
  async link({ fresh = false, signal } = {}) {
    if (fresh || !this.#link || Date.parse(this.#link.expiresAt) - Date.now() < freshFor) {
      const response = await expectOK(await this.http.request(this.url('/result', 'json'), { signal }));
      this.#link = await response.json();
    }
    return this.#link;
  }

  /** Cancels the job, and gives the status that it has then. */
  async cancel({ signal } = {}) {
    const response = await expectOK(await this.http.request(this.statusUrl, { method: 'DELETE', signal }));
    return this.#keep(await response.json());
  }
}
