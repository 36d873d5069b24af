// | slot on the source      | registered | then                                                              |
// |-------------------------|------------|-------------------------------------------------------------------|
// | none                    | no         | prepared anew                                                     |
// | none                    | yes        | refused: what happened since would be missing without a word      |
// | ours, good              | yes        | prepared already; it may be in use by apply                       |
// | ours, good              | no         | refused: nobody knows what has been taken from it                 |
// | other plugin, database… | any        | refused                                                           |
// | ours, invalidated       | any        | refused                                                           |
#include "apply/init_registration.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

namespace waltrail {

namespace {

[[noreturn]] void refuse(const std::string &problem, const std::string &hint) {
    throw Error(Disposition::stop, problem, hint);
}

bool has_table(PostgresConnection &destination, const std::string &table) {
    return destination.execute("SELECT to_regclass($1) IS NOT NULL", {table}).text(0, 0) == "t";
}

// Label of this source's registration, if there is one.
std::optional<std::string> registered_label(PostgresConnection &destination,
                                            const SourceIdentity &identity,
                                            const std::string &slot) {
    if (!has_table(destination, "changes.sources")) return std::nullopt;
    Result row = destination.execute(
        "SELECT label FROM changes.sources WHERE system_identifier = $1 "
        "AND database_oid = $2 AND slot_name = $3",
        {std::to_string(identity.system_identifier), identity.database_oid, slot});
    if (row.rows() == 0) return std::nullopt;
    return row.string(0, 0);
}

// Whether there is a slot of that name; one that is no use is refused here.
bool has_slot(PostgresConnection &source, const SourceIdentity &identity, const std::string &slot) {
    Result row =
        source.execute("SELECT slot_type, coalesce(plugin, ''), coalesce(database, ''), temporary, "
                       "coalesce(wal_status, ''), coalesce(active_pid::text, '') "
                       "FROM pg_replication_slots WHERE slot_name = $1",
                       {slot});
    if (row.rows() == 0) return false;
    std::string where = fmt::format("{}: replication slot \"{}\"", source.where(), slot);
    std::string other = "choose another name with --slot";
    if (row.text(0, 0) != "logical") refuse(where + " exists and is a physical one", other);
    if (row.text(0, 1) != "waltrail")
        refuse(fmt::format("{} exists with output plugin \"{}\"", where, row.text(0, 1)), other);
    if (row.text(0, 2) != identity.database_name)
        refuse(fmt::format("{} exists in database \"{}\"", where, row.text(0, 2)), other);
    if (row.text(0, 3) == "t") refuse(where + " exists and is temporary", other);
    if (row.text(0, 4) == "lost")
        refuse(where + " is invalidated: the WAL it needs is gone",
               fmt::format("drop it with SELECT pg_drop_replication_slot('{}') and prepare the "
                           "source anew with "
                           "another --slot and --label",
                           slot));
    return true;
}

void refuse_unregistered_slot(PostgresConnection &source, PostgresConnection &destination,
                              const std::string &slot) {
    Result row = source.execute("SELECT coalesce(active_pid::text, '') FROM pg_replication_slots "
                                "WHERE slot_name = $1 AND active",
                                {slot});
    if (row.rows() > 0)
        refuse(fmt::format("{}: replication slot \"{}\" exists and is in use by pid {}",
                           source.where(), slot, row.text(0, 0)),
               "choose another name with --slot");
    refuse(fmt::format("{}: replication slot \"{}\" exists and is not registered at the {}",
                       source.where(), slot, destination.where()),
           fmt::format("drop it on the source with SELECT pg_drop_replication_slot('{}') if "
                       "nothing else uses it, "
                       "or choose another name with --slot",
                       slot));
}

void check_label_is_free(PostgresConnection &destination, const std::string &label) {
    if (!has_table(destination, "changes.sources")) return;
    Result row = destination.execute(
        "SELECT database_name, slot_name FROM changes.sources WHERE label = $1", {label});
    if (row.rows() > 0)
        refuse(fmt::format("{}: label \"{}\" is taken by the source \"{}\" with slot \"{}\"",
                           destination.where(), label, row.text(0, 0), row.text(0, 1)),
               "choose another one with --label");
}

} // namespace

SourceIdentity identify_source(PostgresConnection &source, PostgresConnection &replication) {
    Result system = replication.execute("IDENTIFY_SYSTEM");
    Result database =
        source.execute("SELECT oid, datname FROM pg_database WHERE datname = current_database()");
    return {static_cast<int64_t>(std::strtoull(system.string(0, 0).c_str(), nullptr, 10)),
            std::atoi(system.string(0, 1).c_str()), database.string(0, 0), database.string(0, 1)};
}

Registration check_registration(PostgresConnection &source, PostgresConnection &destination,
                                const SourceIdentity &identity, const std::string &slot,
                                const std::string &label) {
    bool slot_exists = has_slot(source, identity, slot);
    std::optional<std::string> registered = registered_label(destination, identity, slot);
    if (slot_exists && !registered) refuse_unregistered_slot(source, destination, slot);
    if (!slot_exists && registered)
        refuse(fmt::format("{}: this source is registered as \"{}\" and its replication slot "
                           "\"{}\" is gone from the {}",
                           destination.where(), *registered, slot, source.where()),
               "changes since then are lost to that trail; prepare the source anew with another "
               "--slot and --label");
    if (registered && !label.empty() && label != *registered)
        refuse(fmt::format("{}: this source is registered as \"{}\", not as \"{}\"",
                           destination.where(), *registered, label),
               fmt::format("leave --label out or give --label {}", *registered));
    if (registered) return {*registered, true};

    Registration fresh{label.empty() ? identity.database_name : label, false};
    check_label_is_free(destination, fresh.label);
    return fresh;
}

std::vector<std::string> doubled_registrations(PostgresConnection &source,
                                               PostgresConnection &destination,
                                               const SourceIdentity &identity,
                                               const std::string &slot) {
    Result others = destination.execute(
        "SELECT label, slot_name FROM changes.sources WHERE system_identifier = $1 "
        "AND database_oid = $2 AND slot_name <> $3 ORDER BY id",
        {std::to_string(identity.system_identifier), identity.database_oid, slot});
    std::vector<std::string> lines;
    for (int row = 0; row < others.rows(); row++)
        // Without its slot it is a source that was prepared anew.
        if (source
                .execute("SELECT FROM pg_replication_slots WHERE slot_name = $1",
                         {others.string(row, 1)})
                .rows() > 0)
            lines.push_back(fmt::format(
                "this database is recorded as \"{}\" already, through slot \"{}\": a change that "
                "both give has one id, and goes to quarantine the second time; record it through "
                "one slot, or let the slots follow different tables (apply --tables)",
                others.string(row, 0), others.string(row, 1)));
    return lines;
}

} // namespace waltrail
