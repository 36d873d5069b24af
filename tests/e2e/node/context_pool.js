// The recipe of docs/context.md for node-postgres: what runs inside withContext() puts its context behind each statement
// that writes. Works for whatever takes a Pool (Drizzle, the application itself) or a Client class (TypeORM).
'use strict';

const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const pg = require('pg');

const contexts = new AsyncLocalStorage();
const writes = /\b(INSERT|UPDATE|DELETE|MERGE)\b/i;

// In a comment, "*/" would end it and "/*" open another one. In JSON an asterisk stands only in strings, where \u002a is the same.
const comment = (context) => `/*Bemi ${JSON.stringify(context).replaceAll('*', '\\u002a')} Bemi*/`;

const commented = (sql, context) => (context && writes.test(sql) ? `${sql}\n${comment(context)}` : sql);

class ContextClient extends pg.Client {
    query(query, ...more) {
        const context = contexts.getStore();
        if (typeof query === 'string') return super.query(commented(query, context), ...more);
        // A named statement keeps the text that it was prepared with; a Submittable (a cursor) has its own.
        if (typeof query.text !== 'string' || query.name || query.submit) return super.query(query, ...more);
        return super.query({ ...query, text: commented(query.text, context) }, ...more);
    }
}

class ContextPool extends pg.Pool {
    constructor(options) {
        super({ Client: ContextClient, ...options });
    }

    // Who waits for a free client is called by the request that released it: without the binding, with that one's context.
    connect(callback) {
        return super.connect(callback && AsyncResource.bind(callback));
    }
}

const withContext = (context, work) => contexts.run(context, work);

module.exports = { comment, ContextClient, ContextPool, withContext };
