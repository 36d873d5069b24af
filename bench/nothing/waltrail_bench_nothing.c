/*
 * The limit of every output plugin: the server reads, sorts and decodes each change, hands it over,
 * and nothing is written. What another plugin takes beyond this one is its own work and that of
 * the messages it sends; what this one takes, no plugin can save.
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
ignore_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr commit_lsn)
{
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
    cb->startup_cb = start_decoding;
    cb->begin_cb = ignore_begin;
    cb->change_cb = ignore_change;
    cb->truncate_cb = ignore_truncate;
    cb->commit_cb = ignore_commit;
}
