// The Node peer: takes the same webhooks with better-sqlite3, as durably.
//
//   node server.js PORT DATABASE CODE each|grouped
//
// `each` commits every webhook by itself; `grouped` commits together what came in while the event
// loop turned once, which is the most that one thread can gather without a delay.
'use strict';

const http = require('node:http');
const querystring = require('node:querystring');
const Database = require('better-sqlite3');

const [port, file, code, way] = process.argv.slice(2);

const database = new Database(file);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec(`
  CREATE TABLE IF NOT EXISTS contact (id INTEGER PRIMARY KEY, email TEXT, doc TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS contact_email ON contact (email);
  CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, contact_id INTEGER, body TEXT NOT NULL);
`);
const saveContact = database.prepare(`
  INSERT INTO contact (id, email, doc) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET email = excluded.email, doc = excluded.doc`);
const addDelivery = database.prepare(
  'INSERT INTO delivery (received_at, contact_id, body) VALUES (?, ?, ?)');
const findContact = database.prepare('SELECT doc FROM contact WHERE email = ?').pluck();

const commit = database.transaction((webhooks) => {
  for (const { id, email, doc, body } of webhooks) {
    saveContact.run(id, email, doc);
    addDelivery.run(Date.now(), id, body);
  }
});

function answer(response, status, text) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

function store(webhooks) {
  try {
    commit(webhooks);
  } catch (error) {
    console.error(error.message);
    for (const { response } of webhooks) answer(response, 503, '{"status":"unavailable"}');
    return;
  }
  for (const { response } of webhooks) answer(response, 200, '{"status":"accepted"}');
}

let waiting = [];

function take(webhook) {
  if (way === 'each') {
    store([webhook]);
    return;
  }
  waiting.push(webhook);
  if (waiting.length > 1) return;
  setImmediate(() => {
    const webhooks = waiting;
    waiting = [];
    store(webhooks);
  });
}

// contact[…] of the body, its fields[…] in an object of their own.
function contactOf(form) {
  const contact = { fields: {} };
  for (const [key, value] of Object.entries(form)) {
    if (!key.startsWith('contact[')) continue;
    if (key.startsWith('contact[fields][')) contact.fields[key.slice(16, -1)] = value;
    else contact[key.slice(8, -1)] = value;
  }
  return contact;
}

function receive(request, response) {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces).toString();
    const contact = contactOf(querystring.parse(body));
    const id = Number(contact.id);
    if (!Number.isInteger(id) || id <= 0) {
      answer(response, 400, '{"status":"contact_missing"}');
      return;
    }
    take({ response, body, id, email: contact.email, doc: JSON.stringify(contact) });
  });
}

http
  .createServer((request, response) => {
    const mark = request.url.indexOf('?');
    const path = mark < 0 ? request.url : request.url.slice(0, mark);
    const query = querystring.parse(mark < 0 ? '' : request.url.slice(mark + 1));
    if (request.method === 'POST') {
      if (query.mbr_genpass === code) return receive(request, response);
      request.resume();
      return answer(response, 403, '{"status":"refused"}');
    }
    const email = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
    const doc = findContact.get(email);
    return doc ? answer(response, 200, doc) : answer(response, 404, '{"status":"not found"}');
  })
  .listen(Number(port), '127.0.0.1', 4096);
