// The reading side: the queries that clients send to the table "changes", and what their values become in JavaScript.
'use strict';

const pg = require('pg');
const { DataSource } = require('typeorm');
const { runScenario } = require('./scenario');
const { Change } = require('./typeorm_entities');

const connectionString = process.env.DESTINATION;

const kind = (value) => (value === null ? 'null' : value instanceof Date ? 'Date' : typeof value);
const kinds = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, kind(value)]));

async function nodePostgres() {
    const client = new pg.Client({ connectionString });
    await client.connect();
    const rows = async (condition, values) =>
        (await client.query(`SELECT * FROM "changes" WHERE ${condition} ORDER BY "position"`, values)).rows;
    const all = await rows('true', []);
    const result = {
        kinds: kinds(all[0]),
        all,
        record: await rows('"table" = $1 AND "primary_key" = $2', ['items', '1']),
        byContext: await rows('"context" @> $1', [{ user: 7 }]),
        byKey: await rows(`"context"->>'user' = $1`, ['7']),
        byAfter: await rows('"after" @> $1 AND "committed_at" <= $2', [{ name: 'b' }, new Date()]),
    };
    await client.end();
    return result;
}

async function typeorm() {
    const source = new DataSource({ type: 'postgres', url: connectionString, entities: [Change], synchronize: false });
    await source.initialize();
    const changes = source.getRepository('Change');
    const order = { position: 'ASC' };
    const [all, count] = await changes.findAndCount({ order });
    const result = {
        kinds: kinds(all[0]),
        all,
        count,
        record: await changes.find({ where: { table: 'items', primaryKey: '1' }, order }),
        byContext: await changes.createQueryBuilder('change')
            .where('change.context @> :context', { context: { user: 7 } }).orderBy('change.position').getMany(),
        one: await changes.findOneBy({ id: all[0].id }),
    };
    await source.destroy();
    return result;
}

runScenario({ nodePostgres, typeorm });
