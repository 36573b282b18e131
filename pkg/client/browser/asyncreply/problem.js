// What can go wrong, as errors.

/**
 * A request that was refused, with the problem document (RFC 9457) that says
 * why. An answer without one, from a proxy for instance, is given the code
 * "Http" and its status.
 */
export class ProblemError extends Error {
  constructor(problem, response) {
    super(problem.detail || problem.title || `${response?.status ?? problem.status} ${problem.code}`);
    this.name = 'ProblemError';
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status ?? response?.status;
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId ?? response?.headers.get('x-ms-request-id') ?? undefined;
  }
}

/** A job that ended without a result: it failed or was canceled. */
export class JobError extends ProblemError {
  constructor(status) {
    const { code = 'HandlerFailed', message = 'The job failed without saying why.', detail } = status.error ?? {};
    super({ title: status.status, detail: message, code, error: { code, message, detail } });
    this.name = 'JobError';
    this.job = status;
  }

  get canceled() {
    return this.job.status === 'Canceled';
  }
}

/** A service that could not be reached, or was not able to serve, for too long. */
export class ConnectionError extends Error {
  constructor(url, cause) {
    super(`${new URL(url).host} cannot be reached: ${cause.message}`, { cause });
    this.name = 'ConnectionError';
  }
}

/** A result whose bytes are not those that the job produced. */
export class IntegrityError extends Error {
  constructor(message) {
    super(message);
    this.name = 'IntegrityError';
  }
}

/** Reads the problem document of an answer. */
export async function problemOf(response) {
  const bare = { title: response.statusText || 'Error', status: response.status, code: 'Http' };
  const code = response.headers.get('x-ms-error-code');
  if (code) bare.code = code;
  try {
    if (/[/+]json\b/.test(response.headers.get('content-type') ?? '')) return { ...bare, ...(await response.json()) };
    await response.body?.cancel();
  } catch {
    // Half a document says no more than the status line.
  }
  return bare;
}
