// Random relations, rows and changes of every kind, from a seed that a failing test prints.
#pragma once

#include "tests/unit/encoded_value.hpp"
#include "tests/unit/frame_recorder.hpp"

#include <cstdlib>
#include <deque>
#include <random>

namespace waltrail::wire {

// WALTRAIL_TEST_SEED repeats a run.
inline uint64_t test_seed() {
    if (const char *given = std::getenv("WALTRAIL_TEST_SEED"))
        return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

// What a change of a test is to contain.
struct ChangeShape {
    Operation operation = Operation::insert;
    OldRow old_row = OldRow::none;
    bool nulls = false;
    bool absent = false; // of a new row without a whole old row
    bool same = false;   // of an update with a whole old row
    bool unreadable = false;
};

class RandomChanges {
  public:
    explicit RandomChanges(uint64_t seed) : random_(seed) {}

    uint64_t below(uint64_t limit) { return random_() % limit; }
    bool chance() { return below(2) == 0; }

    std::string bytes(size_t length) {
        std::string text(length, '\0');
        for (char &c : text) c = static_cast<char>(random_());
        return text;
    }

    // Of any magnitude: uniformly many bits.
    uint64_t number() { return random_() >> below(64); }

    Type type(int depth = 0) {
        Type type = scalar(static_cast<Kind>(below(depth < 3 ? kind_max + 1u : 17u)), number32());
        if (type.kind == Kind::array) {
            type.delimiter = chance() ? ',' : ';';
            auto element = arena_.make<Type>(1);
            element[0] = this->type(depth + 1);
            type.element = element.data();
        } else if (type.kind == Kind::composite) {
            auto fields = arena_.make<Field>(below(10));
            for (Field &field : fields) {
                field.name = arena_.copy(bytes(below(20)));
                field.json_name = json_name(field.name, arena_);
                field.type = this->type(depth + 1);
            }
            type.fields = fields;
        }
        return type;
    }

    // The first columns have one of each kind, so that no kind is left to chance.
    Relation relation(uint32_t number) {
        Relation relation;
        relation.number = number;
        relation.oid = number32();
        relation.schema = arena_.copy(bytes(below(64)));
        relation.table = arena_.copy(bytes(below(64)));
        relation.root_schema = arena_.copy(bytes(below(64)));
        relation.root_table = arena_.copy(bytes(below(64)));
        relation.replica_identity = static_cast<ReplicaIdentity>("dnfi"[below(4)]);
        auto columns = arena_.make<Column>(below(4) == 0 ? 0 : 17 + below(30));
        for (size_t i = 0; i < columns.size(); i++) {
            columns[i] = column(arena_.copy(bytes(below(64))),
                                i < 17 ? scalar(static_cast<Kind>(i)) : type(), arena_);
            columns[i].type_name = arena_.copy(bytes(below(300)));
            columns[i].in_identity = chance();
            columns[i].generated = chance();
            columns[i].masked = chance();
        }
        relation.columns = columns;
        auto key = arena_.make<uint16_t>(columns.empty() ? 0 : below(4));
        for (uint16_t &index : key) index = static_cast<uint16_t>(below(columns.size()));
        relation.key = key;
        return relation;
    }

    std::string value(const Type &type) {
        switch (type.kind) {
        case Kind::boolean:
            return {static_cast<char>(below(2))};
        case Kind::int2:
            return zigzag(static_cast<int16_t>(number()));
        case Kind::int4:
            return zigzag(static_cast<int32_t>(number()));
        case Kind::int8:
            return zigzag(static_cast<int64_t>(number()));
        case Kind::date:
            return zigzag(static_cast<int32_t>(number()));
        case Kind::time:
            return zigzag(static_cast<int64_t>(below(86'400'000'001)));
        case Kind::timetz:
            return zigzag(static_cast<int64_t>(below(86'400'000'001))) + zigzag(zone());
        case Kind::float4:
            return bytes(4);
        case Kind::float8:
        case Kind::timestamp:
        case Kind::timestamptz:
            return bytes(8);
        case Kind::uuid:
            return bytes(16);
        case Kind::array:
            return array(type);
        case Kind::composite:
            return composite(type);
        default:
            return bytes(below(20) == 0 ? below(5000) : below(40));
        }
    }

    // Sequence and position are left to the caller.
    Change change(const Relation &relation, const ChangeShape &shape) {
        Change change;
        change.operation = shape.operation;
        change.relation = &relation;
        change.old_row = shape.old_row;
        if (shape.operation == Operation::truncate) {
            change.cascade = chance();
            change.restart_identity = chance();
        }
        change.before = arena_.make<Value>(relation.columns.size());
        change.after = arena_.make<Value>(relation.columns.size());
        for (size_t i = 0; i < relation.columns.size(); i++) {
            const Column &column = relation.columns[i];
            if (shape.old_row == OldRow::whole ||
                (shape.old_row == OldRow::identity && column.in_identity))
                change.before[i] = present_or_null(column.type, shape, change);
            if (shape.operation != Operation::insert && shape.operation != Operation::update)
                continue;
            if (shape.absent && shape.old_row != OldRow::whole && chance()) continue;
            if (shape.same && shape.old_row == OldRow::whole && chance()) {
                change.after[i] = change.before[i];
                change.after[i].same_as_old = true;
            } else
                change.after[i] = present_or_null(column.type, shape, change);
        }
        return change;
    }

  private:
    uint32_t number32() { return static_cast<uint32_t>(number()); }
    int64_t zone() { return static_cast<int64_t>(below(115'199)) - 57'599; }

    // Tells the change of an unreadable value.
    Value present_or_null(const Type &type, const ChangeShape &shape, Change &change) {
        if (shape.nulls && chance()) return null_value();
        if (!shape.unreadable || chance()) return present(arena_.copy(value(type)));
        Value hidden = present(arena_.copy("\\x" + bytes(below(20))));
        hidden.unreadable = change.unreadable = true;
        return hidden;
    }

    Item item(const Type &type, bool nulls) {
        if (nulls && chance()) return std::nullopt;
        return value(type);
    }

    std::string array(const Type &type) {
        std::vector<Dimension> dimensions(below(4));
        uint64_t count = dimensions.empty() ? 0 : 1;
        for (Dimension &dimension : dimensions) {
            dimension = {1 + below(3), chance() ? 1 : static_cast<int32_t>(number())};
            count *= dimension.length;
        }
        bool nulls = chance();
        Items items;
        for (uint64_t i = 0; i < count; i++) items.push_back(item(*type.element, nulls));
        return array_of(*type.element, dimensions, items);
    }

    std::string composite(const Type &type) {
        bool nulls = chance();
        Items items;
        for (const Field &field : type.fields) items.push_back(item(field.type, nulls));
        return composite_of(type.fields, items);
    }

    std::mt19937_64 random_;
    OwnedArena arena_;
};

} // namespace waltrail::wire
