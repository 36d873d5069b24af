// Prisma with the package @bemi-db/prisma, unchanged, as its users have it: the context is the request's.
'use strict';

const http = require('node:http');

const { PrismaPg, bemiMiddleware, withBemiExtension } = require('@bemi-db/prisma');
const { PrismaClient } = require('@prisma/client');
const { runScenario } = require('./scenario');

// Starts an HTTP server whose handler does `work(prisma, path)`, and gives `requests` a function that sends one request.
async function serve(work, requests) {
    const adapter = new PrismaPg({ connectionString: process.env.SOURCE, max: 4 });
    const prisma = withBemiExtension(new PrismaClient({ adapter }));
    const middleware = bemiMiddleware((request) => ({ endpoint: request.url, user: request.headers['x-user'] }));
    const server = http.createServer((request, response) =>
        middleware(request, response, () =>
            work(prisma, request.url.slice(1)).then(
                () => response.end('done'),
                (error) => response.writeHead(500).end(String(error.stack)),
            )));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const send = async (path, user) => {
        const response = await fetch(`http://127.0.0.1:${server.address().port}/${path}`, { headers: { 'x-user': user } });
        if (!response.ok) throw new Error(await response.text());
    };
    try {
        await requests(send);
    } finally {
        server.closeAllConnections();
        server.close();
        await prisma.$disconnect();
    }
}

// Every kind of write that Prisma has, one a request.
const writes = {
    create: (prisma) => prisma.author.create({ data: { name: 'Ada', books: { create: [{ title: '1' }, { title: '2' }] } } }),
    createMany: (prisma) => prisma.author.createMany({ data: [{ name: 'B' }, { name: 'C' }, { name: 'D' }] }),
    update: (prisma) => prisma.author.update({ where: { id: 2 }, data: { name: 'B2' } }),
    updateMany: (prisma) => prisma.book.updateMany({ where: { authorId: 1 }, data: { title: 'x' } }),
    // Raw, because the query compiler of this release panics at its own upsert().
    upsert: (prisma) =>
        prisma.$executeRaw`INSERT INTO authors (id, name) VALUES (${3}, ${'C2'})
                           ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
    raw: (prisma) => prisma.$executeRaw`UPDATE authors SET name = ${'D2'} WHERE id = ${4}`,
    batch: (prisma) =>
        prisma.$transaction([
            prisma.author.create({ data: { name: 'E' } }),
            prisma.author.update({ where: { id: 4 }, data: { name: 'D3' } }),
        ]),
    interactive: (prisma) =>
        prisma.$transaction(async (transaction) => {
            const author = await transaction.author.create({ data: { name: 'F' } });
            await transaction.book.create({ data: { title: '3', authorId: author.id } });
        }),
    deleteMany: (prisma) => prisma.author.deleteMany({ where: { id: { in: [2, 3] } } }),
    cascade: (prisma) => prisma.author.delete({ where: { id: 1 } }),
};

const everyWrite = () =>
    serve((prisma, path) => writes[path](prisma), async (send) => {
        for (const path of Object.keys(writes)) await send(path, 'grace');
    });

const concurrentRequests = () =>
    serve(
        async (prisma, path) => {
            const id = 1000 + Number(path);
            await prisma.author.create({ data: { id, name: 'x' } });
            await prisma.author.update({ where: { id }, data: { name: 'y' } });
        },
        (send) => Promise.all(Array.from({ length: 50 }, (_, i) => send(String(i), `user ${i}`))),
    );

runScenario({ everyWrite, concurrentRequests });
