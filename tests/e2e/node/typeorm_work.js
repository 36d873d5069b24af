// TypeORM over the ContextClient: what an application does with its entities, in transactions of its own and without.
'use strict';

const { DataSource } = require('typeorm');
const { ContextClient, withContext } = require('./context_pool');
const { runScenario } = require('./scenario');
const { Author, Book, Item } = require('./typeorm_entities');

async function withSource(work) {
    const source = new DataSource({
        type: 'postgres',
        url: process.env.SOURCE,
        entities: [Author, Book, Item],
        extra: { Client: ContextClient, max: 4 },
    });
    await source.initialize();
    try {
        return await work(source);
    } finally {
        await source.destroy();
    }
}

// save() and remove() of an entity with its children; TypeORM makes a transaction of each.
const saveAndCascade = () =>
    withSource(async (source) => {
        const authors = source.getRepository('Author');
        const author = { name: 'Ada', books: [{ title: 'First' }, { title: 'Second' }] };
        const saved = await withContext({ step: 'create' }, () => authors.save(author));
        saved.name = 'Ada L.';
        saved.books = [{ ...saved.books[0], title: 'First, again' }, { title: 'Third' }];
        await withContext({ step: 'update' }, () => authors.save(saved));
        await withContext({ step: 'remove' }, () => authors.remove(saved));
    });

// One statement a call, with nothing around it.
const singleStatements = () =>
    withSource(async (source) => {
        const items = source.getRepository('Item');
        const rows = (names) => Object.entries(names).map(([id, name]) => ({ id: Number(id), name }));
        await withContext({ step: 'insert' }, () => items.insert(rows({ 1: 'A', 2: 'B', 3: 'C' })));
        await withContext({ step: 'update' }, () => items.update({ name: 'B' }, { name: 'B2' }));
        await withContext({ step: 'upsert' }, () => items.upsert(rows({ 3: 'C2', 4: 'D' }), ['id']));
        await withContext({ step: 'raw' }, () => items.query('UPDATE items SET name = $1 WHERE id = $2', ['E', 1]));
        await withContext({ step: 'delete' }, () => items.delete([2, 3]));
        await items.delete(4); // in no request: no context
    });

const expectDuplicate = (error) => {
    if (error.code !== '23505') throw error;
};

// Contexts in a transaction of the application's own, one of them in a savepoint that fails; and a transaction that fails.
const transactions = () =>
    withSource(async (source) => {
        const twice = async (manager) => {
            await manager.insert(Item, { id: 1, name: 'never' });
            await manager.insert(Item, { id: 1, name: 'never' });
        };
        const names = Array.from({ length: 100 }, (_, i) => ({ name: `bulk ${i}` }));
        await source.transaction(async (manager) => {
            await withContext({ step: 'bulk' }, () => manager.insert(Author, names));
            await withContext({ step: 'nested' }, () => manager.transaction(twice)).catch(expectDuplicate);
            await withContext({ step: 'halve' }, () =>
                manager.createQueryBuilder().delete().from(Author).where('id > :last', { last: 50 }).execute());
        });
        await withContext({ step: 'failed' }, () => source.transaction(twice)).catch(expectDuplicate);
    });

// More requests than connections; every second one is a transaction.
const concurrentRequests = () =>
    withSource(async (source) => {
        const handle = async (request, manager) => {
            await manager.insert(Item, { id: request, name: 'x' });
            await manager.save(Item, { id: request, name: 'y' });
            await manager.save(Author, { name: 'z', books: [{ title: String(request) }] });
        };
        await Promise.all(Array.from({ length: 50 }, (_, request) => withContext({ request }, () =>
            request % 2
                ? handle(request, source.manager)
                : source.transaction((manager) => handle(request, manager)))));
    });

runScenario({ saveAndCascade, singleStatements, transactions, concurrentRequests });
