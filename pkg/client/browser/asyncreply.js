// The client of asyncreply for browsers and Node.js: submit a job, follow it,
// fetch its result. It has no dependencies. asyncreply.d.ts describes it.

import { expectOK, Http, mayRepeat, mayRepeatUnkeyed } from './asyncreply/http.js';
import { Monitor } from './asyncreply/monitor.js';
import { bodyOf, newKey } from './asyncreply/payload.js';
import { ConnectionError, IntegrityError, JobError, ProblemError } from './asyncreply/problem.js';
import { Result } from './asyncreply/result.js';

export { ConnectionError, IntegrityError, JobError, ProblemError, Result };

/** Calls an acceptor, and the status service that it names. */
export class Client {
  #options;
  #http;

  constructor(options = {}) {
    this.#options = options;
    this.#http = new Http(options);
  }

  /** Lists the operations that the acceptor offers. */
  async operations({ signal } = {}) {
    const response = await expectOK(await this.#http.request(this.#acceptor('/api'), { signal }));
    return (await response.json()).operations;
  }

  /**
   * Sends a request, and gives the job that it became. The idempotency key
   * makes it one job however often it has to be sent.
   */
  async submit(operation, payload, { params = {}, contentType, idempotencyKey = newKey(), signal } = {}) {
    const url = this.#acceptor(`/api/${encodeURIComponent(operation)}`);
    for (const [name, value] of Object.entries(params)) {
      if (value !== undefined && value !== null) url.searchParams.set(name, value);
    }
    const { repeatable, headers, ...body } = bodyOf(payload, contentType);
    if (idempotencyKey) headers['Idempotency-Key'] = `"${idempotencyKey}"`;
    const again = !repeatable ? () => false : idempotencyKey ? mayRepeat : mayRepeatUnkeyed;
    const init = { method: 'POST', ...body, headers, signal };
    const response = await expectOK(await this.#http.request(url.href, init, again));
    const accepted = await response.json();
    return this.#job(accepted.statusUrl ?? new URL(response.headers.get('location'), url).href, accepted);
  }

  /** Submits, waits, and gives the result. */
  async run(operation, payload, options = {}) {
    const job = await this.submit(operation, payload, options);
    return job.result(options);
  }

  /** Gives the job of a token that was kept, or of an id. */
  resume(token) {
    const id = /^[0-9a-f-]{36}$/i.test(token);
    if (id && !this.#options.status) throw new TypeError('A job is resumed by its id only where the option "status" is given.');
    return this.#job(id ? `${base(this.#options.status)}/api/RequestStatus/${token}` : new URL(token).href);
  }

  #acceptor(path) {
    if (!this.#options.acceptor) throw new TypeError('The option "acceptor" is needed: the URL of the acceptor.');
    return new URL(base(this.#options.acceptor) + path);
  }

  #job(statusUrl, accepted) {
    return new Job(new Monitor(this.#http, statusUrl, this.#options), accepted);
  }
}

function base(url) {
  return new URL(url, globalThis.location?.href).href.replace(/\/+$/, '');
}

/** A request that was accepted. */
export class Job {
  #monitor;

  constructor(monitor, accepted = {}) {
    this.#monitor = monitor;
    this.statusUrl = monitor.statusUrl;
    this.id = accepted.id ?? new URL(monitor.statusUrl).pathname.split('/').pop();
    this.submittedAt = accepted.submittedAt;
  }

  /** What to keep in order to resume the job later. */
  get token() {
    return this.statusUrl;
  }

  /** Asks once how the job gets on. */
  async status({ signal } = {}) {
    return (await this.#monitor.look({ signal })).status;
  }

  /** Gives each status that the job is seen in; the last one is final. */
  progress(options = {}) {
    return this.#monitor.watch(options);
  }

  [Symbol.asyncIterator]() {
    return this.progress();
  }

  /** Waits for the job's end. A job that fails or is canceled throws a JobError. */
  async wait({ onProgress, signal } = {}) {
    let last;
    for await (last of this.progress({ signal })) onProgress?.(last);
    if (last.status !== 'Succeeded') throw new JobError(last);
    return last;
  }

  /**
   * Waits for the job's end and gives its result, whose bytes are not fetched
   * before they are asked for.
   */
  async result({ onProgress, signal, delivery = 'link' } = {}) {
    await this.wait({ onProgress, signal });
    return new Result(this.#monitor, await this.#monitor.link({ signal }), delivery);
  }

  /** Cancels the job unless it has ended, and gives the status that it has then. */
  cancel({ signal } = {}) {
    return this.#monitor.cancel({ signal });
  }
}
