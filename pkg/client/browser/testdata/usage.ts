// Uses everything that asyncreply.d.ts declares, as a program would.
import { Client, ConnectionError, IntegrityError, Job, JobError, ProblemError, Result } from 'asyncreply';
import type { ClientOptions, Operation, Status } from 'asyncreply';

const options: ClientOptions = {
  acceptor: new URL('https://accept.example'),
  status: 'https://status.example',
  headers: async (url: string) => ({ Authorization: `Bearer for ${url}` }),
  transport: 'wait',
  retryFor: Infinity,
  onRetry: ({ url, error, attempt, delay }) => console.log(url.length, error.message, attempt + delay),
  maxStreams: 2,
  fetch: (input, init) => fetch(input, init),
};

export async function use(file: File): Promise<string> {
  const client = new Client(options);
  const operations: Operation[] = await client.operations({ signal: AbortSignal.timeout(1000) });
  const job: Job = await client.submit(operations[0]!.name, file, { params: { width: 320, format: undefined }, idempotencyKey: null });
  for await (const status of job) {
    const { percentComplete = 0, status: state }: Status = status;
    if (state === 'Running' && percentComplete > 50) await job.cancel();
  }
  const again = client.resume(job.token);
  try {
    const result: Result = await again.result({ delivery: 'stream', onProgress: (status) => status.message?.length });
    const { id } = await result.json<{ id: string }>();
    const stream: ReadableStream<Uint8Array> = result.stream();
    await stream.cancel();
    return id + (await result.url({ fresh: true })) + result.size.toFixed() + (result.fileName ?? '');
  } catch (error) {
    if (error instanceof JobError) return error.canceled ? 'canceled' : `${error.code} ${error.job.attempt}`;
    if (error instanceof ProblemError) return error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join();
    if (error instanceof ConnectionError || error instanceof IntegrityError) return error.message;
    throw error;
  }
}

export async function payloads(client: Client): Promise<void> {
  for (const payload of [new Blob([]), new ArrayBuffer(1), new Uint8Array(1), 'text', { a: 1 }, [1], 7, true, null, undefined, new Blob([]).stream()]) {
    const result = await client.run('any', payload, { contentType: 'text/plain', delivery: 'link' });
    await result.blob();
  }
}

// @ts-expect-error: there is no such transport
new Client({ transport: 'pigeon' });
// @ts-expect-error: jobs come from a client
new Job();
