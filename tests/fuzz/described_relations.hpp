// The relations that the fuzzer's stream has described before the fuzzed bytes come, so that they get past descriptions:
// 0 has a column of every kind and a key of several columns, 1 a nested key, 2 a plain key, 3 no columns.
#pragma once

#include "wire/json_render.hpp"

#include <array>
#include <vector>

namespace waltrail::wire {

class DescribedRelations {
  public:
    DescribedRelations() {
        arena_.allocator = process_allocator();
        describe_every_kind();
        describe_nested_key();
        describe_plain_key();
        relations.push_back(relation("without_columns"));
    }
    ~DescribedRelations() { arena_.release(); }
    DescribedRelations(const DescribedRelations &) = delete;
    DescribedRelations &operator=(const DescribedRelations &) = delete;

    std::vector<Relation> relations;

  private:
    static Type scalar(Kind kind, uint32_t oid = 25) {
        Type type;
        type.kind = kind;
        type.oid = oid;
        return type;
    }

    Type array_of(const Type &element, char delimiter = ',') {
        auto copy = arena_.make<Type>(1);
        copy[0] = element;
        Type type = scalar(Kind::array);
        type.delimiter = delimiter;
        type.element = copy.data();
        return type;
    }

    Type composite_of(std::initializer_list<Type> types) {
        auto fields = arena_.make<Field>(types.size());
        size_t i = 0;
        for (const Type &field : types) fields[i++] = {"f", "\"f\":", field};
        Type type = scalar(Kind::composite);
        type.fields = fields;
        return type;
    }

    Relation relation(std::string_view name) {
        Relation relation;
        relation.number = static_cast<uint32_t>(relations.size());
        relation.schema = relation.root_schema = "public";
        relation.table = relation.root_table = name;
        return relation;
    }

    void add(Relation relation, std::initializer_list<Type> types,
             std::initializer_list<uint16_t> key) {
        auto columns = arena_.make<Column>(types.size());
        size_t i = 0;
        for (const Type &type : types) {
            columns[i].name = "c";
            columns[i].json_name = json_name("c", arena_);
            columns[i].type_name = "t";
            columns[i].in_identity = i % 3 == 0;
            columns[i++].type = type;
        }
        auto indexes = arena_.make<uint16_t>(key.size());
        std::copy(key.begin(), key.end(), indexes.begin());
        relation.columns = columns;
        relation.key = indexes;
        relations.push_back(relation);
    }

    void describe_every_kind() {
        Type text = scalar(Kind::text), int4 = scalar(Kind::int4);
        Type pair = composite_of({int4, text, scalar(Kind::boolean)});
        add(relation("every_kind"),
            {text,
             scalar(Kind::boolean),
             scalar(Kind::int2),
             int4,
             scalar(Kind::int8),
             scalar(Kind::float4),
             scalar(Kind::float8),
             scalar(Kind::numeric),
             scalar(Kind::date),
             scalar(Kind::time),
             scalar(Kind::timetz),
             scalar(Kind::timestamp),
             scalar(Kind::timestamptz),
             scalar(Kind::uuid),
             scalar(Kind::bytea),
             scalar(Kind::json),
             scalar(Kind::jsonb),
             array_of(int4),
             pair,
             array_of(pair),
             composite_of({array_of(text, ';'), pair})},
            {17, 0, 8});
    }

    // Deep enough for quoting to matter.
    void describe_nested_key() {
        Type type = scalar(Kind::text);
        for (int depth = 0; depth < 40; depth++)
            type = depth % 2 == 0 ? composite_of({type}) : array_of(type);
        add(relation("nested_key"), {type, scalar(Kind::int4)}, {0});
    }

    void describe_plain_key() {
        add(relation("plain_key"),
            {scalar(Kind::text, 1042), scalar(Kind::text, 869), scalar(Kind::timetz)}, {0});
    }

    Arena arena_;
};

} // namespace waltrail::wire
