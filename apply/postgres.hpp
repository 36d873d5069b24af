// A connection to one of the two servers, and results, over libpq. Every failure becomes an Error that names the end it
// happened at.
#pragma once

#include "apply/backend_probe.hpp"
#include "apply/error.hpp"

#include <libpq-fe.h>

#include <chrono>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

class Result {
  public:
    explicit Result(PGresult *result) : result_(result, PQclear) {}

    [[nodiscard]] int rows() const { return PQntuples(result_.get()); }
    [[nodiscard]] bool is_null(int row, int column) const {
        return PQgetisnull(result_.get(), row, column) != 0;
    }
    // Text format; empty for NULL.
    [[nodiscard]] std::string_view text(int row, int column) const {
        return {PQgetvalue(result_.get(), row, column),
                static_cast<size_t>(PQgetlength(result_.get(), row, column))};
    }
    [[nodiscard]] std::string string(int row, int column) const {
        return std::string(text(row, column));
    }
    // Rows that an INSERT, UPDATE or DELETE touched.
    [[nodiscard]] long affected() const;
    [[nodiscard]] PGresult *get() const { return result_.get(); }

  private:
    std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

// The first column of every row, as text.
[[nodiscard]] std::vector<std::string> first_column(const Result &rows);

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

// Whether it worked, PQstatus() says. Takes connect_timeout at most for each host.
[[nodiscard]] Connection connect(const std::map<std::string, std::string> &settings);

// NULL is nullopt.
using Parameter = std::optional<std::string>;

class PostgresConnection {
  public:
    enum class Mode { sql, replication };

    // `end` is what messages call it: "source" or "destination". Settings in conninfo win over the defaults given here
    // (connect_timeout=10, application_name=waltrail, tcp_user_timeout=60000 …). A malformed conninfo is Disposition::stop; every
    // failed connection is Disposition::reconnect, for a server may be starting or full.
    PostgresConnection(const std::string &conninfo, std::string end, Mode mode = Mode::sql,
                       const std::string &application = "waltrail");

    // Any number of statements; the last result. Simple query protocol.
    Result execute(const std::string &sql);
    // One statement with text parameters $1 … (not on a replication connection).
    Result execute(const std::string &sql, const std::vector<Parameter> &parameters);
    // The same, parsed at its first use only.
    Result execute_prepared(const std::string &sql, const std::vector<Parameter> &parameters);
    // The same as execute(), with one more parameter behind the others: a bytea, which may be as long as the protocol allows (1 GB).
    Result execute_with_bytes(const std::string &sql, const std::vector<Parameter> &parameters,
                              std::string_view bytes);

    // What the calls above are made of. Every wait for the server goes through these, and none lasts for ever: each time that nothing has
    // been heard for silence_max(), require_peer().
    Result
    run(const std::string &sql); // its last result, whatever that is, or a COPY that has begun
    Result next_result();        // null behind the last one
    void flush();                // until the kernel has all that was sent

    // Throws (reconnect) when the server is not at work for this connection, and will never answer: then it is lost. Says in the log what
    // the server waits for otherwise.
    void require_peer();
    // Whether it is of no use any more. PQstatus() does not tell of a server that went silent: libpq still waits for its answer then, and
    // refuses the next command.
    [[nodiscard]] bool is_lost() const {
        return is_silent_ || PQstatus(connection_.get()) != CONNECTION_OK;
    }
    // tcp_user_timeout of the connection string, in both senses: that the other side's kernel, and that its server is silent. 0: for ever.
    [[nodiscard]] std::chrono::milliseconds silence_max() const { return silence_max_; }

    // The error of a failed result or of the connection (null), with its disposition.
    [[nodiscard]] Error error(const PGresult *result, const std::string &attempted) const;
    void check(const PGresult *result, ExecStatusType expected, const std::string &attempted) const;

    [[nodiscard]] std::string quote_literal(std::string_view text) const;
    [[nodiscard]] std::string quote_identifier(std::string_view name) const;

    [[nodiscard]] PGconn *get() const { return connection_.get(); }
    [[nodiscard]] const std::string &end() const { return end_; }
    // For messages: `source "db" at host`.
    [[nodiscard]] std::string where() const;
    // Warnings of the server since the last call, oldest first; logged at debug level too.
    [[nodiscard]] std::vector<std::string> take_warnings();

  private:
    Result execute_parameters(const std::string &sql, const std::vector<Parameter> &parameters,
                              std::optional<std::string_view> bytes);
    void accept_bytes_of_no_encoding();
    void remember_peer(std::map<std::string, std::string> settings);
    [[noreturn]] void lose(const std::string &finding);
    Result last_result(int is_sent, const std::string &sql);
    void wait(short events);
    static void receive_notice(void *owner, const PGresult *result);

    std::string end_;
    Connection connection_;
    std::map<std::string, std::string> settings_; // of a connection to the same server
    Backend backend_;                             // empty until the server has told it
    std::chrono::milliseconds silence_max_{0};
    bool is_silent_ = false;
    // Owned apart, so that libpq's pointer to it survives a move of this object.
    std::unique_ptr<std::vector<std::string>> warnings_;
    std::map<std::string, std::string> prepared_; // names by their SQL
};

// What a role or database has set must not end a transaction half-way; also where a walsender decodes one. PostgreSQL 17 has it.
void forbid_transaction_timeout(PostgresConnection &connection);

// What a role or database has set must not end a step half-way, lead a name astray or change how a value reads.
void pin_session(PostgresConnection &connection);

} // namespace waltrail
