// The page of the status service: submit jobs, follow them, fetch their results.

import { Client, ProblemError } from '../client/asyncreply.js';
import { Card, hasEnded } from './card.js';
import { announce, h, show } from './dom.js';
import { NewJob, problemText } from './form.js';
import { isJobs, loadJobs, saveJobs, setToken, token } from './store.js';
import { heard, recorder } from './wire.js';

const acceptor = document.documentElement.dataset.acceptor;
const status = new URL('.', document.baseURI).href;
const find = (id) => document.getElementById(id);

/** The jobs, newest first. */
const cards = [];

/** Makes a client whose exchanges are those of a job. */
function clientFor(job, changed) {
  return new Client({
    acceptor: acceptor || undefined,
    status,
    headers: () => (token() ? { Authorization: `Bearer ${token()}` } : {}),
    fetch: recorder(job.wire, ({ status }) => {
      if (status < 500) job.trouble = undefined;
      changed();
    }),
    retryFor: Infinity, // until the person who sees the page gives up
    onRetry: ({ url, delay }) => {
      const service = acceptor && url.startsWith(acceptor) ? 'acceptor' : url.includes('sig=') ? 'storage' : 'status service';
      const outage = `The ${service} cannot serve now.`;
      if (!job.trouble?.startsWith(outage)) announce(outage);
      job.trouble = `${outage} Trying again in ${Math.ceil(delay / 1000)} s.`;
      changed();
    },
  });
}

let saving;
function save() {
  clearTimeout(saving);
  saving = setTimeout(saveNow, 200);
}

function saveNow() {
  clearTimeout(saving);
  sync();
  known = saveJobs(cards.map(({ job }) => job));
}

/** The tokens that were stored when this tab last looked. */
let known = new Set();

/** Takes over what other tabs have added to the list and removed from it. */
function sync() {
  const stored = loadJobs();
  const there = new Set(stored.map(({ token }) => token));
  cards.filter(({ job }) => known.has(job.token) && !there.has(job.token)).forEach(drop);
  for (const job of stored.reverse()) {
    if (known.has(job.token) || cards.some((card) => card.job.token === job.token)) continue;
    const card = add(job, true);
    if (!hasEnded(card.job)) follow(card);
  }
  known = there;
}

/** Puts a job on the list. */
function add(job, first) {
  const card = new Card(job, { cancel, open, remove });
  card.changed = () => { card.update(); save(); };
  card.client = clientFor(job, () => card.changed());
  card.handle = card.client.resume(job.token);
  card.control = new AbortController();
  if (first) {
    cards.unshift(card);
    find('list').prepend(card.element);
  } else {
    cards.push(card);
    find('list').append(card.element);
  }
  refresh();
  return card;
}

function refresh() {
  show(find('empty'), cards.length === 0);
  show(find('clear'), cards.some(({ job }) => hasEnded(job)));
  save();
}

/** Follows a job to its end, through outages and reloads. */
async function follow(card) {
  try {
    for await (const now of card.handle.progress({ signal: card.control.signal })) {
      heard(card.job.wire, now);
      card.set({ ...card.job.status, ...now });
      save();
    }
    if (card.job.status.status === 'Succeeded') await open(card);
  } catch (error) {
    if (card.control.signal.aborted) return;
    card.job.gone = { code: error.code ?? 'Error', message: error.message };
    card.update();
  }
  refresh();
}

async function open(card) {
  try {
    await card.show(await card.handle.result({ signal: card.control.signal }));
  } catch (error) {
    if (!card.control.signal.aborted) card.fail(error);
  }
  save();
}

async function cancel(card) {
  card.cancel.disabled = true;
  try {
    card.set({ ...card.job.status, ...(await card.handle.cancel({ signal: card.control.signal })) });
  } catch (error) {
    card.job.trouble = `It could not be canceled: ${error.message}`;
    card.update();
  } finally {
    card.cancel.disabled = false;
    save();
  }
}

function remove(card) {
  const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
  drop(card);
  (next?.querySelector('button:not([hidden])') ?? find('jobs')).focus();
  announce('Removed');
  refresh();
}

function drop(card) {
  card.control.abort();
  card.element.remove();
  cards.splice(cards.indexOf(card), 1);
}

async function submit(operation, payload, { label, ...options }) {
  const job = { operation, label, wire: [], status: {} };
  let card;
  const sender = clientFor(job, () => card?.changed());
  const accepted = await sender.submit(operation, payload, options);
  Object.assign(job, { token: accepted.token, submittedAt: accepted.submittedAt, trouble: undefined });
  job.status = { id: accepted.id, status: 'Accepted', submittedAt: accepted.submittedAt };
  card = add(job, true);
  announce(`${operation}: accepted`);
  follow(card);
}

function followForm() {
  const [form, field, error] = [find('follow'), find('follow-id'), find('follow-error')];
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    error.textContent = '';
    try {
      const job = { wire: [], status: {} };
      const handle = clientFor(job, () => {}).resume(field.value.trim());
      if (new URL(handle.statusUrl).origin !== new URL(status).origin) throw new TypeError('That is no status URL of this service.');
      if (cards.some((card) => card.job.status.id === handle.id)) throw new TypeError('That job is on the list already.');
      Object.assign(job, { token: handle.token, status: await handle.status({ signal: AbortSignal.timeout(10_000) }) });
      field.value = '';
      follow(add(job, true));
    } catch (reason) {
      error.replaceChildren(...(reason instanceof ProblemError ? problemText(reason) : [reason.message]));
    }
  });
}

function start() {
  find('token').value = token();
  find('token').addEventListener('input', ({ target }) => setToken(target.value.trim()));
  find('clear').addEventListener('click', () => cards.filter(({ job }) => hasEnded(job)).forEach(remove));
  followForm();
  for (const job of loadJobs()) {
    known.add(job.token);
    const card = add(job, false);
    if (!hasEnded(card.job)) follow(card);
  }
  addEventListener('pagehide', saveNow);
  addEventListener('storage', (event) => { if (isJobs(event)) sync(); });
  if (acceptor) {
    const wire = { wire: [], status: {} };
    const client = new Client({ acceptor, headers: () => (token() ? { Authorization: `Bearer ${token()}` } : {}), fetch: recorder(wire.wire, () => {}), retryFor: 5000 });
    new NewJob(find('new'), { client, submit }).load();
  } else {
    find('new').replaceChildren(h('p', { class: 'notice' },
      'This status service was not told where its acceptor is (', h('code', {}, 'ACCEPTOR_BASE_URL'), '), so nothing can be submitted from here. Jobs can be followed by their id: see Settings.'));
  }
}

start();
