// A result, fetched from storage or through the status service.

import { expectOK, pause, sleep } from './http.js';
import { IntegrityError, ProblemError } from './problem.js';

const mostFruitless = 5; // tries in a row without a byte
const mostVerified = 64 << 20; // bytes; larger results are not held in memory a second time

/** The result of a job that succeeded. */
export class Result {
  #monitor;
  #delivery;

  constructor(monitor, link, delivery) {
    this.#monitor = monitor;
    this.#delivery = delivery;
    this.size = link.size;
    this.type = link.type;
    this.fileName = link.fileName || undefined;
    this.sha256 = link.digest?.['sha-256'];
  }

  /** A URL that anybody may read the result from, for some minutes. */
  async url(options = {}) {
    return (await this.#monitor.link(options)).resultUrl;
  }

  /** The bytes as they come. A download that breaks off is resumed where it broke. */
  stream({ signal } = {}) {
    let offset = 0;
    let fruitless = 0;
    let reader;
    const next = async () => {
      reader ??= (await this.#open(offset, signal)).getReader();
      const { done, value } = await reader.read();
      if (done && offset < this.size) throw new IntegrityError(`The result ended after ${offset} of ${this.size} bytes.`);
      offset += value?.length ?? 0;
      if (offset > this.size) throw new IntegrityError(`The result is longer than its ${this.size} bytes.`);
      return { done, value };
    };
    const pull = async (controller) => {
      for (;;) {
        try {
          const { done, value } = await next();
          fruitless = 0;
          return done ? controller.close() : controller.enqueue(value);
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof ProblemError || offset > this.size || ++fruitless > mostFruitless) throw error;
          reader = undefined;
          await sleep(pause(undefined, fruitless), signal);
        }
      }
    };
    return new ReadableStream({ pull, cancel: (reason) => reader?.cancel(reason) }, { highWaterMark: 0 });
  }

  /** The bytes as a Blob of the result's type, checked against its digest unless they are very many. */
  async blob(options = {}) {
    const parts = [];
    const reader = this.stream(options).getReader();
    for (let part; !(part = await reader.read()).done; ) parts.push(part.value);
    const blob = new Blob(parts, { type: this.type });
    const subtle = globalThis.crypto?.subtle; // in secure contexts only
    if (this.sha256 && subtle && blob.size <= mostVerified) {
      const digest = new Uint8Array(await subtle.digest('SHA-256', await blob.arrayBuffer()));
      const hex = Array.from(digest, (b) => b.toString(16).padStart(2, '0')).join('');
      if (hex !== this.sha256) throw new IntegrityError(`The result's SHA-256 is ${hex}, not ${this.sha256}.`);
    }
    return blob;
  }

  async arrayBuffer(options) {
    return (await this.blob(options)).arrayBuffer();
  }

  async text(options) {
    return (await this.blob(options)).text();
  }

  async json(options) {
    return JSON.parse(await this.text(options));
  }

  async #open(offset, signal) {
    const headers = offset ? { Range: `bytes=${offset}-` } : {};
    const response = await expectOK(await this.#get({ headers, signal }));
    if (offset && response.status !== 206) throw new IntegrityError('The result cannot be resumed.');
    return response.body ?? new Blob([]).stream();
  }

  async #get(init) {
    const { http } = this.#monitor;
    if (this.#delivery === 'stream') return http.request(this.#monitor.url('/result', 'stream'), init);
    if (this.#delivery === 'redirect') return http.request(this.#monitor.url('/result', 'redirect'), init);
    const response = await http.request(await this.url(init), { ...init, storage: true });
    if (response.status !== 403) return response;
    // The valet key is no longer valid, or this clock is wrong about it.
    await response.body?.cancel();
    return http.request(await this.url({ signal: init.signal, fresh: true }), { ...init, storage: true });
  }
}
