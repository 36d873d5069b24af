#include "apply/postgres.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <map>

namespace waltrail {

namespace {

// A server's hints and details are sentences; ours are parts of one.
std::string without_full_stop(std::string text) {
    if (text.ends_with('.')) text.pop_back();
    return text;
}

// Settings of the connection string as a map; a malformed one is an error of the user.
std::map<std::string, std::string> parse_conninfo(const std::string &conninfo,
                                                  const std::string &end) {
    char *message = nullptr;
    std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(conninfo.c_str(), &message), PQconninfoFree);
    if (options == nullptr) {
        // libpq quotes the word it stumbled over, which may be a piece of a password.
        std::string reason = message == nullptr ? "" : one_line(message);
        bool names_an_option = reason.starts_with("invalid connection option");
        bool may_quote_password = conninfo.find("password") != std::string::npos ||
                                  conninfo.find("://") != std::string::npos;
        std::string problem = names_an_option && !may_quote_password ? ": " + reason : "";
        PQfreemem(message);
        throw Error(
            Disposition::stop, fmt::format("malformed connection string of the {}{}", end, problem),
            "write it as libpq wants it, for example \"host=db1 dbname=shop user=waltrail\"");
    }
    std::map<std::string, std::string> settings;
    for (auto *option = options.get(); option->keyword != nullptr; option++)
        if (option->val != nullptr) settings[option->keyword] = option->val;
    return settings;
}

// libpq gives no SQLSTATE for a failed connection, so what is wrong is found out by trying.
std::string connection_hint(std::map<std::string, std::string> settings, const std::string &end) {
    if (settings.erase("replication") != 0 && PQstatus(connect(settings).get()) == CONNECTION_OK)
        return "an ordinary connection works: give the role the right with ALTER ROLE … "
               "REPLICATION, "
               "and check max_wal_senders and pg_hba.conf, where the lines of the database count";
    return fmt::format("check that the server is running, host, port, user, database and password "
                       "of the {}'s connection string, and pg_hba.conf on its server",
                       end);
}

std::vector<const char *> values_of(const std::vector<Parameter> &parameters) {
    std::vector<const char *> values;
    for (auto &parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    return values;
}

} // namespace

Connection connect(const std::map<std::string, std::string> &settings) {
    std::vector<const char *> keywords, values;
    for (auto &[keyword, value] : settings) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return {PQconnectdbParams(keywords.data(), values.data(), 0), PQfinish};
}

long Result::affected() const { return std::atol(PQcmdTuples(result_.get())); }

std::vector<std::string> first_column(const Result &rows) {
    std::vector<std::string> values;
    for (int row = 0; row < rows.rows(); row++) values.push_back(rows.string(row, 0));
    return values;
}

PostgresConnection::PostgresConnection(const std::string &conninfo, std::string end, Mode mode,
                                       const std::string &application)
    : end_(std::move(end)), connection_(nullptr, PQfinish),
      warnings_(std::make_unique<std::vector<std::string>>()) {
    std::map<std::string, std::string> settings{
        {"connect_timeout", "10"}, {"application_name", application},
        {"keepalives_idle", "30"}, {"keepalives_interval", "10"},
        {"keepalives_count", "3"}, {"tcp_user_timeout", "60000"},
    };
    for (auto &[keyword, value] : parse_conninfo(conninfo, end_)) settings[keyword] = value;
    settings["client_encoding"] = "UTF8";
    if (mode == Mode::replication) settings["replication"] = "database";

    connection_ = connect(settings);
    if (PQstatus(connection_.get()) != CONNECTION_OK)
        throw Error(Disposition::reconnect,
                    fmt::format("could not connect to the {}: {}", end_,
                                one_line(PQerrorMessage(connection_.get()))),
                    connection_hint(settings, end_), "", end_);
    PQsetNoticeReceiver(connection_.get(), receive_notice, warnings_.get());
    remember_peer(std::move(settings));
}

// A database that knows of no encoding sends its bytes as they are, but raises an error at the first that is not UTF-8 where
// that is what it was asked for: the name of one table would keep init from listing all others. Nor would it take such bytes
// in a pattern.
void PostgresConnection::accept_bytes_of_no_encoding() {
    const char *encoding = PQparameterStatus(connection_.get(), "server_encoding");
    if (encoding == nullptr || std::string_view(encoding) != "SQL_ASCII") return;
    execute("SET client_encoding = 'SQL_ASCII'"); // PQsetClientEncoding() waits for ever
}

void PostgresConnection::receive_notice(void *owner, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (severity == nullptr || message == nullptr) return;
    spdlog::debug("server says: {}: {}", severity, one_line(message));
    if (std::string_view(severity) == "WARNING")
        static_cast<std::vector<std::string> *>(owner)->push_back(one_line(message));
}

std::vector<std::string> PostgresConnection::take_warnings() {
    return std::exchange(*warnings_, {});
}

Result PostgresConnection::execute(const std::string &sql) {
    Result result = run(sql);
    ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw error(result.get(), sql);
    return result;
}

Result PostgresConnection::execute(const std::string &sql,
                                   const std::vector<Parameter> &parameters) {
    return execute_parameters(sql, parameters, std::nullopt);
}

Result PostgresConnection::execute_prepared(const std::string &sql,
                                            const std::vector<Parameter> &parameters) {
    auto known = prepared_.find(sql);
    if (known == prepared_.end()) {
        std::string name = fmt::format("waltrail_{}", prepared_.size());
        Result prepared = last_result(
            PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr), sql);
        check(prepared.get(), PGRES_COMMAND_OK, sql);
        known = prepared_.emplace(sql, name).first;
    }
    std::vector<const char *> values = values_of(parameters);
    Result result = last_result(PQsendQueryPrepared(connection_.get(), known->second.c_str(),
                                                    static_cast<int>(values.size()), values.data(),
                                                    nullptr, nullptr, 0),
                                sql);
    ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw error(result.get(), sql);
    return result;
}

Result PostgresConnection::execute_with_bytes(const std::string &sql,
                                              const std::vector<Parameter> &parameters,
                                              std::string_view bytes) {
    return execute_parameters(sql, parameters, bytes);
}

Result PostgresConnection::execute_parameters(const std::string &sql,
                                              const std::vector<Parameter> &parameters,
                                              std::optional<std::string_view> bytes) {
    std::vector<const char *> values = values_of(parameters);
    std::vector<int> lengths(values.size()), formats(values.size()); // of text neither is looked at
    if (bytes) {
        values.push_back(bytes->data());
        lengths.push_back(static_cast<int>(bytes->size()));
        formats.push_back(1);
    }
    Result result = last_result(PQsendQueryParams(connection_.get(), sql.c_str(),
                                                  static_cast<int>(values.size()), nullptr,
                                                  values.data(), lengths.data(), formats.data(), 0),
                                sql);
    ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw error(result.get(), sql);
    return result;
}

Error PostgresConnection::error(const PGresult *result, const std::string &attempted) const {
    auto field = [&](int code) {
        const char *text = result != nullptr ? PQresultErrorField(result, code) : nullptr;
        return std::string(text != nullptr ? text : "");
    };
    std::string sqlstate = field(PG_DIAG_SQLSTATE);
    std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
    if (message.empty()) message = PQerrorMessage(connection_.get());
    std::string what = fmt::format("{}: {}", where(), one_line(message));
    if (std::string detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty() && sqlstate[0] != '2')
        what += fmt::format(
            " ({})", without_full_stop(one_line(detail))); // classes 22 and 23 quote row contents
    spdlog::debug("failed at: {}", one_line(attempted.substr(0, 400)));
    Disposition disposition = is_lost() ? Disposition::reconnect : disposition_of(sqlstate);
    std::string hint = without_full_stop(one_line(field(PG_DIAG_MESSAGE_HINT)));
    return {disposition, what, hint, sqlstate, end_};
}

void PostgresConnection::check(const PGresult *result, ExecStatusType expected,
                               const std::string &attempted) const {
    if (PQresultStatus(result) != expected) throw error(result, attempted);
}

std::string PostgresConnection::quote_literal(std::string_view text) const {
    std::unique_ptr<char, decltype(&PQfreemem)> quoted(
        PQescapeLiteral(connection_.get(), text.data(), text.size()), PQfreemem);
    if (quoted == nullptr) throw error(nullptr, "quoting a literal");
    return quoted.get();
}

std::string PostgresConnection::quote_identifier(std::string_view name) const {
    std::unique_ptr<char, decltype(&PQfreemem)> quoted(
        PQescapeIdentifier(connection_.get(), name.data(), name.size()), PQfreemem);
    if (quoted == nullptr) throw error(nullptr, "quoting an identifier");
    return quoted.get();
}

std::string PostgresConnection::where() const {
    const char *database = PQdb(connection_.get());
    const char *host = PQhost(connection_.get());
    return fmt::format("{} \"{}\" at {}", end_, database != nullptr ? database : "",
                       host != nullptr && *host != '\0' ? host : "the local server");
}

void forbid_transaction_timeout(PostgresConnection &connection) {
    if (PQserverVersion(connection.get()) >= 170000)
        connection.execute("SET transaction_timeout = 0");
}

void pin_session(PostgresConnection &connection) {
    connection.execute(
        "SET search_path = pg_catalog, pg_temp; SET statement_timeout = 0; SET lock_timeout = 0; "
        "SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning; "
        "SET DateStyle = ISO");
    forbid_transaction_timeout(connection);
}

} // namespace waltrail
