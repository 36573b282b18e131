// Azure's own poller for JavaScript, unmodified, with onComplete=stream: it
// follows no redirect to another origin.
import assert from 'node:assert/strict';
import test from 'node:test';

import { createHttpPoller } from '@azure/core-lro';
import { createDefaultHttpClient, createHttpHeaders, createPipelineFromOptions, createPipelineRequest } from '@azure/core-rest-pipeline';

const { ACCEPTOR } = process.env;
const pipeline = createPipelineFromOptions({});
const client = createDefaultHttpClient();

/** Sends a request as Azure's SDKs do. */
async function send(method, url, body, type) {
  const headers = createHttpHeaders(type ? { 'Content-Type': type } : {});
  const response = await pipeline.sendRequest(client, createPipelineRequest({ method, url, body, headers, allowInsecureConnection: true }));
  const text = response.bodyAsText ?? '';
  const parsed = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text;
  return {
    flatResponse: parsed,
    rawResponse: { statusCode: response.status, headers: response.headers.toJSON(), body: parsed, request: { method, url } },
  };
}

/** A poller as an SDK generated from a description of our service would have it. */
function poll(mode, path, body, type) {
  const operation = {
    sendInitialRequest: async () => {
      const response = await send('POST', `${ACCEPTOR}${path}`, body, type);
      assert.equal(response.rawResponse.statusCode, 202);
      assert.ok(response.rawResponse.headers['operation-location']);
      if (mode === 'Location') delete response.rawResponse.headers['operation-location'];
      return response;
    },
    sendPollRequest: (url) => send('GET', url),
  };
  return createHttpPoller(operation, { intervalInMs: 250 });
}

const ada = JSON.stringify({ id: '7', customername: 'Ada' });

for (const mode of ['Location', 'Operation-Location']) {
  test(`${mode}: success`, async () => {
    const poller = poll(mode, '/api/customer?duration=1s&onComplete=stream', ada, 'application/json');
    const result = await poller.pollUntilDone();
    assert.equal(result.customername, 'Ada');
    assert.equal(poller.operationState.status, 'succeeded');
  });

  test(`${mode}: failure`, async () => {
    const poller = poll(mode, '/api/thumbnail?onComplete=stream', 'no picture', 'image/png');
    await assert.rejects(poller.pollUntilDone(), (error) => {
      assert.match(String(error.code ?? '') + error.message, /[A-Z][A-Za-z]+/);
      return true;
    });
    assert.equal(poller.operationState.status, 'failed');
  });

  test(`${mode}: cancel`, async () => {
    const poller = poll(mode, '/api/customer?duration=30s&onComplete=stream', ada, 'application/json');
    await poller.submitted();
    const { config } = poller.operationState;
    const id = /([0-9a-f-]{36})/.exec(config.operationLocation)[1];
    const origin = new URL(config.operationLocation).origin;
    assert.equal((await send('DELETE', `${origin}/api/RequestStatus/${id}`)).rawResponse.statusCode, 202);
    await assert.rejects(poller.pollUntilDone());
    assert.match(poller.operationState.status, mode === 'Location' ? /^(failed|canceled)$/ : /^canceled$/);
  });

  test(`${mode}: resumed from its state`, async () => {
    const poller = poll(mode, '/api/customer?duration=1s&onComplete=stream', ada, 'application/json');
    const state = await poller.serialize();
    const operation = { sendInitialRequest: () => assert.fail('submitted again'), sendPollRequest: (url) => send('GET', url) };
    const result = await createHttpPoller(operation, { restoreFrom: state, intervalInMs: 250 }).pollUntilDone();
    assert.equal(result.customername, 'Ada');
  });
}
