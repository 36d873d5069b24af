/*
 * The limit of every output plugin: the server reads, sorts and decodes each change, hands it over,
 * and nothing is written. What another plugin takes beyond this one is its own work and that of
 * the messages it sends; what this one takes, no plugin can save.
 *
 * With the option "messages", each transaction is a message of one byte: what is left to save where
 * every transaction has to be told at once.
 *
 * It belongs to the bench and is never installed with the product.
 */
#include "postgres.h"

#include "fmgr.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"

PG_MODULE_MAGIC;

/* PostgreSQL 16 declares it in output_plugin.h; 15 does not, but exports what is not hidden. */
extern PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *cb);

static void
start_decoding(LogicalDecodingContext *ctx, OutputPluginOptions *options, bool is_init)
{
    options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
    /* Any option asks for messages. */
    ctx->output_plugin_private = ctx->output_plugin_options != NIL ? ctx : NULL;
}

static void
ignore_begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
}

static void
ignore_change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
              ReorderBufferChange *change)
{
}

static void
ignore_truncate(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, int relation_count,
                Relation relations[], ReorderBufferChange *change)
{
}

static void
end_transaction(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr commit_lsn)
{
    if (ctx->output_plugin_private == NULL)
        return;
    OutputPluginPrepareWrite(ctx, true);
    appendStringInfoChar(ctx->out, 0);
    OutputPluginWrite(ctx, true);
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
    cb->startup_cb = start_decoding;
    cb->begin_cb = ignore_begin;
    cb->change_cb = ignore_change;
    cb->truncate_cb = ignore_truncate;
    cb->commit_cb = end_transaction;
}
