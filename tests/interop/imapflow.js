// Node's imapflow: port, certificate of the authority, user, password. Two clients, one of which has been away.
'use strict';
const fs = require('fs');
const { ImapFlow } = require('imapflow');
const [port, ca, user, pass] = process.argv.slice(2);
let passed = 0, failed = 0;

function check(what, good, seen) {
  if (good) passed++;
  else failed++;
  const text = JSON.stringify(seen, (k, v) => typeof v === 'bigint' ? String(v) : v instanceof Set || v instanceof Map ? [...v] : v);
  console.log(good ? 'ok  ' : 'FAIL', what, good ? '' : (text || String(seen)).slice(0, 500));
}

const show = m => console.log((m.src || '') + ' ' + (m.msg || m.err && m.err.message || ''));

function client(options) {
  const c = new ImapFlow({ host: 'localhost', port: Number(port), secure: true, tls: { ca: fs.readFileSync(ca) }, auth: { user, pass },
    logger: process.env.IMAPFLOW_LOG ? { debug: show, info: show, warn: show, error: show, trace: () => 0 } : false, qresync: true, disableAutoIdle: true, ...options });
  c.heard = [];
  for (const name of ['exists', 'expunge', 'flags']) c.on(name, e => c.heard.push([name, e]));
  c.on('error', e => check('no error event', false, String(e)));
  return c;
}

async function all(c, range, query, options) {
  const list = [];
  for await (const m of c.fetch(range, query, options)) list.push(m);
  return list;
}

async function until(what, test) {
  for (let i = 0; i < 200; i++) {
    if (test()) return check(what, true);
    await new Promise(r => setTimeout(r, 25));
  }
  check(what, false, 'waited 5 s');
}

const mail = (n, text) => Buffer.from(`From: Ann <ann@example.test>\r\nTo: <${user}>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_${n}?=\r\n` +
  `Message-ID: <${n}@interop.test>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`);

async function main() {
  const a = client(), b = client();
  await a.connect();
  await b.connect();
  check('the connection is compressed', a._deflate && a._inflate);
  for (const name of ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT']) check(`${name} is enabled`, a.enabled.has(name), a.enabled);
  check('ID is told', a.serverInfo && a.serverInfo.name, a.serverInfo);

  // folders, with names that are not ASCII
  const folders = await a.list({ statusQuery: { messages: true, unseen: true, uidNext: true, uidValidity: true, highestModseq: true } });
  const uses = folders.map(f => f.specialUse).filter(x => x);
  check('LIST knows the special uses', ['\\Inbox', '\\Sent', '\\Drafts', '\\Trash', '\\Junk', '\\Archive'].every(u => uses.includes(u)), uses);
  check('LIST has the status of each', folders.every(f => f.status && f.status.uidNext > 0), folders);
  const made = await a.mailboxCreate(['Entwürfe & Ideen', '日本語']);
  check('a folder is made', made.created, made);
  check('and listed', (await a.list()).some(f => f.path === 'Entwürfe & Ideen/日本語'));
  const renamed = await a.mailboxRename('Entwürfe & Ideen/日本語', 'Überall');
  check('and renamed', renamed.newPath === 'Überall' && (await a.list()).some(f => f.path === 'Überall'), renamed);

  // append and fetch
  const put = [];
  for (let i = 1; i <= 40; i++) put.push(await a.append('INBOX', mail(i, 'Grüße '.repeat(i * 50)), i % 2 ? ['\\Seen'] : ['$label1'], new Date('2026-11-22T10:00:00Z')));
  check('APPEND tells the UIDs', put.every((p, i) => p.uid === i + 1 && p.uidValidity === put[0].uidValidity), put);
  const big = Buffer.concat([mail('big', ''), Buffer.from(('x'.repeat(75) + '\r\n').repeat(40000))]);
  const bigput = await a.append('Überall', big);
  check('three megabytes are appended through the compression', bigput.uid === 1, bigput);

  const box = await a.mailboxOpen('INBOX');
  check('SELECT tells UIDNEXT, HIGHESTMODSEQ and the flags', box.exists === 40 && box.uidNext === 41 && box.highestModseq > 0n && box.permanentFlags.has('\\*'), box);
  const list = await all(a, '1:*', { uid: true, flags: true, envelope: true, bodyStructure: true, size: true, internalDate: true, threadId: true, labels: true });
  check('40 messages are fetched', list.length === 40 && list.every((m, i) => m.seq === i + 1 && m.uid === i + 1));
  check('the envelope is decoded', list[6].envelope.subject === 'Grüße 7' && list[6].envelope.from[0].address === 'ann@example.test', list[6].envelope);
  check('each has a MODSEQ not over the mailbox\'s', list.every(m => m.modseq > 0n && m.modseq <= box.highestModseq), list.map(m => m.modseq));
  check('INTERNALDATE is kept', list[0].internalDate.getTime() === new Date('2026-11-22T10:00:00Z').getTime(), list[0].internalDate);
  check('flags are kept', list[0].flags.has('\\Seen') && list[1].flags.has('$label1'), list[1].flags);
  const one = await a.fetchOne('7', { source: true, bodyParts: ['text', '1'], headers: ['subject'] });
  check('the octets come back', one.source.equals(mail(7, 'Grüße '.repeat(350))), one.source.length);
  const download = await a.download('7', '1');
  let text = '';
  for await (const chunk of download.content) text += chunk.toString();
  check('a part is downloaded and decoded', text.trim() === 'Grüße '.repeat(350).trim(), text.slice(0, 50));
  await a.mailboxOpen('Überall');
  const bigone = await a.fetchOne('1', { source: true });
  check('the three megabytes come back', bigone.source.equals(big), bigone.source.length);
  await a.mailboxOpen('INBOX');

  // search
  check('SEARCH by flag', (await a.search({ seen: true })).length === 20);
  check('SEARCH by decoded subject', JSON.stringify(await a.search({ subject: 'Grüße 12' }, { uid: true })) === '[12]', await a.search({ subject: 'Grüße 12' }, { uid: true }));
  check('SEARCH by modseq', (await a.search({ modseq: box.highestModseq })).length === 1, await a.search({ modseq: box.highestModseq }));
  const either = await a.search({ or: [{ uid: '3' }, { header: { 'message-id': '<5@interop.test>' } }] });
  check('SEARCH by header and or', String(either) === '3,5', either);

  // two clients on one mailbox: each hears of the other
  await b.mailboxOpen('INBOX');
  await a.messageFlagsAdd('3:5', ['\\Flagged', '$work']);
  await b.noop();
  check('flags of the other come with UID and MODSEQ', b.heard.filter(h => h[0] === 'flags' && h[1].uid && h[1].modseq > box.highestModseq && h[1].flags.has('$work')).length === 3, b.heard);
  b.heard.length = 0;
  await a.messageDelete('10,12,14', { uid: true });
  await b.noop();
  check('what went comes as VANISHED with UIDs', b.heard.filter(h => h[0] === 'expunge' && h[1].vanished).map(h => h[1].uid).sort((x, y) => x - y).join() === '10,12,14', b.heard);
  b.heard.length = 0;
  const idle = b.idle();
  await a.append('INBOX', mail(41, 'im Leerlauf'), []);
  await until('IDLE hears of new mail', () => b.heard.some(h => h[0] === 'exists' && h[1].count === 38));
  await a.messageFlagsRemove('41', ['\\Seen'], { uid: true });
  await a.messageFlagsAdd('41', ['\\Answered'], { uid: true });
  await until('and of its flags', () => b.heard.some(h => h[0] === 'flags' && h[1].uid === 41 && h[1].flags.has('\\Answered')));
  await a.messageDelete('1', { uid: true });
  await until('and of what goes', () => b.heard.some(h => h[0] === 'expunge' && h[1].uid === 1));
  await b.noop();
  await idle;

  // conditional store
  const now = await a.fetchOne('20', { uid: true, flags: true }, { uid: true });
  await b.messageFlagsAdd('20', ['$taken'], { uid: true });
  await a.noop();
  // imapflow's own way puts the modifier after the flags, where RFC 4466 section 2.5 has none
  const store = await a.exec('UID STORE', [{ type: 'SEQUENCE', value: '19:20' }, [{ type: 'ATOM', value: 'UNCHANGEDSINCE' }, { type: 'ATOM', value: String(now.modseq) }],
    { type: 'ATOM', value: '+FLAGS' }, [{ type: 'ATOM', value: '$mine' }]]);
  store.next();
  const modified = store.response.attributes[0].section;
  check('MODIFIED names it', modified[0].value === 'MODIFIED' && modified[1].value === '20', store.response);
  const then = await a.fetchOne('20', { uid: true, flags: true }, { uid: true });
  check('UNCHANGEDSINCE leaves alone what another has changed', then.flags.has('$taken') && !then.flags.has('$mine') && then.modseq > now.modseq, then);
  check('FETCH CHANGEDSINCE gives what changed', (await all(a, '1:*', { uid: true, flags: true }, { changedSince: now.modseq })).every(m => m.modseq > now.modseq));

  // copy and move
  const copied = await a.messageCopy('30:32', 'Überall', { uid: true });
  check('COPY tells what became what', copied.uidMap && [...copied.uidMap].join(';') === '30,2;31,3;32,4', copied);
  const moved = await a.messageMove('33', 'Archive', { uid: true });
  check('MOVE tells what became what', moved.uidMap && moved.uidMap.get(33) === 1, moved);
  check('and is gone here', (await a.search({ uid: '33' })).length === 0);

  // absence: QRESYNC tells flags and what went
  await b.noop();
  const known = { uidValidity: b.mailbox.uidValidity, modseq: b.mailbox.highestModseq };
  const status = await b.status('INBOX', { highestModseq: true, messages: true });
  await b.logout();
  await a.messageFlagsAdd('22,24', ['$while-away'], { uid: true });
  await a.messageDelete('25:27', { uid: true });
  await a.append('INBOX', mail(42, 'neu'), []);
  const c = client();
  await c.connect();
  const again = await c.mailboxOpen('INBOX', { changedSince: status.highestModseq, uidValidity: known.uidValidity });
  check('the mailbox is resynchronised', again.qresync && again.exists === 34, again);
  const flagged = c.heard.filter(h => h[0] === 'flags' && h[1].flags.has('$while-away')).map(h => h[1].uid);
  check('VANISHED (EARLIER) names what went', c.heard.filter(h => h[0] === 'expunge' && h[1].earlier).map(h => h[1].uid).sort((x, y) => x - y).join() === '25,26,27', c.heard);
  check('flags changed while away are told', flagged.join() === '22,24', c.heard);

  const quota = await c.getQuota('INBOX');
  check('the quota is told or there is none', quota === false || quota.path === 'INBOX', quota);
  await c.mailboxClose();
  check('a mailbox is deleted', (await c.mailboxDelete('Überall')).path === 'Überall');
  check('and gone', !(await c.list()).some(f => f.path === 'Überall'));
  let wrong = null;
  try { await c.mailboxOpen('Überall'); } catch (e) { wrong = e; }
  check('SELECT of it is refused with a code', wrong && (wrong.serverResponseCode === 'NONEXISTENT' || wrong.mailboxMissing), wrong && wrong.serverResponseCode);
  const denied = client({ auth: { user, pass: 'wrong' } });
  let refusal = null;
  try { await denied.connect(); } catch (e) { refusal = e; }
  check('a wrong password is AUTHENTICATIONFAILED', refusal && refusal.authenticationFailed && refusal.serverResponseCode === 'AUTHENTICATIONFAILED', refusal && refusal.serverResponseCode);
  await a.logout();
  await c.logout();
}

main().catch(e => check('no exception', false, e.stack + ' ' + (e.response ? JSON.stringify(e.responseText) : ''))).finally(() => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(0);
});
