// What the page says of requests, without a browser.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

import { bytes, seconds } from './dom.js';
import { skeleton } from './payload.js';
import { withoutSignature } from './store.js';
import { curl, meaning } from './wire.js';

/** The arguments that a shell would give to curl. */
function shell(command) {
  const out = execFileSync('sh', ['-c', `curl() { for a; do printf '%s\\0' "$a"; done; }; ${command}`], { encoding: 'utf8' });
  return out.split('\0').slice(0, -1);
}

test('a copied command means the same request to a shell, and holds no token', () => {
  const url = 'http://127.0.0.1:8080/api/customer?duration=1s&note=it%27s';
  const sent = { text: '{"customername": "O\'Hara $HOME `id`"}' };
  const asked = { 'content-type': 'application/json', 'idempotency-key': '"k"', authorization: 'Bearer s3cret' };
  assert.deepEqual(shell(curl({ method: 'POST', url, asked, sent })), [
    '-i', '-H', 'content-type: application/json', '-H', 'idempotency-key: "k"', '-H', 'Authorization: Bearer YOUR-TOKEN',
    '--data-binary', sent.text, url,
  ]);
  assert.deepEqual(shell(curl({ method: 'POST', url, sent: { file: 'my photo.jpg', size: 1 } })), ['-i', '--data-binary', '@my photo.jpg', url]);
  assert.deepEqual(shell(curl({ method: 'POST', url })), ['-i', '-X', 'POST', url]);
  assert.deepEqual(shell(curl({ method: 'DELETE', url })), ['-i', '-X', 'DELETE', url]);
  assert.deepEqual(shell(curl({ method: 'GET', url: 'http://s/api/RequestStatus/1/events' })), ['-N', 'http://s/api/RequestStatus/1/events']);
});

test('each kind of answer has its meaning', () => {
  const of = (method, path, status, more) => meaning({ method, url: `http://s${path}`, status, ...more });
  for (const [text, want] of [
    [of('POST', '/api/a', 202), /Accepted/], [of('POST', '/api/a', 400), /Refused/], [of('POST', '/api/a', 503), /tried again/],
    [of('GET', '/api/RequestStatus/1?onComplete=json', 202), /Not done yet/], [of('GET', '/api/RequestStatus/1', 304), /Nothing new/],
    [of('GET', '/api/RequestStatus/1?onComplete=json', 200), /Done/], [of('GET', '/api/RequestStatus/1', 422), /Ended without/],
    [of('GET', '/api/RequestStatus/1/events', 200, { events: 3 }), /3 so far/], [of('GET', '/b?sig=x', 200), /valet key/], [of('GET', '/b?sig=x', 403), /Storage refused/],
    [of('DELETE', '/api/RequestStatus/1', 202), /Canceled/], [of('GET', '/', undefined), /Under way/], [of('GET', '/', undefined, { error: 'x' }), /No answer/],
  ]) assert.match(text, want);
});

test('valet keys are made useless wherever they are kept or shown', () => {
  assert.equal(withoutSignature('https://b/r?se=1&sig=a%2Fb%3D&sp=r and {"u":"https://b/r?sig=abc"}'), 'https://b/r?se=1&sig=…&sp=r and {"u":"https://b/r?sig=…"}');
});

test('sizes and times are for people', () => {
  assert.deepEqual([0, 999, 1024, 1536, 50 << 20, 1 << 30].map(bytes), ['0 bytes', '999 bytes', '1 kB', '1.5 kB', '50 MB', '1 GB']);
  assert.deepEqual([-5, 400, 89_000, 120_000, 7_200_000].map(seconds), ['0 s', '0 s', '89 s', '2 min', '2 h']);
});

test('an example of a payload fits its schema', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer', minimum: 3 }, c: { enum: ['x', 'y'] }, d: { type: 'array', items: { type: 'boolean' } }, e: { default: 7 } } };
  assert.deepEqual(JSON.parse(skeleton(schema)), { a: 'text', b: 3, c: 'x', d: [false], e: 7 });
  assert.equal(skeleton(undefined), '');
});
