// What the page remembers in this browser, so that it survives a reload.

const key = 'asyncreply.jobs';
const tokenKey = 'asyncreply.token';
const mostJobs = 50;
const mostExchanges = 25;

/** Why an exchange has no answer that this page did not wait for. */
export const ended = 'ended by this page';

/** The jobs of earlier visits, newest first. */
export function loadJobs() {
  try {
    const jobs = JSON.parse(localStorage.getItem(key) ?? '[]');
    return jobs.filter(({ token, status, wire }) => typeof token === 'string' && status && Array.isArray(wire)).map(revived);
  } catch {
    return []; // nothing that this page wrote
  }
}

/** What was under way when the page was left is not any more. */
function revived(job) {
  const wire = job.wire.map((exchange) => (exchange.status === undefined && !exchange.error ? { ...exchange, error: ended } : exchange));
  return { ...job, wire, trouble: undefined };
}

/** Keeps jobs, without the signatures that open results, and gives the tokens of those that were kept. */
export function saveJobs(jobs) {
  const kept = jobs.slice(0, mostJobs).map((job) => ({ ...job, wire: job.wire.slice(0, 1).concat(job.wire.slice(1).slice(-mostExchanges)) }));
  const text = JSON.stringify(kept, (_, value) => (typeof value === 'string' ? withoutSignature(value) : value));
  try {
    localStorage.setItem(key, text);
  } catch {
    return new Set(); // storage is full or forbidden: the page works on, until it is closed
  }
  return new Set(kept.map(({ token }) => token));
}

/** Whether another tab has changed the jobs. */
export function isJobs(event) {
  return event.storageArea === localStorage && event.key === key;
}

export function withoutSignature(text) {
  return text.replace(/([?&]sig=)[^&\s"']+/g, '$1…');
}

/** The access token, kept for as long as the tab. */
export function token() {
  try {
    given ??= sessionStorage.getItem(tokenKey) ?? '';
  } catch {
    given ??= ''; // storage is forbidden
  }
  return given;
}

export function setToken(value) {
  given = value;
  try {
    sessionStorage.setItem(tokenKey, value);
  } catch {
    // It is known until the page is left.
  }
}

let given;
