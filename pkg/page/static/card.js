// One job in the list.

import { announce, copyButton, h, seconds, setText, show } from './dom.js';
import { download, preview } from './preview.js';
import { Timeline } from './wire.js';

const names = { Accepted: 'Waiting', Running: 'Running', Succeeded: 'Succeeded', Failed: 'Failed', Canceled: 'Canceled' };
const final = ['Succeeded', 'Failed', 'Canceled'];
const leastForecast = 1500; // ms of progress before the time left is told

/** Whether a job has ended. */
export function hasEnded(job) {
  return final.includes(job.status.status) || Boolean(job.gone);
}

/** Shows a job, {operation, label, status, wire, …}, and what can be done about it. */
export class Card {
  #marks = []; // [time, percent] of the present attempt
  #attempt;

  constructor(job, actions) {
    this.job = job;
    this.timeline = new Timeline();
    const { id } = job.status;
    this.title = h('h3', {});
    this.state = h('span', { class: 'state' });
    this.bar = h('progress', { max: '100', 'aria-label': 'Progress' });
    this.facts = h('p', { class: 'facts' });
    this.message = h('p', { class: 'message' });
    this.trouble = h('p', { class: 'trouble' });
    this.problem = h('div', { class: 'problem' });
    this.result = h('div', {});
    this.cancel = h('button', { type: 'button', onClick: () => actions.cancel(this) }, 'Cancel');
    this.open = h('button', { type: 'button', onClick: () => actions.open(this) }, 'Show result');
    this.save = h('button', { type: 'button', hidden: true, onClick: () => this.#download() }, 'Download');
    this.remove = h('button', { type: 'button', class: 'quiet', onClick: () => actions.remove(this) }, 'Remove');
    this.count = h('summary', {});
    this.element = h('li', { class: 'job', 'data-id': id },
      h('div', { class: 'heading' }, this.title, this.state),
      this.bar, this.facts, this.message, this.trouble, this.problem, this.result,
      h('div', { class: 'row actions' }, this.cancel, this.open, this.save, copyButton('Copy id', () => job.status.id), this.remove),
      h('details', { class: 'over' }, this.count, this.timeline.element));
    this.update();
  }

  /** Takes over what is known now, and tells those who cannot see it. */
  set(status) {
    const before = this.job.status.status;
    this.job.status = status;
    this.job.trouble = undefined;
    if (status.attempt !== this.#attempt) this.#marks = [];
    this.#attempt = status.attempt;
    if (status.percentComplete > 0) this.#marks.push([Date.now(), status.percentComplete]);
    if (before !== status.status) announce(`${this.#name()}: ${names[status.status]}`);
    this.update();
  }

  update() {
    const { job } = this;
    const { status, message, error } = job.status;
    const ended = hasEnded(job);
    setText(this.title, this.#name());
    setText(this.state, job.gone ? 'Unknown' : names[status] ?? status);
    this.state.dataset.state = job.gone ? 'Gone' : status;
    this.#progress(ended);
    setText(this.facts, this.#facts(ended).join(' · '));
    setText(this.message, !ended && message ? message : '');
    setText(this.trouble, !ended && job.trouble ? job.trouble : '');
    this.#explain(job.gone ?? (status === 'Canceled' ? undefined : error));
    show(this.cancel, !ended);
    show(this.open, status === 'Succeeded' && !this.fetched);
    show(this.save, Boolean(this.fetched));
    show(this.remove, ended);
    setText(this.count, `On the wire: ${job.wire.length} ${job.wire.length === 1 ? 'request' : 'requests'}`);
    this.timeline.update(job.wire);
  }

  #name() {
    const { operation, label, status } = this.job;
    return [operation ?? status.operation ?? 'Job', label].filter(Boolean).join(': ');
  }

  #progress(ended) {
    const { status, percentComplete } = this.job.status;
    show(this.bar, !ended);
    if (ended) return;
    // Without a value it shows that something goes on, but not how far it is.
    if (status === 'Running' && percentComplete > 0) this.bar.value = percentComplete;
    else this.bar.removeAttribute('value');
  }

  #facts(ended) {
    const { id, status, attempt, percentComplete, submittedAt, finishedAt, nextAttemptAt, lastError } = this.job.status;
    const facts = [];
    if (status === 'Running' && percentComplete > 0) facts.push(`${Math.floor(percentComplete)} %`);
    if (!ended) facts.push(...this.#timeLeft());
    if (attempt > 1) facts.push(`attempt ${attempt}`);
    if (!ended && lastError) facts.push(`the one before: ${lastError.message}`);
    if (!ended && Date.parse(nextAttemptAt) > Date.now()) facts.push(`next try at ${new Date(nextAttemptAt).toLocaleTimeString()}`);
    const submitted = submittedAt ?? this.job.submittedAt;
    if (submitted) facts.push(`submitted ${new Date(submitted).toLocaleTimeString()}`);
    if (ended && finishedAt && submitted) facts.push(`took ${duration(Date.parse(finishedAt) - Date.parse(submitted))}`);
    if (id) facts.push(id);
    return facts;
  }

  #timeLeft() {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || last[0] - first[0] < leastForecast || last[1] <= first[1]) return [];
    const rate = (last[1] - first[1]) / (last[0] - first[0]);
    return [`about ${seconds(Math.max(0, (100 - last[1]) / rate - (Date.now() - last[0])))} left`];
  }

  #explain(error) {
    const text = JSON.stringify(error) ?? '';
    if (this.problem.dataset.text === text) return;
    this.problem.dataset.text = text;
    if (!error) return this.problem.replaceChildren();
    const detail = error.detail === undefined ? '' : typeof error.detail === 'string' ? error.detail : JSON.stringify(error.detail, null, 2);
    this.problem.replaceChildren(
      h('p', {}, h('code', {}, error.code), ' ', error.message),
      ...(detail ? [h('details', {}, h('summary', {}, 'What the backend said'), h('pre', { tabindex: '0' }, detail))] : []));
    return undefined;
  }

  /** Shows the result. */
  async show(result) {
    this.fetched = result;
    this.result.replaceChildren(h('p', { class: 'hint' }, 'Fetching the result…'));
    this.update();
    try {
      this.result.replaceChildren(await preview(result));
    } catch (error) {
      this.fail(error);
    }
  }

  async #download() {
    this.save.disabled = true;
    try {
      await download(this.fetched);
    } catch (error) {
      this.fail(error);
    } finally {
      this.save.disabled = false;
    }
  }

  fail(error) {
    this.fetched = undefined;
    this.result.replaceChildren(h('p', { class: 'error', role: 'alert' }, `The result cannot be had: ${error.message}`));
    this.update();
  }
}

function duration(ms) {
  if (ms < 1000) return `${Math.max(0, ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : seconds(ms);
}
