// The client in Node.js against the whole system.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import test from 'node:test';

const { Client, JobError, ProblemError } = await import(process.env.MODULE);
const { ACCEPTOR: acceptor, STATUS: status } = process.env;
const ada = { id: '7', customername: 'Ada' };

for (const transport of ['auto', 'wait', 'poll']) {
  test(`run submits, follows and fetches by ${transport}`, async () => {
    const seen = [];
    const client = new Client({ acceptor, transport });
    const result = await client.run('customer', ada, { params: { duration: '2s' }, onProgress: (s) => seen.push(s) });
    const customer = await result.json();
    assert.equal(customer.customername, 'Ada');
    assert.match(result.type, /^application\/json/);
    assert.match(result.sha256, /^[0-9a-f]{64}$/);
    assert.equal(seen.at(-1).status, 'Succeeded');
    assert.equal(seen.at(-1).percentComplete, 100);
    assert.ok(seen.some((s) => s.status === 'Running'), JSON.stringify(seen));
  });
}

for (const delivery of ['link', 'redirect', 'stream']) {
  test(`a result comes by ${delivery}, without the caller's token for storage`, async () => {
    const headers = () => ({ Authorization: 'Bearer secret' });
    const client = new Client({ acceptor, headers });
    const result = await client.run('customer', ada, { delivery });
    assert.equal((await result.json()).customername, 'Ada');
    assert.equal((await (await fetch(await result.url())).json()).customername, 'Ada');
  });
}

test('a large file is sent and profiled, with progress', async () => {
  const rows = 400_000;
  const file = `${import.meta.dirname}/orders.csv`;
  await writeFile(file, 'id,city\n' + Array.from({ length: rows }, (_, i) => `${i},Hamburg`).join('\n'));
  const job = await new Client({ acceptor }).submit('csv-profile', await openAsBlob(file), { contentType: 'text/csv' });
  const states = [];
  for await (const { status } of job) states.push(status);
  assert.equal(states.at(-1), 'Succeeded');
  assert.equal((await (await job.result()).json()).rows, rows);
});

test('a stream can be the payload', async () => {
  const payload = new Blob(['a,b\n1,2\n']).stream();
  const result = await new Client({ acceptor }).run('csv-profile', payload, { contentType: 'text/csv' });
  assert.equal((await result.json()).rows, 1);
});

test('operations tells what there is', async () => {
  const operations = await new Client({ acceptor }).operations();
  assert.ok(operations.find(({ name }) => name === 'customer').schema.required.includes('id'));
});

test('a refused request throws its problem', async () => {
  const client = new Client({ acceptor });
  await assert.rejects(client.submit('customer', { id: '' }), (error) => {
    assert.ok(error instanceof ProblemError && !(error instanceof JobError));
    assert.equal(error.code, 'InvalidPayload');
    assert.equal(error.status, 400);
    assert.ok(error.requestId);
    assert.ok(error.errors.some(({ pointer, detail }) => pointer !== undefined && detail));
    return true;
  });
  await assert.rejects(client.submit('nothing', {}), { code: 'UnknownOperation' });
});

for (const transport of ['auto', 'wait', 'poll']) {
  test(`a failed job throws its reason by ${transport}`, async () => {
    const client = new Client({ acceptor, transport });
    await assert.rejects(client.run('thumbnail', new Blob(['no picture'], { type: 'image/png' })), (error) => {
      assert.ok(error instanceof JobError);
      assert.equal(error.canceled, false);
      assert.equal(error.job.status, 'Failed');
      assert.notEqual(error.code, 'HandlerPanicked');
      assert.ok(error.message.length > 5);
      return true;
    });
  });

  test(`a canceled job throws that it was by ${transport}`, async () => {
    const job = await new Client({ acceptor, transport }).submit('customer', ada, { params: { duration: '30s' } });
    const canceled = assert.rejects(job.wait({ onProgress: ({ status }) => status === 'Running' && job.cancel() }), (error) => {
      assert.ok(error instanceof JobError && error.canceled);
      assert.equal(error.code, 'Canceled');
      return true;
    });
    await canceled;
    assert.equal((await job.cancel()).status, 'Canceled'); // again is no error
  });
}

test('a token resumes a job, and so does its id', async () => {
  const job = await new Client({ acceptor }).submit('customer', ada, { params: { duration: '1s' } });
  const kept = JSON.parse(JSON.stringify(job.token));
  assert.equal((await (await new Client().resume(kept).result()).json()).customername, 'Ada');
  const byID = new Client({ status }).resume(job.id);
  assert.equal((await byID.status()).status, 'Succeeded');
  assert.equal((await byID.status()).status, 'Succeeded');
});

test('what is no job throws at once', async () => {
  const job = new Client({ status }).resume('00000000-0000-8000-8000-000000000000');
  for (const call of [() => job.wait(), () => job.status(), () => job.cancel(), () => job.result()]) {
    await assert.rejects(call, { name: 'ProblemError', code: 'NotFound', status: 404 });
  }
  assert.throws(() => new Client().resume('00000000-0000-8000-8000-000000000000'), /status/);
});

test('a signal ends the wait, not the job', async () => {
  const job = await new Client({ acceptor }).submit('customer', ada, { params: { duration: '2s' } });
  for (const transport of ['auto', 'wait', 'poll']) {
    const same = new Client({ transport }).resume(job.token);
    await assert.rejects(same.wait({ signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  }
  await assert.rejects(job.wait({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal((await job.wait()).status, 'Succeeded');
});
