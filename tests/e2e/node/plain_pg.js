// node-postgres without anything on top: the application writes the comment itself.
'use strict';

const { createHash } = require('node:crypto');

const pg = require('pg');
const { comment, ContextPool, withContext } = require('./context_pool');
const { runScenario } = require('./scenario');

const connectionString = process.env.SOURCE;

async function withClient(work) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
        return await work(client);
    } finally {
        await client.end();
    }
}

const placed = {
    before: (sql, context) => `${comment(context)} ${sql}`,
    after: (sql, context) => `${sql} ${comment(context)}`,
};

// How a statement with the parameters (id, name) is sent.
const sent = {
    simple: (client, sql, [id, name]) =>
        client.query(sql.replace('$1', String(id)).replace('$2', client.escapeLiteral(name))),
    parameterised: (client, sql, values) => client.query(sql, values),
    prepared: (client, sql, values) =>
        client.query({ name: createHash('md5').update(sql).digest('hex'), text: sql, values }),
};

// INSERT, UPDATE and DELETE of two rows each, in every way of sending; a prepared statement is executed again for the second.
const everyWay = () =>
    withClient(async (client) => {
        let id = 0;
        for (const how of Object.keys(sent)) {
            for (const place of Object.keys(placed)) {
                for (const inTransaction of [false, true]) {
                    const ids = [++id, ++id];
                    const run = async (sql, verb) => {
                        const text = placed[place](sql, { how, place, inTransaction, verb });
                        for (const each of ids) await sent[how](client, text, [each, `${verb} ${each}`]);
                    };
                    if (inTransaction) await client.query('BEGIN');
                    await run('INSERT INTO items (id, name) VALUES ($1, $2)', 'insert');
                    await run('UPDATE items SET name = $2 WHERE id = $1', 'update');
                    await run('DELETE FROM items WHERE id = $1 AND name <> $2', 'delete');
                    if (inTransaction) await client.query('COMMIT');
                }
            }
        }
    });

// Every context of CONTEXTS (a JSON array) behind an INSERT whose id is its index, simple and with parameters in turn.
const givenContexts = () =>
    withClient(async (client) => {
        for (const [id, context] of JSON.parse(process.env.CONTEXTS).entries()) {
            await sent[id % 2 ? 'simple' : 'parameterised'](
                client, placed.after('INSERT INTO items (id, name) VALUES ($1, $2)', context), [id, 'x']);
        }
    });

// Comments as other clients write them, word by word: COMMENTS is a JSON array of texts.
const givenComments = () =>
    withClient(async (client) => {
        for (const [id, text] of JSON.parse(process.env.COMMENTS).entries()) {
            await client.query(`INSERT INTO items (id, name) VALUES ($1, $2) ${text}`, [id, 'x']);
        }
    });

// Contexts in one transaction, of which a savepoint is rolled back, and a transaction that never was.
const savepoints = () =>
    withClient(async (client) => {
        const insert = (id) => client.query(
            placed.after('INSERT INTO items (id, name) VALUES ($1, $2)', { insert: id }), [id, 'x']);
        await client.query('BEGIN');
        await insert(1);
        await client.query('SAVEPOINT s');
        await insert(2);
        await client.query('ROLLBACK TO SAVEPOINT s');
        await insert(3);
        await client.query('COMMIT');
        await client.query('BEGIN');
        await insert(4);
        await client.query('ROLLBACK');
    });

// No comment: the application emits the message itself.
const messages = () =>
    withClient(async (client) => {
        for (const prefix of ['_bemi', 'waltrail']) {
            await client.query('BEGIN');
            await client.query('SELECT pg_logical_emit_message(true, $1, $2)', [prefix, JSON.stringify({ prefix })]);
            await client.query('INSERT INTO items (name) VALUES ($1), ($2)', [prefix, prefix]);
            await client.query('UPDATE items SET name = upper(name) WHERE name = $1', [prefix]);
            await client.query('COMMIT');
        }
    });

// No comment: the application sets its context for a transaction; a comment wins over it.
const settings = () =>
    withClient(async (client) => {
        const insert = (id, text = '') => client.query(`INSERT INTO items (id, name) VALUES ($1, 'x') ${text}`, [id]);
        const set = (context) => client.query("SELECT set_config('waltrail.context', $1, true)", [JSON.stringify(context)]);
        await client.query('BEGIN');
        await set({ request: `first; it's "local" /* */` });
        await insert(1);
        await client.query('COMMIT');
        await insert(2);
        await client.query('BEGIN');
        await set({ request: 'second' });
        await insert(3, comment({ comment: 'wins' }));
        await insert(4);
        await client.query('COMMIT');
    });

// More requests than clients, each with its own context, half of them in a transaction.
async function pool() {
    const clients = new ContextPool({ connectionString, max: 5 });
    const insert = 'INSERT INTO items (id, name) VALUES ($1, $2)';
    const update = { text: 'UPDATE items SET name = upper(name) WHERE id = $1 -- loudly' };
    const single = async (request) => {
        await clients.query(insert, [request, 'x']);
        await clients.query(update, [request]);
    };
    const transaction = async (request) => {
        const client = await clients.connect();
        try {
            await client.query('BEGIN');
            await client.query(insert, [request, 'x']);
            await client.query(update, [request]);
            await client.query('COMMIT');
        } finally {
            client.release();
        }
    };
    await Promise.all(Array.from({ length: 100 }, (_, request) =>
        withContext({ request }, () => (request % 2 ? single : transaction)(request))));
    await clients.end();
}

runScenario({ everyWay, givenContexts, givenComments, savepoints, messages, settings, pool });
