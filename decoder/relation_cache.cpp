#include "relation_cache.hpp"

extern "C" {
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

#include "context_memory.hpp"

#include "wire/encoder.hpp"

namespace waltrail {

namespace {

constexpr uint64_t marked_entries_max = 256;

RelationCache *live_cache = nullptr;
bool callbacks_registered = false;

void forget_live_cache(void *cache) {
    if (live_cache == cache) live_cache = nullptr;
}

extern "C" {

static void relation_changed(Datum, Oid relation) {
    if (live_cache == nullptr) return;
    if (OidIsValid(relation))
        live_cache->mark_relation(relation);
    else
        live_cache->mark_all();
}

static void schema_changed(Datum, int, uint32) {
    if (live_cache != nullptr) live_cache->mark_all();
}

static void type_changed(Datum, int, uint32 hash_value) {
    if (live_cache != nullptr) live_cache->mark_type(hash_value);
}

// Labels are in no description, but enum_out() looks them up in the catalog cache.
static void enum_changed(Datum, int, uint32) {
    if (live_cache != nullptr) live_cache->mark_enums();
}

} // extern "C"

void register_callbacks() {
    if (callbacks_registered) return;
    CacheRegisterRelcacheCallback(relation_changed, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, 0);
    CacheRegisterSyscacheCallback(TYPEOID, type_changed, 0);
    CacheRegisterSyscacheCallback(ENUMOID, enum_changed, 0);
    callbacks_registered = true;
}

RowSpace make_row_space(MemoryContext context, size_t attributes, size_t columns, bool guarded) {
    return {make_array<Datum>(context, attributes), make_array<bool>(context, attributes),
            make_array<wire::Value>(context, columns),
            make_array<std::string_view>(context, guarded ? columns : 0)};
}

void append_payload(void *owner, std::string_view, std::string_view payload) {
    static_cast<wire::Buffer *>(owner)->append(payload);
}

// The relation record alone, in the current memory context.
std::string_view encoded_description(const wire::Relation &relation) {
    wire::Buffer record = buffer_in(CurrentMemoryContext);
    wire::FrameWriter writer;
    writer.payload = buffer_in(CurrentMemoryContext);
    writer.clock = [] { return wire::Timestamp{}; };
    writer.sink = {append_payload, &record};
    encode_relation(writer, relation);
    writer.flush();
    return record.view();
}

} // namespace

void RelationCache::start(MemoryContext context, Selection &selection) {
    selection_ = &selection;
    context_ = AllocSetContextCreate(context, "waltrail relations", ALLOCSET_DEFAULT_SIZES);
    judging_ = AllocSetContextCreate(context_, "waltrail selection", ALLOCSET_SMALL_SIZES);
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(RelationEntry);
    control.hcxt = context_;
    entries_ =
        hash_create("waltrail relations", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    dependencies_.start(context_);
    free_numbers_ = buffer_in(context_);

    auto *on_reset = static_cast<MemoryContextCallback *>(
        MemoryContextAllocZero(context_, sizeof(MemoryContextCallback)));
    on_reset->func = forget_live_cache;
    on_reset->arg = this;
    MemoryContextRegisterResetCallback(context_, on_reset);
    register_callbacks();
    live_cache = this;
}

bool RelationCache::is_current(const RelationEntry &entry) const {
    return !entry.stale && entry.generation == generation_;
}

RelationEntry &RelationCache::find(Relation relation) {
    Oid oid = RelationGetRelid(relation);
    if (latest_ != nullptr && latest_->relation_oid == oid && is_current(*latest_)) return *latest_;
    bool found;
    auto *entry = static_cast<RelationEntry *>(hash_search(entries_, &oid, HASH_ENTER, &found));
    if (!found) {
        *entry = RelationEntry{};
        entry->relation_oid = oid;
        entry->stale = true;
    }
    if (!is_current(*entry)) build(*entry, relation);
    latest_ = entry;
    return *entry;
}

// Marked current before it is built: an invalidation that arrives meanwhile must not be lost.
void RelationCache::build(RelationEntry &entry, Relation relation) {
    entry.stale = false;
    entry.generation = generation_;
    entry.of = {};
    if (entry.context != nullptr) MemoryContextReset(entry.context);
    entry.recorded = false;
    entry.left_out = false;
    if (!is_recorded(relation)) return;

    MemoryContext caller = MemoryContextSwitchTo(judging_);
    Lineage lineage = lineage_of(relation, dependencies_);
    Recording recording = selection_->recording_of(lineage);
    entry.recorded = recording == Recording::sent;
    entry.left_out = recording == Recording::left_out;
    if (entry.recorded) describe(entry, relation, lineage);
    shifted_ |= dependencies_.take_growth(); // what a table is called says whether it is recorded
    MemoryContextSwitchTo(caller);
    MemoryContextReset(judging_);
}

void RelationCache::describe(RelationEntry &entry, Relation relation, const Lineage &lineage) {
    if (entry.number == 0) entry.number = next_number();
    if (entry.context == nullptr)
        entry.context = AllocSetContextCreate(context_, "waltrail relation", ALLOCSET_SMALL_SIZES);

    MemoryContext caller = MemoryContextSwitchTo(entry.context);
    entry.of = describe_relation(relation, entry.number, {*selection_, lineage}, dependencies_);
    auto attributes = static_cast<size_t>(RelationGetNumberOfAttributes(relation));
    size_t columns = entry.of.columns.size();
    entry.old_row = make_row_space(entry.context, attributes, columns, entry.of.guarded);
    entry.new_row = make_row_space(entry.context, attributes, columns, entry.of.guarded);
    MemoryContextSwitchTo(caller);
    keep_description(entry);
}

// The session's reader needs the relation again only if its record differs from the one it has.
void RelationCache::keep_description(RelationEntry &entry) {
    MemoryContext caller = MemoryContextSwitchTo(entry.context);
    std::string_view record = encoded_description(entry.of.relation);
    MemoryContextSwitchTo(caller);
    if (record == entry.description) return;
    if (!entry.description.empty()) pfree(const_cast<char *>(entry.description.data()));
    entry.description = {};
    auto *kept = static_cast<char *>(MemoryContextAlloc(context_, record.size()));
    std::memcpy(kept, record.data(), record.size());
    entry.description = {kept, record.size()};
    entry.described = false;
}

void RelationCache::sweep() {
    if (marked_ < marked_entries_max) return;
    marked_ = 0;
    latest_ = nullptr;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries_);
    while (auto *entry = static_cast<RelationEntry *>(hash_seq_search(&scan))) {
        if (!is_current(*entry)) forget(*entry);
    }
}

void RelationCache::forget(RelationEntry &entry) {
    if (entry.context != nullptr) MemoryContextDelete(entry.context);
    if (!entry.description.empty()) pfree(const_cast<char *>(entry.description.data()));
    if (entry.number != 0) free_numbers_.append_little_endian(entry.number);
    hash_search(entries_, &entry.relation_oid, HASH_REMOVE, nullptr);
}

uint32_t RelationCache::next_number() {
    uint32_t number;
    if (free_numbers_.size == 0) return ++numbers_;
    free_numbers_.size -= sizeof number;
    std::memcpy(&number, free_numbers_.end(), sizeof number);
    return number;
}

void RelationCache::mark_relation(Oid relation) {
    auto *entry =
        static_cast<RelationEntry *>(hash_search(entries_, &relation, HASH_FIND, nullptr));
    if (entry != nullptr && !entry->stale) {
        entry->stale = true;
        marked_++;
    }
    if (dependencies_.on_relation(relation)) mark_all();
}

void RelationCache::mark_all() {
    generation_++;
    shifted_ = true;
}

bool RelationCache::take_shift() {
    bool shifted = shifted_;
    shifted_ = false;
    return shifted;
}

void RelationCache::mark_type(uint32 hash_value) {
    if (hash_value == 0 || dependencies_.on_type(hash_value)) mark_all();
}

} // namespace waltrail
