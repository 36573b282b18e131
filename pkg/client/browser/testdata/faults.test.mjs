// The client in Node.js against servers that misbehave.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';

const { Client, ConnectionError, IntegrityError, ProblemError } = await import(process.env.MODULE);

const id = '01890a5d-ac96-8abc-8def-0123456789ab';
const running = { id, status: 'Running', operation: 'nap', percentComplete: 40, attempt: 1, retryAfter: 1 };
const result = new TextEncoder().encode('0123456789'.repeat(1000));
const digest = Buffer.from(await crypto.subtle.digest('SHA-256', result)).toString('hex');

/** Serves requests by a function of (request, response, how many came before), and says what came. */
async function serve(t, handle) {
  const requests = [];
  const server = http.createServer(async (request, response) => {
    const count = requests.push(request) - 1;
    const parts = [];
    for await (const part of request) parts.push(part);
    request.body = Buffer.concat(parts).toString();
    handle(request, response, count);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close(), server.closeAllConnections());
  t.after(() => server.closeAllConnections());
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, requests, server, statusUrl: `${url}/api/RequestStatus/${id}` };
}

function json(response, code, body, headers = {}) {
  response.writeHead(code, { 'Content-Type': code < 400 ? 'application/json' : 'application/problem+json', ...headers });
  response.end(JSON.stringify(body));
}

const accepted = (url) => ({ id, status: 'Accepted', statusUrl: `${url}/api/RequestStatus/${id}` });
const succeeded = (url, more) => ({
  id, status: 'Succeeded', resultUrl: `${url}/blob`, expiresAt: new Date(Date.now() + 600_000).toISOString(),
  size: result.length, type: 'text/plain', digest: { 'sha-256': digest }, ...more,
});

test('a submission is repeated with its key until it is answered', async (t) => {
  const { url, requests } = await serve(t, (request, response, count) => {
    if (count === 0) return request.socket.destroy();
    if (count === 1) return json(response, 503, { code: 'ServerBusy' }, { 'Retry-After': '1' });
    return json(response, 202, accepted(url));
  });
  const retries = [];
  const client = new Client({ acceptor: url, onRetry: (retry) => retries.push(retry) });
  const job = await client.submit('nap', { a: 1 });
  assert.equal(job.id, id);
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0], /^"[0-9a-f-]{36}"$/);
  assert.deepEqual(requests.map(({ body }) => body), ['{"a":1}', '{"a":1}', '{"a":1}']);
  assert.ok(retries[0].error instanceof ConnectionError && retries[1].error instanceof ProblemError);
  assert.ok(retries[1].delay >= 1000 && retries[1].delay <= 1250, `Retry-After: 1 became ${retries[1].delay} ms`);
});

test('without a key, or with a stream, nothing is sent twice that may have been taken', async (t) => {
  const { url, requests } = await serve(t, (request) => request.socket.destroy());
  const client = new Client({ acceptor: url });
  await assert.rejects(client.submit('nap', {}, { idempotencyKey: null }), ConnectionError);
  await assert.rejects(client.submit('nap', new Blob(['x']).stream()), ConnectionError);
  assert.equal(requests.length, 2);
});

test('a service that stays away is given up on in time', async (t) => {
  const { url, server } = await serve(t, () => {});
  server.close();
  const started = Date.now();
  await assert.rejects(new Client({ acceptor: url, retryFor: 1500 }).submit('nap'), ConnectionError);
  assert.ok(Date.now() - started < 4000);
});

test('an answer that is no problem document still is an error', async (t) => {
  const { url } = await serve(t, (_, response) => response.writeHead(418, { 'Content-Type': 'text/html' }).end('<h1>no'));
  await assert.rejects(new Client({ acceptor: url }).submit('nap'), { name: 'ProblemError', code: 'Http', status: 418 });
});

test('events in odd pieces, with comments and unknown ones, are understood', async (t) => {
  const text = `\u{feff}retry: 1000\r\n\r\n: hello\r\n\r\nevent: progress\r\nid: a\r\ndata: ${JSON.stringify(running).replace(',', ',\r\ndata: ')}\r\n\r\n` +
    `event: other\rdata: {}\r\r` +
    `event: succeeded\nid: b\ndata:${JSON.stringify({ ...running, status: 'Succeeded', message: 'ü€' })}\n\n`;
  const { statusUrl } = await serve(t, async (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    for (const byte of new TextEncoder().encode(text)) {
      response.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    response.end();
  });
  const seen = [];
  for await (const status of new Client().resume(statusUrl)) seen.push(status);
  assert.deepEqual(seen.map(({ status }) => status), ['Running', 'Succeeded']);
  assert.equal(seen[1].message, 'ü€');
});

test('a broken event stream is taken up where it broke', async (t) => {
  const { requests, statusUrl } = await serve(t, (request, response, count) => {
    if (!request.url.includes('/events')) return json(response, 202, running, { ETag: 'W/"a"', 'Retry-After': '1' });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    if (count > 0) return response.end(`event: failed\nid: b\ndata: {"id":"${id}","status":"Failed","error":{"code":"Odd","message":"m"}}\n\n`);
    response.write(`event: progress\nid: a\ndata: ${JSON.stringify(running)}\n\n`);
    setTimeout(() => response.destroy(), 50);
  });
  await assert.rejects(new Client().resume(statusUrl).wait(), { name: 'JobError', code: 'Odd' });
  assert.equal(requests.findLast(({ url }) => url.includes('/events')).headers['last-event-id'], 'a');
  assert.equal(requests[1].headers['if-none-match'], 'W/"a"');
});

test('where events do not come through, long polls are used, and polls where those do not', async (t) => {
  let looks = 0;
  const { requests, statusUrl, url } = await serve(t, (request, response) => {
    if (request.url.includes('/events')) return json(response, 501, { code: 'Http' });
    looks++;
    if (looks <= 3) return json(response, 202, { ...running, percentComplete: looks }, { ETag: `W/"${looks}"`, 'Retry-After': '1' });
    if (looks === 4) {
      assert.equal(request.headers.prefer, 'wait=20');
      setTimeout(() => json(response, 202, running, { ETag: 'W/"4"', 'Preference-Applied': 'wait=20', 'Retry-After': '30' }), 1100);
      return undefined;
    }
    return json(response, 200, succeeded(url));
  });
  const seen = [];
  for await (const status of new Client().resume(statusUrl)) seen.push(status);
  assert.equal(requests.filter((request) => request.url.includes('/events')).length, 2);
  assert.equal(seen.at(-1).status, 'Succeeded');
  assert.equal(seen.at(-1).operation, 'nap'); // what was known before is not lost
  assert.equal(looks, 5);
});

test('an outage of the status service is waited out', async (t) => {
  let down = false;
  const { statusUrl, url } = await serve(t, (request, response) => {
    if (down) return request.socket.destroy();
    if (request.url.includes('/events')) return json(response, 503, { code: 'ServerBusy' });
    return json(response, 200, succeeded(url));
  });
  down = true;
  setTimeout(() => { down = false; }, 2000);
  const retries = [];
  const job = new Client({ onRetry: (retry) => retries.push(retry) }).resume(statusUrl);
  assert.equal((await job.wait()).status, 'Succeeded');
  assert.ok(retries.length >= 2);
});

/** Serves a job that succeeded, whose blob is served by a function. */
function serveResult(t, blob, more) {
  let blobs = 0;
  return serve(t, (request, response) => {
    if (!request.url.startsWith('/blob')) return json(response, 200, succeeded(`http://${request.headers.host}`, more));
    return blob(request, response, blobs++);
  });
}

test('a download that breaks off is resumed where it broke', async (t) => {
  const { requests, statusUrl } = await serveResult(t, (request, response, count) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from ? 206 : 200, { 'Content-Length': result.length - from });
    if (count > 2) return response.end(result.subarray(from));
    response.write(result.subarray(from, from + 1000));
    setTimeout(() => response.destroy(), 50);
    return undefined;
  });
  const job = new Client({ transport: 'poll' }).resume(statusUrl);
  assert.equal(await (await job.result()).text(), '0123456789'.repeat(1000));
  assert.deepEqual(requests.filter(({ url }) => url === '/blob').map(({ headers }) => headers.range), [undefined, 'bytes=1000-', 'bytes=2000-', 'bytes=3000-']);
});

test('a valet key that has expired is replaced', async (t) => {
  const { requests, statusUrl } = await serveResult(t, (_, response, count) => {
    response.writeHead(count === 0 ? 403 : 200, { 'x-ms-error-code': 'AuthenticationFailed' }).end(count === 0 ? '<xml/>' : result);
  });
  const fetched = await (await new Client({ transport: 'poll' }).resume(statusUrl).result()).arrayBuffer();
  assert.equal(fetched.byteLength, result.length);
  assert.equal(requests.filter(({ url }) => url.includes('/result')).length, 1);
});

test('bytes that are not the result are no result', async (t) => {
  const { statusUrl } = await serveResult(t, (_, response) => response.end('x'.repeat(result.length)));
  await assert.rejects((await new Client({ transport: 'poll' }).resume(statusUrl).result()).text(), IntegrityError);
  const longer = await serveResult(t, (_, response) => response.end('x'.repeat(result.length + 1)));
  await assert.rejects((await new Client({ transport: 'poll' }).resume(longer.statusUrl).result()).text(), IntegrityError);
});

test('storage learns nothing of the caller', async (t) => {
  const { requests, statusUrl } = await serveResult(t, (_, response) => response.end(result));
  const job = new Client({ transport: 'poll', headers: { Authorization: 'Bearer secret', 'X-Own': '1' } }).resume(statusUrl);
  await (await job.result()).text();
  const [asked, fetched] = [requests.find(({ url }) => url.includes('onComplete')), requests.find(({ url }) => url === '/blob')];
  assert.equal(asked.headers.authorization, 'Bearer secret');
  assert.equal(asked.headers['x-own'], '1');
  assert.equal(fetched.headers.authorization, undefined);
  assert.equal(fetched.headers['x-own'], undefined);
});

test('an empty result is a result', async (t) => {
  const none = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array())).toString('hex');
  const { statusUrl } = await serveResult(t, (_, response) => response.end(), { size: 0, digest: { 'sha-256': none } });
  assert.equal(await (await new Client({ transport: 'poll' }).resume(statusUrl).result()).text(), '');
});
