// What TypeORM knows of the source's tables, and of the destination's: Change is a model for the table "changes" as
// applications have it, so its columns and types are a promise.
'use strict';

const { EntitySchema } = require('typeorm');

const Item = new EntitySchema({
    name: 'Item',
    tableName: 'items',
    columns: { id: { type: 'int', primary: true }, name: { type: 'text' } },
});

const Author = new EntitySchema({
    name: 'Author',
    tableName: 'authors',
    columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'text' } },
    relations: {
        books: { type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true },
    },
});

const Book = new EntitySchema({
    name: 'Book',
    tableName: 'books',
    columns: { id: { type: 'int', primary: true, generated: true }, title: { type: 'text' } },
    relations: {
        author: {
            type: 'many-to-one',
            target: 'Author',
            inverseSide: 'books',
            joinColumn: { name: 'author_id' },
            onDelete: 'CASCADE',
            orphanedRowAction: 'delete',
        },
    },
});

const Change = new EntitySchema({
    name: 'Change',
    tableName: 'changes',
    synchronize: false,
    columns: {
        id: { type: 'uuid', primary: true, generated: 'uuid' },
        database: { type: 'varchar' },
        schema: { type: 'varchar' },
        table: { type: 'varchar' },
        primaryKey: { type: 'varchar', name: 'primary_key', nullable: true },
        operation: { type: 'text' },
        before: { type: 'jsonb' },
        after: { type: 'jsonb' },
        context: { type: 'jsonb' },
        committedAt: { type: 'timestamptz', name: 'committed_at' },
        queuedAt: { type: 'timestamptz', name: 'queued_at' },
        createdAt: { type: 'timestamptz', name: 'created_at' },
        transactionId: { type: 'bigint', name: 'transaction_id' },
        position: { type: 'bigint' },
    },
});

module.exports = { Author, Book, Change, Item };
